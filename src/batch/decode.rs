//! A batch from bytes that nobody vouches for.
//!
//! Counts and numbers are checked against each other and against the bytes there are, so that what
//! is reserved is a small multiple of the batch. What the figures mean is not judged here: a call
//! whose figures are impossible is a matter of that call, not of the batch.

use super::ALL;
use super::LABEL;
use super::MAGIC;
use super::MAX_ROWS;
use super::SOME;
use super::VERSION;
use super::bytes::Malformed;
use super::bytes::Reader;
use super::column;
use crate::engine::event::Dimension;
use crate::engine::event::MAX_DIMENSIONS;

/// A dimension of the series table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// One that every engine has.
    Fixed(Dimension),
    /// A label; its receiver may not count it.
    Label(&'a str),
}

/// A batch as it was read. Columns hold only the values that are there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// Texts by number; the first is `""`, which is "none".
    pub texts: Vec<&'a str>,
    /// What the columns of the table of series are of.
    pub dimensions: Vec<Named<'a>>,
    /// By dimension, by series: the number of a text.
    pub series: Vec<Vec<u32>>,
    /// By call: its series.
    pub numbers: Vec<u32>,
    /// By call: a bit for each column that it has a value in. Latency, time to the first token and
    /// the six counts of tokens have the lowest eight; then cost, id, job, error and timestamp.
    pub shapes: Vec<u16>,
    /// Latency and time to the first token in µs; tokens in, out, read from and written to caches,
    /// of reasoning, in all.
    pub figures: [Vec<u64>; column::FIGURES],
    /// Currencies, as three bytes each.
    pub currencies: Vec<&'a [u8]>,
    /// Of each cost the place of its currency, and its amount in billionths.
    pub costs: (Vec<u32>, Vec<u64>),
    /// Names of calls.
    pub ids: Strings<'a>,
    /// Their jobs.
    pub job_ids: Strings<'a>,
    /// What went wrong.
    pub errors: Strings<'a>,
    /// µs since the epoch that those in `offsets` are added to.
    pub base: i64,
    /// Timestamps.
    pub offsets: Vec<u64>,
}

/// Texts that are not empty, end to end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strings<'a> {
    /// The length of each in bytes.
    pub lens: Vec<u32>,
    /// All of them.
    pub arena: &'a str,
}

impl<'a> Strings<'a> {
    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> {
        let mut rest = self.arena;
        self.lens.iter().map(move |len| {
            let (text, after) = rest.split_at(*len as usize);
            rest = after;
            text
        })
    }
}

impl<'a> Decoded<'a> {
    /// Reads any bytes; never panics.
    ///
    /// # Errors
    /// [`Malformed`] where they are not a batch, or one of a version that is not known.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let rows = begin(&mut reader)?;
        let mut batch = Self::default();
        batch.read_series(&mut reader, rows)?;
        batch.shapes = vec![0; rows];
        batch.read_columns(&mut reader)?;
        reader.finish()?;
        Ok(batch)
    }

    /// How many calls a batch says it has, before anything is read.
    ///
    /// # Errors
    /// [`Malformed`] where the bytes do not begin as a batch.
    pub fn told(bytes: &[u8]) -> Result<usize, Malformed> {
        begin(&mut Reader::new(bytes))
    }

    /// How many calls.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shapes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Dimensions, the table of series, the texts in it, and the series of each call. There are not
    /// more series than calls, nor more texts than places in the table.
    fn read_series(&mut self, reader: &mut Reader<'a>, rows: usize) -> Result<(), Malformed> {
        let width = usize::from(reader.byte()?);
        if !(1..=MAX_DIMENSIONS).contains(&width) {
            return Err(reader.fail("a series has 1 to 10 dimensions"));
        }
        for _ in 0..width {
            let dimension = named(reader)?;
            if self.dimensions.contains(&dimension) {
                return Err(reader.fail("a dimension comes twice"));
            }
            self.dimensions.push(dimension);
        }
        let series = reader.count(rows)?;
        let texts = reader.count(series * width)?;
        let strings = strings(reader, texts)?;
        self.texts = [""].into_iter().chain(strings.iter()).collect();
        self.series = (0..width).map(|_| reader.numbers(series, texts)).collect::<Result<_, _>>()?;
        if series == 0 && rows > 0 {
            return Err(reader.fail("calls without a series"));
        }
        self.numbers = reader.numbers(rows, series.saturating_sub(1))?;
        Ok(())
    }

    /// Columns in the order of their tags, each at most once.
    fn read_columns(&mut self, reader: &mut Reader<'a>) -> Result<(), Malformed> {
        let mut least = 0;
        loop {
            let tag = reader.byte()?;
            if tag == column::END {
                return Ok(());
            }
            if tag < least {
                return Err(reader.fail("columns that come twice or out of order"));
            }
            least = tag + 1;
            if tag > column::TIMESTAMP {
                return Err(reader.fail("a column that this version does not know"));
            }
            let count = presence(reader, tag, &mut self.shapes)?;
            match tag {
                column::COST => self.read_costs(reader, count)?,
                column::ID => self.ids = strings(reader, count)?,
                column::JOB_ID => self.job_ids = strings(reader, count)?,
                column::ERROR => self.errors = strings(reader, count)?,
                column::TIMESTAMP => (self.base, self.offsets) = (reader.signed()?, reader.integers(count)?),
                figure => self.figures[usize::from(figure)] = reader.integers(count)?,
            }
        }
    }

    fn read_costs(&mut self, reader: &mut Reader<'a>, count: usize) -> Result<(), Malformed> {
        let currencies = usize::from(reader.byte()?);
        if currencies == 0 {
            return Err(reader.fail("costs without a currency"));
        }
        self.currencies = (0..currencies).map(|_| reader.take(3)).collect::<Result<_, _>>()?;
        self.costs = (reader.numbers(count, currencies - 1)?, reader.integers(count)?);
        Ok(())
    }
}

