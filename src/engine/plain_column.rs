//! A column as files hold it: in the narrowest of five widths, or one value for all.

/// A column in the narrowest width of whole bytes that holds all its values.
#[derive(Clone, Debug)]
pub(crate) enum PlainColumn {
    /// Every row has this value.
    Const(u64),
    U8(Box<[u8]>),
    U16(Box<[u16]>),
    U32(Box<[u32]>),
    U64(Box<[u64]>),
    U128(Box<[u128]>),
}

impl PlainColumn {
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
            let packed = PlainColumn::pack(values.iter().copied());
            let read: Vec<u128> = (0..values.len()).map(|row| packed.get(row)).collect();
            prop_assert_eq!(&read, &values);
            let mut sum = vec![0; values.len()];
            packed.for_each(values.len(), |row, value| sum[row] += value);
            prop_assert_eq!(sum, values);
        }
    }
}
