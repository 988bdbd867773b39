//! A row of small numbers for each series, each in as many bytes as the largest of its place needs.

use super::event::MAX_DIMENSIONS;

/// The numbers of one series; those beyond the width are 0.
pub(super) type Numbers = [u32; MAX_DIMENSIONS];

/// Rows, one after another.
///
/// Invariant: `bytes` holds `len` rows of `stride` bytes, and [`PAD`] more, so that any number can be
/// read as four bytes.
#[derive(Debug)]
pub(super) struct NumberTable {
    width: usize,
    widths: [u8; MAX_DIMENSIONS], // bytes of each place, 1 to 4
    begins: [u8; MAX_DIMENSIONS], // where in a row each place begins
    stride: usize,
    bytes: Vec<u8>,
    len: usize,
}

const PAD: usize = 3;

impl NumberTable {
    /// An empty table of `width` numbers a row.
    pub(super) fn new(width: usize) -> Self {
        let mut table = Self {
            width,
            widths: [1; MAX_DIMENSIONS],
            begins: [0; MAX_DIMENSIONS],
            stride: 0,
            bytes: vec![0; PAD],
            len: 0,
        };
        table.lay_out();
        table
    }

    fn lay_out(&mut self) {
        let mut begin = 0;
        for place in 0..self.width {
            self.begins[place] = begin;
            begin += self.widths[place];
        }
        self.stride = usize::from(begin);
    }

    /// One number of a row.
    #[inline]
    pub(super) fn number(&self, row: u32, place: usize) -> u32 {
        let at = row as usize * self.stride + usize::from(self.begins[place]);
        let four = self.bytes[at..at + 4].try_into().expect("four bytes");
        u32::from_le_bytes(four) & (u32::MAX >> (32 - 8 * u32::from(self.widths[place])))
    }

    /// A row.
    #[inline]
    pub(super) fn row(&self, row: u32) -> Numbers {
        let mut numbers = [0; MAX_DIMENSIONS];
        for (place, number) in numbers[..self.width].iter_mut().enumerate() {
            *number = self.number(row, place);
        }
        numbers
    }

    /// Appends a row.
    pub(super) fn push(&mut self, numbers: &Numbers) {
        self.widen(numbers);
        if self.bytes.capacity() - self.bytes.len() < self.stride {
            // Not by doubling: half of a large table would be room for nothing.
            self.bytes.reserve_exact(self.stride * (self.len / 8 + 64));
        }
        self.len += 1;
        self.bytes.resize(self.len * self.stride + PAD, 0);
        self.write(self.len - 1, numbers);
    }

    /// Replaces a row.
    pub(super) fn set(&mut self, row: u32, numbers: &Numbers) {
        self.widen(numbers);
        self.write(row as usize, numbers);
    }

    fn write(&mut self, row: usize, numbers: &Numbers) {
        for (place, number) in numbers[..self.width].iter().enumerate() {
            let (at, width) = (row * self.stride + usize::from(self.begins[place]), usize::from(self.widths[place]));
            self.bytes[at..at + width].copy_from_slice(&number.to_le_bytes()[..width]);
        }
    }

    /// Lays the table out anew where a number needs more bytes: three times a place at most.
    fn widen(&mut self, numbers: &Numbers) {
        let bytes_of = |number: u32| (4 - number.leading_zeros() / 8).max(1) as u8;
        let fits = |(number, width): (&u32, &u8)| bytes_of(*number) <= *width;
        if numbers[..self.width].iter().zip(&self.widths).all(fits) {
            return;
        }
        let mut wider = Self::new(self.width);
        for (place, number) in numbers[..self.width].iter().enumerate() {
            wider.widths[place] = self.widths[place].max(bytes_of(*number));
        }
        wider.lay_out();
        wider.len = self.len;
        wider.bytes = vec![0; self.len * wider.stride + PAD];
        for row in 0..self.len {
            wider.write(row, &self.row(row as u32));
        }
        *self = wider;
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rows_stay_what_they_were(
            rows in proptest::collection::vec((any::<[u32; MAX_DIMENSIONS]>(), 0_u32..32), 1..60),
            width in 1..MAX_DIMENSIONS + 1,
            replaced in 0_usize..60,
        ) {
            let cut = |(mut numbers, shift): (Numbers, u32)| {
                numbers.iter_mut().for_each(|number| *number >>= shift);
                numbers[width..].fill(0);
                numbers
            };
            let mut rows: Vec<Numbers> = rows.into_iter().map(cut).collect();
            let mut table = NumberTable::new(width);
            rows.iter().for_each(|numbers| table.push(numbers));
            let replaced = replaced % rows.len();
            rows[replaced] = rows[0];
            table.set(replaced as u32, &rows[0]);
            for (row, numbers) in (0..).zip(&rows) {
                prop_assert_eq!(&table.row(row), numbers);
                prop_assert!((0..width).all(|place| table.number(row, place) == numbers[place]));
            }
        }
    }
}
