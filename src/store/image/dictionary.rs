//! The names of the series that a file uses. A series' number in a file is its place among them,
//! sorted by name, so that it does not depend on which number the engine gave it.

use super::NAMES;
use super::SECTION_BYTES;
use super::VERSION;
use super::read::section;
use crate::codec;
use crate::codec::Names;
use crate::engine::event::MAX_VALUE_BYTES;
use crate::engine::image::Image;
use crate::engine::plain_column::PlainColumn;
use crate::snapshot::Snapshot;
use crate::snapshot::SnapshotError;
use crate::snapshot::Writer;
use hashbrown::HashMap;
use std::sync::Arc;

/// A set of the engine's numbers of series.
#[derive(Default)]
pub(super) struct Used(Vec<bool>);

impl Used {
    pub(super) fn add(&mut self, ids: &[u32]) {
        let most = ids.iter().max().map_or(0, |most| *most as usize + 1);
        self.0.resize(self.0.len().max(most), false);
        ids.iter().for_each(|id| self.0[*id as usize] = true);
    }

    fn ids(&self) -> Vec<u32> {
        (0..).zip(&self.0).filter(|(_, used)| **used).map(|(id, _)| id).collect()
    }
}

/// The dictionary of a file to be written.
pub(super) struct Dictionary {
    texts: Vec<Vec<Arc<str>>>, // by dimension, sorted
    rows: Vec<Vec<u32>>,       // by dimension: the place of its text for each series, these sorted
    ranks: Vec<u32>,           // by the engine's number
}

impl Dictionary {
    pub(super) fn new(image: &Image, used: &Used) -> Self {
        let ids = used.ids();
        let mut tables: Vec<HashMap<Arc<str>, u32, foldhash::fast::RandomState>> = Vec::new();
        let mut rows: Vec<Vec<u32>> = Vec::new();
        for id in &ids {
            let names = image.names(*id);
            tables.resize_with(names.len(), HashMap::default);
            rows.resize_with(names.len(), || Vec::with_capacity(ids.len()));
            for (place, text) in names.into_iter().enumerate() {
                let next = tables[place].len() as u32;
                rows[place].push(*tables[place].entry(text).or_insert(next));
            }
        }
        let texts = tables.into_iter().zip(&mut rows).map(|(table, column)| sort_texts(table, column)).collect();
        let mut order: Vec<u32> = (0..ids.len() as u32).collect();
        let key = |place: u32| rows.iter().map(move |column| column[place as usize]);
        order.sort_unstable_by(|a, b| key(*a).cmp(key(*b)));
        let mut ranks = vec![u32::MAX; used.0.len()];
        (0..).zip(&order).for_each(|(rank, place)| ranks[ids[*place as usize] as usize] = rank);
        let sorted = |column: Vec<u32>| order.iter().map(|place| column[*place as usize]).collect();
        Self { texts, rows: rows.into_iter().map(sorted).collect(), ranks }
    }

    /// How many series.
    pub(super) fn len(&self) -> usize {
        self.rows.first().map_or(0, Vec::len)
    }

    /// The number in the file of a series by the engine's.
    pub(super) fn rank(&self, id: u32) -> u32 {
        self.ranks[id as usize]
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) -> Result<(), SnapshotError> {
        for (dimension, texts) in (0..).zip(&self.texts) {
            let mut rest = texts.as_slice();
            while !rest.is_empty() {
                let (part, others) = rest.split_at(fitting(rest));
                let texts = part.iter().map(|text| String::from(&**text)).collect();
                writer.section(NAMES, VERSION, &codec::encode(&Names::Texts { dimension, texts }))?;
                rest = others;
            }
        }
        let step = SECTION_BYTES / (4 * self.rows.len().max(1));
        for begin in (0..self.len()).step_by(step) {
            let end = self.len().min(begin + step);
            let pack = |column: &Vec<u32>| PlainColumn::pack(column[begin..end].iter().map(|place| u128::from(*place)));
            let columns = self.rows.iter().map(pack).collect();
            writer.section(NAMES, VERSION, &codec::encode(&Names::Series { rows: (end - begin) as u32, columns }))?;
        }
        Ok(())
    }
}

/// Sorts the texts of a table and renumbers a column by it.
fn sort_texts(table: HashMap<Arc<str>, u32, foldhash::fast::RandomState>, column: &mut [u32]) -> Vec<Arc<str>> {
    let mut sorted: Vec<(Arc<str>, u32)> = table.into_iter().collect();
    sorted.sort_unstable();
    let mut places = vec![0; sorted.len()];
    (0..).zip(&sorted).for_each(|(place, (_, number))| places[*number as usize] = place);
    column.iter_mut().for_each(|number| *number = places[*number as usize]);
    sorted.into_iter().map(|(text, _)| text).collect()
}

/// How many of some texts make a section; one at least.
fn fitting(texts: &[Arc<str>]) -> usize {
    let mut bytes = 0;
    let fits = |text: &&Arc<str>| {
        bytes += 8 + text.len();
        bytes <= SECTION_BYTES
    };
    texts.iter().take_while(fits).count().max(1)
}

/// Reads the dictionary of a file of some bytes: tells the names of each series, in order.
pub(super) fn read(snapshot: &Snapshot, width: usize, mut visit: impl FnMut(&[&str])) -> Result<(), SnapshotError> {
    let mut reading = Reading { texts: vec![Vec::new(); width], last: None };
    for (place, _) in snapshot.sections().iter().enumerate().filter(|(_, section)| section.kind == NAMES) {
        let names = section(snapshot, place)?;
        let sound = match names {
            Names::Texts { dimension, texts } => reading.texts(usize::from(dimension), texts),
            Names::Series { rows, columns } => reading.series(rows as usize, &columns, &mut visit),
        };
        if sound.is_none() {
            return Err(snapshot.damaged(&format!("section {place} does not hold names in order")));
        }
    }
    Ok(())
}

/// What was read of a dictionary.
struct Reading {
    texts: Vec<Vec<String>>,
    last: Option<Vec<u32>>, // the names of the last series
}

impl Reading {
    fn texts(&mut self, dimension: usize, texts: Vec<String>) -> Option<()> {
        let known = self.texts.get_mut(dimension).filter(|_| self.last.is_none())?;
        let short = texts.iter().all(|text| text.len() <= MAX_VALUE_BYTES);
        let begin = known.len().saturating_sub(1);
        known.extend(texts);
        (short && known[begin..].is_sorted_by(|a, b| a < b)).then_some(())
    }

    fn series(&mut self, rows: usize, columns: &[PlainColumn], visit: &mut impl FnMut(&[&str])) -> Option<()> {
        if columns.len() != self.texts.len() || !columns.iter().all(|column| codec::holds(column, rows)) {
            return None;
        }
        for row in 0..rows {
            let numbers = columns.iter().map(|column| u32::try_from(column.get(row)).ok());
            let numbers = numbers.collect::<Option<Vec<u32>>>()?;
            if self.last.as_ref().is_some_and(|last| *last >= numbers) {
                return None;
            }
            let texts = self.texts.iter().zip(&numbers);
            let names = texts.map(|(texts, number)| texts.get(*number as usize).map(String::as_str));
            let names = names.collect::<Option<Vec<&str>>>()?;
            visit(&names);
            self.last = Some(numbers);
        }
        Some(())
    }
}