/// The magic, the version, the number of calls.
fn begin(reader: &mut Reader<'_>) -> Result<usize, Malformed> {
    if reader.take(MAGIC.len())? != MAGIC {
        return Err(reader.fail("it does not begin as one"));
    }
    if reader.byte()? != VERSION {
        return Err(reader.fail("a version that this release does not know"));
    }
    reader.count(MAX_ROWS)
}

fn named<'a>(reader: &mut Reader<'a>) -> Result<Named<'a>, Malformed> {
    let kind = reader.byte()?;
    if kind == LABEL {
        let len = usize::from(reader.byte()?);
        return Ok(Named::Label(reader.utf8(len)?));
    }
    let fixed = Dimension::FIXED.get(usize::from(kind)).copied();
    fixed.map(Named::Fixed).ok_or_else(|| reader.fail("a kind of dimension that this version does not know"))
}

/// All lengths, then all texts.
fn strings<'a>(reader: &mut Reader<'a>, count: usize) -> Result<Strings<'a>, Malformed> {
    let lens = reader.numbers(count, u32::MAX as usize)?;
    if lens.contains(&0) {
        return Err(reader.fail("a text that is empty"));
    }
    let all = lens.iter().map(|len| u64::from(*len)).sum::<u64>();
    let arena = reader.utf8(usize::try_from(all).unwrap_or(usize::MAX))?;
    let mut end = 0;
    let on_borders = lens.iter().all(|len| {
        end += *len as usize;
        arena.is_char_boundary(end)
    });
    if on_borders { Ok(Strings { lens, arena }) } else { Err(reader.fail("a text ends within a character")) }
}

/// Which calls have a value in a column: sets its bit in their shapes and tells how many they are.
fn presence(reader: &mut Reader<'_>, tag: u8, shapes: &mut [u16]) -> Result<usize, Malformed> {
    match reader.byte()? {
        ALL => {
            shapes.iter_mut().for_each(|shape| *shape |= 1 << tag);
            Ok(shapes.len())
        }
        SOME => {
            let bytes = reader.take(shapes.len().div_ceil(8))?;
            let mut count = 0;
            for (rows, bits) in shapes.chunks_mut(8).zip(bytes) {
                if u32::from(*bits) >> rows.len() != 0 {
                    return Err(reader.fail("a bit for a call that is not there"));
                }
                rows.iter_mut().enumerate().for_each(|(row, shape)| *shape |= u16::from(bits >> row & 1) << tag);
                count += bits.count_ones() as usize;
            }
            Ok(count)
        }
        _ => Err(reader.fail("a column is of all calls or of some")),
    }
}
