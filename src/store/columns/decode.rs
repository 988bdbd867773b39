//! Columns from bytes that nobody vouches for.

use super::COST;
use super::Columns;
use super::ERROR;
use super::ID;
use super::JOB_ID;
use super::LATE;
use super::LIMITS;
use super::costs::Costs;
use super::encode::ALL;
use super::encode::NONE;
use super::encode::SOME;
use super::table::Table;
use super::texts::Texts;
use crate::engine::event::MAX_DIMENSIONS;
use crate::engine::event::MAX_ERROR_BYTES;
use crate::engine::event::MAX_ID_BYTES;
use crate::engine::time::Timestamp;
use crate::store::varint::Malformed;
use crate::store::varint::Reader;

impl Columns {
    pub(in crate::store) fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let table = Table::decode(reader)?;
        let mut columns = Self { table, ..Self::new(MAX_DIMENSIONS) };
        // Each row takes a byte of its timestamp and one of its series at least.
        let rows = reader.count(2)?;
        columns.shapes = vec![0; rows];
        columns.timestamps = timestamps(reader, rows)?;
        columns.numbers = numbers(reader, rows, columns.table.len())?;
        presence(reader, LATE, &mut columns.shapes)?;
        for ((place, figures), most) in (0..).zip(&mut columns.figures).zip(LIMITS) {
            let count = presence(reader, place, &mut columns.shapes)?;
            *figures = reader.integers(count, most)?;
        }
        columns.decode_costs_and_texts(reader)?;
        Ok(columns)
    }

    fn decode_costs_and_texts(&mut self, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        let count = presence(reader, COST, &mut self.shapes)?;
        self.costs = Costs::decode(reader, count)?;
        let count = presence(reader, ID, &mut self.shapes)?;
        self.ids = Texts::decode(reader, count, MAX_ID_BYTES)?;
        self.payloads = (0..count).map(|_| reader.fixed()).collect::<Result<_, _>>()?;
        let count = presence(reader, JOB_ID, &mut self.shapes)?;
        self.job_ids = Texts::decode(reader, count, MAX_ID_BYTES)?;
        let count = presence(reader, ERROR, &mut self.shapes)?;
        self.errors = Texts::decode(reader, count, MAX_ERROR_BYTES)?;
        Ok(())
    }
}

fn timestamps(reader: &mut Reader<'_>, rows: usize) -> Result<Vec<Timestamp>, Malformed> {
    let mut timestamps = Vec::with_capacity(rows);
    let mut before = 0_i64;
    for _ in 0..rows {
        let next = before.checked_add(reader.difference()?).and_then(|micros| Timestamp::from_micros(micros).ok());
        let timestamp = next.ok_or_else(|| reader.fail("a timestamp outside 1970..=9999"))?;
        before = timestamp.micros();
        timestamps.push(timestamp);
    }
    Ok(timestamps)
}

fn numbers(reader: &mut Reader<'_>, rows: usize, series: usize) -> Result<Vec<u32>, Malformed> {
    let mut numbers = Vec::with_capacity(rows);
    for _ in 0..rows {
        let number = u32::try_from(reader.integer()?).ok().filter(|number| (*number as usize) < series);
        numbers.push(number.ok_or_else(|| reader.fail("a series that is not in the table"))?);
    }
    Ok(numbers)
}

/// Which rows have a value in a column: sets its bit in their shapes and tells how many they are.
fn presence(reader: &mut Reader<'_>, place: u32, shapes: &mut [u16]) -> Result<usize, Malformed> {
    match reader.byte()? {
        NONE => Ok(0),
        ALL if !shapes.is_empty() => {
            shapes.iter_mut().for_each(|shape| *shape |= 1 << place);
            Ok(shapes.len())
        }
        SOME => bitmap(reader, place, shapes),
        _ => Err(reader.fail("a column is neither empty, full nor mixed")),
    }
}

fn bitmap(reader: &mut Reader<'_>, place: u32, shapes: &mut [u16]) -> Result<usize, Malformed> {
    let bytes = reader.take(shapes.len().div_ceil(8))?;
    let mut count = 0;
    for (rows, bits) in shapes.chunks_mut(8).zip(bytes) {
        if u32::from(*bits) >> rows.len() != 0 {
            return Err(reader.fail("a bit for a row that is not there"));
        }
        rows.iter_mut().enumerate().for_each(|(row, shape)| *shape |= u16::from(bits >> row & 1) << place);
        count += bits.count_ones() as usize;
    }
    // All and none have shorter forms.
    if (1..shapes.len()).contains(&count) { Ok(count) } else { Err(reader.fail("a bitmap that is not mixed")) }
}
