//! A column of integers in little room: nothing where all are alike, else a few bits each.
//!
//! In a second in which every series saw one call, `requests` is the constant 1 and takes no room at all.

use super::bits::Bits;
use super::block::BLOCK;
use std::ops::Range;

/// A column, immutable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Packed {
    /// Every row has this value.
    Const(u64),
    /// Up to 64 bits.
    Bits(Bits),
    /// More: sums that few ever see.
    Wide(Box<[u128]>),
}

impl Packed {
    /// Packs values.
    pub(super) fn pack(values: &[u64]) -> Self {
        let (mut least, mut most) = (u64::MAX, 0);
        for value in values {
            least = least.min(*value);
            most = most.max(*value);
        }
        if least >= most { Self::Const(most) } else { Self::Bits(Bits::pack(values, least)) }
    }

    /// Packs values that may have more than 64 bits.
    pub(super) fn pack_wide(values: Vec<u128>) -> Self {
        if values.iter().fold(0, |ones, value| ones | value >> 64) > 0 {
            return Self::Wide(values.into());
        }
        Self::pack(&values.into_iter().map(|value| value as u64).collect::<Vec<u64>>())
    }

    /// The value of a row.
    #[inline]
    pub(super) fn get(&self, row: usize) -> u128 {
        match self {
            Self::Const(value) => u128::from(*value),
            Self::Bits(values) => u128::from(values.get(row)),
            Self::Wide(values) => values[row],
        }
    }

    /// Visits the rows whose value is not zero.
    #[inline]
    pub(super) fn for_each(&self, rows: usize, mut visit: impl FnMut(usize, u128)) {
        match self {
            Self::Const(0) => {}
            Self::Const(value) => (0..rows).for_each(|row| visit(row, u128::from(*value))),
            Self::Bits(values) => values.for_each(|row, value| visit(row, u128::from(value))),
            Self::Wide(values) => {
                values.iter().enumerate().filter(|(_, value)| **value != 0).for_each(|(row, value)| visit(row, *value));
            }
        }
    }

    /// Visits the values of some neighbouring rows, zeros too.
    #[inline]
    pub(super) fn visit(&self, rows: Range<usize>, mut visit: impl FnMut(u128)) {
        match self {
            Self::Const(value) => rows.for_each(|_| visit(u128::from(*value))),
            Self::Bits(values) => values.visit(rows, |value| visit(u128::from(value))),
            Self::Wide(values) => values[rows].iter().for_each(|value| visit(*value)),
        }
    }

    /// Copies the values from a row on, of a column none of whose values has more than 64 bits.
    pub(super) fn copy(&self, from: usize, to: &mut [u64]) {
        match self {
            Self::Const(value) => to.fill(*value),
            Self::Bits(values) => values.copy(from, to),
            Self::Wide(values) => to.iter_mut().zip(&values[from..]).for_each(|(to, value)| *to = *value as u64),
        }
    }

    /// The values of a block, of a column none of whose values has more than 64 bits; beyond the last one anything.
    pub(super) fn unpack(&self, block: usize, values: &mut [u64; BLOCK]) {
        match self {
            Self::Const(value) => values.fill(*value),
            Self::Bits(packed) => packed.unpack(block, values),
            Self::Wide(wide) => {
                values.iter_mut().zip(&wide[block * BLOCK..]).for_each(|(value, wide)| *value = *wide as u64);
            }
        }
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Const(_) => 0,
            Self::Bits(values) => values.bytes(),
            Self::Wide(values) => values.len() * 16,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_width_gives_back_what_was_packed(values in proptest::collection::vec(any::<u128>(), 0..140), shift in 0_u32..128) {
            let values: Vec<u128> = values.into_iter().map(|value| value >> shift).collect();
            let packed = Packed::pack_wide(values.clone());
            let read: Vec<u128> = (0..values.len()).map(|row| packed.get(row)).collect();
            prop_assert_eq!(&read, &values);
            let mut sum = vec![0; values.len()];
            packed.for_each(values.len(), |row, value| sum[row] += value);
            prop_assert_eq!(&sum, &values);
            let (from, to) = (values.len() / 3, values.len());
            let mut visited = Vec::new();
            packed.visit(from..to, |value| visited.push(value));
            prop_assert_eq!(&visited, &values[from..to]);
        }
    }

    #[test]
    fn a_constant_takes_no_room() {
        assert_eq!(Packed::pack(&[7, 7, 7]).bytes(), 0);
        assert_eq!(Packed::pack(&[7, 8]).bytes(), 8);
        assert_eq!(Packed::pack(&(0..640).map(|row| row % 2).collect::<Vec<u64>>()).bytes(), 640 / 8 + 10 * 4);
    }
}
