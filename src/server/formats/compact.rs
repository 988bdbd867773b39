//! The compact batch of our own clients ([`crate::batch`]), with keys turned into public names: once
//! for each key in the batch, not for each call.

use super::Fault;
use super::Reader;
use crate::batch::Decoded;
use crate::batch::Malformed;
use crate::batch::Named;
use crate::batch::column;
use crate::engine::event::Dimension;
use crate::engine::event::Dimensions;
use crate::engine::event::MAX_DIMENSIONS;
use crate::engine::event::MAX_ID_BYTES;
use crate::engine::event::MAX_VALUE_BYTES;
use crate::engine::event::status;
use crate::engine::money::Currency;
use crate::engine::money::Money;
use crate::engine::money::MoneyError;
use crate::engine::time::TimeError;
use crate::engine::time::Timestamp;
use crate::store::EventError;
use crate::store::Intake;
use crate::store::bulk::Bulk;
use crate::store::bulk::SeriesTable;
use crate::store::columns::Columns;
use crate::store::columns::Parts;
use std::borrow::Cow;
use std::sync::Arc;

/// The table of series of a batch.
struct Table<'a> {
    batch: &'a Decoded<'a>,
    /// By dimension of the engine: the column of the batch.
    columns: [Option<&'a [u32]>; MAX_DIMENSIONS],
    /// By number of a text that is a key: its public name.
    keys: Vec<Option<Arc<str>>>,
}

impl<'a> Table<'a> {
    /// The table as this reader's engine counts it: labels it does not have are passed over.
    fn new(reader: &Reader, batch: &'a Decoded<'a>) -> Self {
        let mut table = Self { batch, columns: [None; MAX_DIMENSIONS], keys: Vec::new() };
        for (named, column) in batch.dimensions.iter().zip(&batch.series) {
            let dimension = match named {
                Named::Fixed(dimension) => Some(*dimension),
                Named::Label(name) => {
                    let place = reader.labels.iter().position(|(label, _)| label == name);
                    place.and_then(|place| u8::try_from(place).ok()).map(Dimension::Label)
                }
            };
            match dimension {
                Some(dimension) => table.columns[dimension.index()] = Some(column),
                None => named.label().into_iter().for_each(|name| reader.unknown.note(name)),
            }
        }
        table.name_keys(reader);
        table
    }

    /// A key that is too long stays as it is: no call of it is counted.
    fn name_keys(&mut self, reader: &Reader) {
        let Some(column) = self.columns[Dimension::Key.index()] else { return };
        self.keys = vec![None; self.batch.texts.len()];
        for number in column {
            let (text, key) = (self.batch.texts[*number as usize], &mut self.keys[*number as usize]);
            if key.is_none() {
                *key = reader.name_key(text).ok().flatten();
            }
        }
    }

    /// What the sender told of a series.
    fn told(&self, series: u32, place: usize) -> &'a str {
        self.columns[place].map_or("", |column| self.batch.texts[column[series as usize] as usize])
    }

    /// The first label of a series that is too long.
    fn long_label(&self, series: u32) -> Option<usize> {
        let first = Dimension::Label(0).index();
        (first..MAX_DIMENSIONS).find(|place| self.told(series, *place).len() > MAX_VALUE_BYTES).map(|n| n - first)
    }
}

impl SeriesTable for Table<'_> {
    fn len(&self) -> usize {
        self.batch.series.first().map_or(0, Vec::len)
    }

    fn names(&self, series: u32) -> Dimensions<'_> {
        let mut names = [""; MAX_DIMENSIONS];
        for (place, name) in names.iter_mut().enumerate() {
            *name = self.told(series, place);
        }
        let (key, outcome) = (Dimension::Key.index(), Dimension::Status.index());
        if let Some(column) = self.columns[key] {
            names[key] = self.keys[column[series as usize] as usize].as_deref().unwrap_or(names[key]);
        }
        names[outcome] = status::canonical(names[outcome]);
        Dimensions(names)
    }

    /// Texts as they stand, then those of keys, then those of statuses.
    fn slot(&self, series: u32, place: usize) -> usize {
        let Some(column) = self.columns[place] else { return 0 };
        let (number, texts) = (column[series as usize] as usize, self.batch.texts.len());
        match place {
            _ if number == 0 => 0,
            0 => texts + number,
            5 => 2 * texts + number,
            _ => number,
        }
    }

    fn slots(&self) -> usize {
        3 * self.batch.texts.len()
    }

    fn names_at_most(&self) -> usize {
        self.batch.texts.len()
    }
}

impl Named<'_> {
    fn label(&self) -> Option<&str> {
        match self {
            Self::Fixed(_) => None,
            Self::Label(name) => Some(name),
        }
    }
}

/// Reads a batch as the whole of a request, and decides on its calls; those whose time was not told
/// get `now`.
///
/// # Errors
/// [`Malformed`] where it is no batch; then nothing was decided.
pub fn push(reader: &Reader, body: &[u8], intake: &mut Intake<'_>, now: Timestamp) -> Result<(), Malformed> {
    let batch = Decoded::read(body)?;
    let table = Table::new(reader, &batch);
    intake.push_all(read(reader, &table, now), &table);
    Ok(())
}

