//! The figures by name: what has a column in a slice, and which times have histograms.

/// The two times kept as histograms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    Latency = 0,
    Ttft = 1,
}

impl Time {
    pub(super) const BOTH: [Self; 2] = [Self::Latency, Self::Ttft];
}

/// The figures that have a column.
#[derive(Clone, Copy, Debug)]
pub(super) enum Column {
    Requests,
    Failures,
    Overflowed,
    Unmetered,
    InputTokens,
    OutputTokens,
    CacheReadTokens,
    CacheWriteTokens,
    ReasoningTokens,
    /// total − (input + output), zigzag: zero where the sender's total is the plain sum.
    TotalExcess,
    LatencyCount,
    LatencySum,
    TtftCount,
    TtftSum,
}

impl Column {
    pub(super) const ALL: [Self; 14] = [
        Self::Requests,
        Self::Failures,
        Self::Overflowed,
        Self::Unmetered,
        Self::InputTokens,
        Self::OutputTokens,
        Self::CacheReadTokens,
        Self::CacheWriteTokens,
        Self::ReasoningTokens,
        Self::TotalExcess,
        Self::LatencyCount,
        Self::LatencySum,
        Self::TtftCount,
        Self::TtftSum,
    ];

    /// Whether it counts calls, rather than adding something up.
    pub(super) fn is_count(self) -> bool {
        use Column::*;
        matches!(self, Requests | Failures | Overflowed | Unmetered | LatencyCount | TtftCount)
    }

    pub(super) fn count(time: Time) -> Self {
        [Self::LatencyCount, Self::TtftCount][time as usize]
    }

    pub(super) fn sum(time: Time) -> Self {
        [Self::LatencySum, Self::TtftSum][time as usize]
    }
}

/// Folds a signed number into an unsigned one, small ones first.
pub(super) fn zigzag(value: i128) -> u128 {
    ((value << 1) ^ (value >> 127)).cast_unsigned()
}

/// The inverse of [`zigzag`].
pub(super) fn unzigzag(value: u128) -> i128 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}
