//! A column of integers in the narrowest width that holds them all.
//!
//! Most columns of a sealed slice are small or constant: in a second in which every series saw one
//! call, `requests` is the constant 1 and takes no room at all.

use std::ops::Range;

/// A column, immutable.
#[derive(Clone, Debug)]
pub(crate) enum Packed {
    /// Every row has this value.
    Const(u64),
    U8(Box<[u8]>),
    U16(Box<[u16]>),
    U32(Box<[u32]>),
    U64(Box<[u64]>),
    U128(Box<[u128]>),
}

impl Packed {
    /// Packs values; the iterator is walked twice.
    pub(crate) fn pack(values: impl Iterator<Item = u128> + Clone) -> Self {
        let (mut least, mut most) = (u128::MAX, 0);
        for value in values.clone() {
            least = least.min(value);
            most = most.max(value);
        }
        if least >= most
            && let Ok(only) = u64::try_from(most)
        {
            return Self::Const(only);
        }
        match most {
            0..=0xff => Self::U8(narrow(values)),
            0x100..=0xffff => Self::U16(narrow(values)),
            0x1_0000..=0xffff_ffff => Self::U32(narrow(values)),
            0x1_0000_0000..=0xffff_ffff_ffff_ffff => Self::U64(narrow(values)),
            _ => Self::U128(values.collect()),
        }
    }

    /// The value of a row.
    #[inline]
    pub(crate) fn get(&self, row: usize) -> u128 {
        match self {
            Self::Const(value) => u128::from(*value),
            Self::U8(values) => u128::from(values[row]),
            Self::U16(values) => u128::from(values[row]),
            Self::U32(values) => u128::from(values[row]),
            Self::U64(values) => u128::from(values[row]),
            Self::U128(values) => values[row],
        }
    }

    /// Visits the rows whose value is not zero. One match for the whole column, so that the loop
    /// inside is over plain integers.
    #[inline]
    pub(crate) fn for_each(&self, rows: usize, mut visit: impl FnMut(usize, u128)) {
        match self {
            Self::Const(0) => {}
            Self::Const(value) => (0..rows).for_each(|row| visit(row, u128::from(*value))),
            Self::U8(values) => walk(values, visit),
            Self::U16(values) => walk(values, visit),
            Self::U32(values) => walk(values, visit),
            Self::U64(values) => walk(values, visit),
            Self::U128(values) => walk(values, visit),
        }
    }

    /// Visits the values of some neighbouring rows, zeros too.
    #[inline]
    pub(crate) fn visit(&self, rows: Range<usize>, mut visit: impl FnMut(u128)) {
        match self {
            Self::Const(value) => rows.for_each(|_| visit(u128::from(*value))),
            Self::U8(values) => values[rows].iter().for_each(|value| visit((*value).into())),
            Self::U16(values) => values[rows].iter().for_each(|value| visit((*value).into())),
            Self::U32(values) => values[rows].iter().for_each(|value| visit((*value).into())),
            Self::U64(values) => values[rows].iter().for_each(|value| visit((*value).into())),
            Self::U128(values) => values[rows].iter().for_each(|value| visit(*value)),
        }
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Const(_) => 0,
            Self::U8(values) => values.len(),
            Self::U16(values) => values.len() * 2,
            Self::U32(values) => values.len() * 4,
            Self::U64(values) => values.len() * 8,
            Self::U128(values) => values.len() * 16,
        }
    }
}

fn narrow<T: TryFrom<u128>>(values: impl Iterator<Item = u128>) -> Box<[T]> {
    values.map(|value| T::try_from(value).ok().expect("the width was chosen by the largest value")).collect()
}

fn walk<T: Copy + Into<u128>>(values: &[T], mut visit: impl FnMut(usize, u128)) {
    for (row, value) in values.iter().enumerate() {
        let value: u128 = (*value).into();
        if value != 0 {
            visit(row, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_width_gives_back_what_was_packed(values in proptest::collection::vec(any::<u128>(), 0..40), shift in 0_u32..128) {
            let values: Vec<u128> = values.into_iter().map(|value| value >> shift).collect();
            let packed = Packed::pack(values.iter().copied());
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
        assert_eq!(Packed::pack([7, 7, 7].into_iter()).bytes(), 0);
        assert_eq!(Packed::pack([7, 8].into_iter()).bytes(), 2);
        assert_eq!(Packed::pack([7, 256].into_iter()).bytes(), 4);
    }
}