fn read(reader: &Reader, table: &Table<'_>, now: Timestamp) -> Bulk {
    let batch = table.batch;
    let mut faults = Faults::default();
    let (timestamps, timed) = timestamps(batch, now, &mut faults);
    let costs = costs(batch, &mut faults);
    long_names(batch, &mut faults);
    long_labels(reader, table, &mut faults);
    let parts = Parts {
        shapes: batch.shapes.clone(),
        timestamps,
        numbers: batch.numbers.clone(),
        figures: batch.figures.clone(),
        costs,
        names: [&batch.ids, &batch.job_ids].map(|strings| (&strings.lens[..], strings.arena)),
        errors: errors(reader, table),
    };
    Bulk { columns: Columns::of(parts), timed, faults: faults.sorted() }
}

/// What is wrong with calls that the engine would not see.
#[derive(Default)]
struct Faults(Vec<EventError>);

impl Faults {
    fn add(&mut self, row: usize, pointer: impl Into<Cow<'static, str>>, detail: &impl ToString) {
        self.0.push(Fault::new(pointer, detail.to_string()).at(row as u64));
    }

    /// The first of each call.
    fn sorted(mut self) -> Vec<EventError> {
        self.0.sort_by_key(|error| error.index);
        self.0.dedup_by_key(|error| error.index);
        self.0
    }
}

/// The calls that have a value in a column.
fn rows_with<'a>(batch: &'a Decoded<'_>, tag: u8) -> impl Iterator<Item = usize> + 'a {
    let has = move |shape: &u16| shape >> tag & 1 != 0;
    batch.shapes.iter().enumerate().filter(move |(_, shape)| has(shape)).map(|(row, _)| row)
}

/// The time of each call, and whether it was told.
fn timestamps(batch: &Decoded<'_>, now: Timestamp, faults: &mut Faults) -> (Vec<Timestamp>, Vec<bool>) {
    let (mut offsets, mut timestamps) = (batch.offsets.iter(), Vec::with_capacity(batch.len()));
    let timed: Vec<bool> = batch.shapes.iter().map(|shape| shape >> column::TIMESTAMP & 1 != 0).collect();
    for (row, told) in timed.iter().enumerate() {
        let Some(offset) = told.then(|| offsets.next()).flatten() else {
            timestamps.push(now);
            continue;
        };
        let micros = batch.base.checked_add_unsigned(*offset);
        let timestamp = micros.and_then(|micros| Timestamp::from_micros(micros).ok());
        if timestamp.is_none() {
            faults.add(row, "/timestamp", &TimeError::OutOfRange);
        }
        timestamps.push(timestamp.unwrap_or(now));
    }
    (timestamps, timed)
}

fn costs(batch: &Decoded<'_>, faults: &mut Faults) -> Vec<Money> {
    let known = |code: &&[u8]| std::str::from_utf8(code).ok().and_then(|code| Currency::parse(code).ok());
    let currencies: Vec<Option<Currency>> = batch.currencies.iter().map(known).collect();
    let mut costs = Vec::with_capacity(batch.costs.1.len());
    let whole = currencies.iter().all(Option::is_some) && batch.costs.1.iter().all(|nanos| *nanos >> 63 == 0);
    let told = batch.costs.0.iter().zip(&batch.costs.1);
    costs.extend(told.map(|(currency, nanos)| Money {
        nanos: i64::try_from(*nanos).unwrap_or(0),
        currency: currencies[*currency as usize].unwrap_or(Currency::USD),
    }));
    if !whole {
        let told = batch.costs.0.iter().zip(&batch.costs.1).zip(rows_with(batch, column::COST));
        for ((currency, nanos), row) in told {
            if currencies[*currency as usize].is_none() {
                faults.add(row, "/currency", &MoneyError::UnknownCurrency);
            } else if i64::try_from(*nanos).is_err() {
                faults.add(row, "/cost", &MoneyError::TooLarge);
            }
        }
    }
    costs
}

fn long_names(batch: &Decoded<'_>, faults: &mut Faults) {
    for (tag, pointer, strings) in [(column::ID, "/id", &batch.ids), (column::JOB_ID, "/job_id", &batch.job_ids)] {
        let is_long = |len: &u32| *len as usize > MAX_ID_BYTES;
        if strings.lens.iter().any(is_long) {
            let rows = rows_with(batch, tag).zip(&strings.lens).filter(|(_, len)| is_long(len));
            rows.for_each(|(row, _)| faults.add(row, pointer, &"longer than 128 bytes"));
        }
    }
}

/// The engine's word for it names no label.
fn long_labels(reader: &Reader, table: &Table<'_>, faults: &mut Faults) {
    if table.batch.texts.iter().all(|text| text.len() <= MAX_VALUE_BYTES) {
        return;
    }
    for (row, series) in table.batch.numbers.iter().enumerate() {
        if let Some(label) = table.long_label(*series) {
            faults.add(row, reader.labels[label].1.clone(), &"longer than 256 bytes");
        }
    }
}

/// Errors without keys in them.
fn errors<'a>(reader: &Reader, table: &Table<'a>) -> Vec<Cow<'a, str>> {
    let rows = rows_with(table.batch, column::ERROR).zip(table.batch.errors.iter());
    let key = |row: usize| table.told(table.batch.numbers[row], Dimension::Key.index());
    rows.map(|(row, error)| reader.scrub(Cow::Borrowed(error), key(row))).collect()
}
