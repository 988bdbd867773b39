//! Which rows of a slice count, and for which slot.

use super::packed::Packed;

/// The rows of a slice that count, with their slots.
pub(super) enum Rows {
    /// These rows.
    Few(Vec<(u32, u32)>),
    /// Every row: its slot, which may be the one for what counts nowhere.
    All(Vec<u32>),
}

impl Rows {
    /// Visits the figures of the rows: slot, figure. Zeros may be left out.
    #[inline]
    pub(super) fn visit(&self, figures: &Packed, mut visit: impl FnMut(usize, u128)) {
        match self {
            Self::Few(rows) => rows.iter().for_each(|(row, slot)| visit(*slot as usize, figures.get(*row as usize))),
            Self::All(slots) => figures.for_each(slots.len(), |row, figure| visit(slots[row] as usize, figure)),
        }
    }

    /// How many rows are looked at.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Few(rows) => rows.len(),
            Self::All(slots) => slots.len(),
        }
    }
}
