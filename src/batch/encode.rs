//! Calls to bytes.

use super::ALL;
use super::LABEL;
use super::MAGIC;
use super::SOME;
use super::VERSION;
use super::bytes::put_integers;
use super::column;
use crate::engine::event::Dimension;
use crate::engine::event::Event;
use crate::engine::event::MAX_DIMENSIONS;
use crate::engine::event::MAX_LABELS;
use crate::engine::event::Measures;
use crate::engine::money::Currency;
use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// Gathers calls and spells them as one batch.
///
/// Nothing is checked: what is wrong with a call, the receiver says in its receipt, by the place of
/// the call in the batch.
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    labels: Vec<String>,
    texts: HashMap<Box<str>, u64, RandomState>,
    arena: String,
    lens: Vec<u64>,
    known: HashMap<[u64; MAX_DIMENSIONS], u64, RandomState>,
    series: [Vec<u64>; MAX_DIMENSIONS],
    numbers: Vec<u64>,
    shapes: Vec<u16>,
    figures: [Vec<u64>; column::FIGURES],
    currencies: Vec<Currency>,
    costs: (Vec<u64>, Vec<u64>),
    strings: [(Vec<u64>, String); 3],
    timestamps: Vec<i64>,
}

impl Encoder {
    /// An empty batch. `labels` are the names of the dimensions from [`Dimension::Label`]`(0)` on,
    /// at most [`MAX_LABELS`], cut to 63 characters.
    #[must_use]
    pub fn new(labels: &[&str]) -> Self {
        let labels = labels.iter().take(MAX_LABELS).map(|label| label.chars().take(63).collect()).collect();
        Self { labels, ..Self::default() }
    }

    /// Adds a call. Its key is sent as it stands: the receiver turns it into its public name.
    pub fn push(&mut self, event: &Event<'_>) {
        self.timestamps.push(event.timestamp.micros());
        self.add(event, 1 << column::TIMESTAMP);
    }

    /// Adds a call whose time the receiver is to tell: that of its arrival.
    pub fn push_untimed(&mut self, event: &Event<'_>) {
        self.add(event, 0);
    }

