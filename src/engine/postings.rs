//! The series that carry a value: up to three in place, more as how far each is from the one before.
//!
//! Most names have a few series. Those that nearly every series carries, such as a status, take a byte
//! for each.

/// No series: there are fewer.
const NONE: u32 = u32::MAX;

/// Numbers of series, in the order they came.
#[derive(Debug)]
pub(super) enum Postings {
    Few([u32; 3]), // the unused are NONE and come last
    Many(Box<List>),
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
#[derive(Debug, Default)]
pub(super) struct List {
    steps: Vec<u8>,
    len: u32,
    last: u32,
}

impl Default for Postings {
    fn default() -> Self {
        Self::Few([NONE; 3])
    }
}

impl Postings {
    pub(super) fn push(&mut self, series: u32) {
        match self {
            Self::Many(list) => list.push(series),
            Self::Few(few) => match few.iter_mut().find(|place| **place == NONE) {
                Some(place) => *place = series,
                None => {
                    let mut list = List::default();
                    few.iter().chain([&series]).for_each(|series| list.push(*series));
                    *self = Self::Many(Box::new(list));
                }
            },
        }
    }

    /// Drops some.
    pub(super) fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        let mut kept = Self::default();
        self.iter().filter(|series| keep(*series)).for_each(|series| kept.push(series));
        *self = kept;
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Few(few) => few.iter().filter(|series| **series != NONE).count(),
            Self::Many(list) => list.len as usize,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Few([NONE, ..]))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let (few, steps): (&[u32], &[u8]) = match self {
            Self::Few(few) => (&few[..self.len()], &[]),
            Self::Many(list) => (&[], &list.steps),
        };
        few.iter().copied().chain(Steps { steps, last: 0 })
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Few(_) => 0,
            Self::Many(list) => size_of::<List>() + list.steps.capacity(),
        }
    }
}

impl List {
    fn push(&mut self, series: u32) {
        let step = i64::from(series) - i64::from(self.last);
        let mut rest = ((step << 1) ^ (step >> 63)).cast_unsigned(); // numbers given back come again
        while rest > 0x7f {
            self.steps.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.steps.push(rest as u8);
        self.last = series;
        self.len += 1;
    }
}

/// The numbers of a [`List`].
struct Steps<'a> {
    steps: &'a [u8],
    last: u32,
}

impl Iterator for Steps<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let (mut step, mut shift) = (0_u64, 0);
        loop {
            let (byte, rest) = self.steps.split_first()?;
            self.steps = rest;
            step |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let step = (step >> 1).cast_signed() ^ -((step & 1).cast_signed());
        self.last = (i64::from(self.last) + step) as u32;
        Some(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_pushed_is_there_in_order(
            series in proptest::collection::vec(prop_oneof![0_u32..300, 0..u32::MAX], 0..40),
            gone in 0_u32..300,
        ) {
            let mut postings = Postings::default();
            series.iter().for_each(|series| postings.push(*series));
            prop_assert_eq!(postings.iter().collect::<Vec<_>>(), &series[..]);
            prop_assert_eq!((postings.len(), postings.is_empty()), (series.len(), series.is_empty()));
            postings.retain(|series| series >= gone);
            let kept: Vec<u32> = series.into_iter().filter(|series| *series >= gone).collect();
            prop_assert_eq!(postings.iter().collect::<Vec<_>>(), &kept[..]);
            prop_assert_eq!(postings.is_empty(), kept.is_empty());
        }
    }

    #[test]
    fn neighbours_take_a_byte_each() {
        let mut postings = Postings::default();
        (0..1_000).for_each(|series| postings.push(series));
        assert!(postings.bytes() < 1_100, "{}", postings.bytes());
    }
}