    /// How many calls there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shapes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn add(&mut self, event: &Event<'_>, mut shape: u16) {
        // Taken apart without `..`, so that a new field can't be forgotten.
        let Event { timestamp: _, dimensions, measures, id, job_id, error } = event;
        let series = dimensions.0.map(|text| self.text(text));
        let next = self.known.len() as u64;
        let number = *self.known.entry(series).or_insert_with(|| {
            self.series.iter_mut().zip(series).for_each(|(column, text)| column.push(text));
            next
        });
        self.numbers.push(number);
        shape |= self.measure(measures);
        let tags = [column::ID, column::JOB_ID, column::ERROR];
        for ((tag, text), (lens, arena)) in tags.into_iter().zip([id, job_id, error]).zip(&mut self.strings) {
            if !text.is_empty() {
                shape |= 1 << tag;
                lens.push(text.len() as u64);
                arena.push_str(text);
            }
        }
        self.shapes.push(shape);
    }

    fn measure(&mut self, measures: &Measures) -> u16 {
        let mut shape = 0;
        for (place, (figure, column)) in measures.figures().into_iter().zip(&mut self.figures).enumerate() {
            shape |= u16::from(figure.is_some()) << place;
            column.extend(figure);
        }
        if let Some(cost) = measures.cost {
            shape |= 1 << column::COST;
            let place = self.currencies.iter().position(|known| *known == cost.currency).unwrap_or_else(|| {
                self.currencies.push(cost.currency);
                self.currencies.len() - 1
            });
            self.costs.0.push(place as u64);
            self.costs.1.push(cost.nanos.cast_unsigned());
        }
        shape
    }

    /// The number of a text from 1; 0 is `""`.
    fn text(&mut self, text: &str) -> u64 {
        if text.is_empty() {
            return 0;
        }
        if let Some(number) = self.texts.get(text) {
            return *number;
        }
        self.arena.push_str(text);
        self.lens.push(text.len() as u64);
        let number = self.lens.len() as u64;
        self.texts.insert(text.into(), number);
        number
    }

    /// The batch as bytes; the encoder is empty again, for the next.
    #[must_use]
    pub fn take(&mut self) -> Vec<u8> {
        let empty = Self { labels: self.labels.clone(), ..Self::default() };
        std::mem::replace(self, empty).encode()
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + self.arena.len() + self.len() * 32);
        out.extend_from_slice(&MAGIC);
        out.push(VERSION);
        put_count(&mut out, self.len());
        self.encode_series(&mut out);
        for (tag, figures) in (0..).zip(&self.figures) {
            self.encode_column(tag, &mut out, |out| put_integers(out, figures));
        }
        self.encode_column(column::COST, &mut out, |out| {
            out.push(u8::try_from(self.currencies.len()).expect("fewer than 256 currencies exist"));
            self.currencies.iter().for_each(|currency| out.extend_from_slice(currency.code().as_bytes()));
            put_integers(out, &self.costs.0);
            put_integers(out, &self.costs.1);
        });
        for (tag, (lens, arena)) in [column::ID, column::JOB_ID, column::ERROR].into_iter().zip(&self.strings) {
            self.encode_column(tag, &mut out, |out| put_texts(out, lens, arena));
        }
        self.encode_column(column::TIMESTAMP, &mut out, |out| {
            let base = self.timestamps.iter().copied().min().unwrap_or(0);
            out.extend_from_slice(&base.to_le_bytes());
            let offsets: Vec<u64> = self.timestamps.iter().map(|micros| micros.abs_diff(base)).collect();
            put_integers(out, &offsets);
        });
        out.push(column::END);
        out
    }

    /// Only the dimensions that some series has; one at least.
    fn encode_series(&self, out: &mut Vec<u8>) {
        let used = |place: &usize| self.series[*place].iter().any(|text| *text != 0);
        let labels = Dimension::FIXED.len() + self.labels.len();
        let mut used: Vec<usize> = (0..labels).filter(used).collect();
        if used.is_empty() {
            used.push(0);
        }
        out.push(used.len() as u8);
        for place in &used {
            match place.checked_sub(Dimension::FIXED.len()) {
                None => out.push(*place as u8),
                Some(label) => {
                    let name = &self.labels[label];
                    out.extend_from_slice(&[LABEL, name.len() as u8]);
                    out.extend_from_slice(name.as_bytes());
                }
            }
        }
        put_count(out, self.known.len());
        put_count(out, self.lens.len());
        put_texts(out, &self.lens, &self.arena);
        used.iter().for_each(|place| put_integers(out, &self.series[*place]));
        put_integers(out, &self.numbers);
    }

    /// A column, where any call has a value in it.
    fn encode_column(&self, tag: u8, out: &mut Vec<u8>, values: impl FnOnce(&mut Vec<u8>)) {
        let has = |shape: &u16| shape >> tag & 1 != 0;
        if !self.shapes.iter().any(has) {
            return;
        }
        out.push(tag);
        if self.shapes.iter().all(has) {
            out.push(ALL);
        } else {
            out.push(SOME);
            let bits = |rows: &[u16]| rows.iter().rev().fold(0, |bits, shape| bits << 1 | u8::from(has(shape)));
            out.extend(self.shapes.chunks(8).map(bits));
        }
        values(out);
    }
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    let count = u32::try_from(count).expect("a batch has fewer than 2^32 of anything");
    out.extend_from_slice(&count.to_le_bytes());
}

/// All lengths, then all texts.
fn put_texts(out: &mut Vec<u8>, lens: &[u64], arena: &str) {
    put_integers(out, lens);
    out.extend_from_slice(arena.as_bytes());
}
