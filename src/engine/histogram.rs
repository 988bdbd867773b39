//! Latency bins: the log-linear layout of HdrHistogram at two significant digits.
//!
//! A value below 256 has a bin of its own; above, each doubling is cut into 128 bins, so a bin is
//! at most 1/128 (0.78 %) of its values wide. The layout is that of [`hdrhistogram`] with
//! `lowest_discernible = 1` and two digits, so counts move between the two without loss.
//! Here a histogram is sparse: most series see a few dozen bins.

use hdrhistogram::Histogram;

/// Bins of one doubling.
const HALF: u64 = 128;

/// The largest relative error of a quantile read from these bins.
pub const RELATIVE_ERROR: f64 = 1.0 / 128.0;

/// The bin of a value in µs.
#[must_use]
#[inline]
pub const fn bin_of(us: u64) -> u16 {
    let doubling = (us | (2 * HALF - 1)).ilog2() as u64 - 7;
    let place = us >> doubling; // 0..256 in the first doubling, 128..256 in the others
    (doubling * HALF + place) as u16 // at most 57 * 128 + 255
}

/// The smallest value of a bin, in µs.
#[must_use]
pub fn lowest_of(bin: u16) -> u64 {
    let bin = u64::from(bin);
    if bin < 2 * HALF {
        return bin;
    }
    let doubling = bin / HALF - 1;
    (bin - doubling * HALF) << doubling
}

/// The largest value of a bin, in µs.
fn highest_of(bin: u16) -> u64 {
    lowest_of(bin + 1) - 1
}

/// Counts by bin, and the exact extremes. Merging adds counts: percentiles are merged, never
/// averaged.
///
/// While it grows it is a table of some 3,000 bins; [`settle`](Self::settle) leaves only those that
/// hold something.
#[derive(Clone, Debug, Default)]
pub struct Distribution {
    table: Vec<u64>,          // by bin number, as long as the highest bin seen
    settled: Vec<(u16, u64)>, // by bin, upwards; in use while `table` is empty
    count: u64,
    extremes: Option<(u64, u64)>,
}

impl Distribution {
    /// How many values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The smallest value in µs, exact.
    #[must_use]
    pub fn min_us(&self) -> Option<u64> {
        self.extremes.map(|(min, _)| min)
    }

    /// The largest value in µs, exact.
    #[must_use]
    pub fn max_us(&self) -> Option<u64> {
        self.extremes.map(|(_, max)| max)
    }

    /// The smallest recorded value, in µs, that at least `quantile` of the values do not exceed
    /// (the nearest-rank definition), at most 1/128 above the true one and never outside
    /// `min..=max`. `None` where there are no values.
    ///
    /// `quantile` lies in `[0, 1]`; values outside are taken as the nearest end.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<u64> {
        let (min, max) = self.extremes?;
        #[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
        let rank = (quantile.clamp(0.0, 1.0) * self.count as f64).ceil();
        let mut below = 0;
        let reaches = |(_, count): &(u16, u64)| {
            below += count;
            #[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
            let reached = below as f64 >= rank;
            reached
        };
        let (bin, _) = self.bins().find(reaches)?;
        Some(if quantile > 0.0 { highest_of(bin).clamp(min, max) } else { min })
    }

    /// How many values lie in each span between ascending bounds in µs: up to and with the first,
    /// above it and up to the second, …, above the last. One more count than bounds; they add up
    /// to [`count`](Self::count), and those of merged distributions are the sums of theirs.
    ///
    /// A value goes where its whole bin goes, which is where the smallest value of the bin belongs:
    /// one that a bound equals is always counted up to it, and so are those at most 1/128 above.
    #[must_use]
    pub fn counts_between(&self, bounds_us: &[u64]) -> Vec<u64> {
        let mut counts = vec![0; bounds_us.len() + 1];
        for (bin, count) in self.bins() {
            counts[bounds_us.partition_point(|bound| *bound < lowest_of(bin))] += count;
        }
        counts
    }

    /// The same counts as an [`hdrhistogram::Histogram`], for export or further merging.
    #[must_use]
    pub fn to_hdr(&self) -> Histogram<u64> {
        let top = self.max_us().unwrap_or(0).max(2);
        let mut histogram = Histogram::new_with_max(top, 2).expect("two digits up to a value >= 2");
        for (bin, count) in self.bins() {
            histogram.record_n(lowest_of(bin), count).expect("no bin lies above the maximum");
        }
        histogram
    }

    /// The bins that hold something, upwards.
    pub fn bins(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        let table = (0..).zip(self.table.iter().copied()).filter(|(_, count)| *count > 0);
        self.settled.iter().copied().chain(table)
    }

    /// Gives back the room that growing needs.
    pub fn settle(&mut self) {
        if !self.table.is_empty() {
            self.settled = self.bins().collect();
            self.table = Vec::new();
        }
    }

    #[cold]
    fn unsettle(&mut self) {
        for (bin, count) in std::mem::take(&mut self.settled) {
            let place = usize::from(bin);
            self.table.resize(self.table.len().max(place + 1), 0);
            self.table[place] = count;
        }
    }

    /// Adds values that fell into one bin.
    #[inline]
    pub fn add(&mut self, bin: u16, count: u64) {
        if !self.settled.is_empty() {
            self.unsettle();
        }
        let place = usize::from(bin);
        if place >= self.table.len() {
            self.table.resize(place + 1, 0);
        }
        self.table[place] += count;
        self.count += count;
    }

    /// Counts so many values, and gives the table, grown up to the bin of the largest, to be told where they fell.
    pub(super) fn reach(&mut self, highest: u16, count: u64) -> &mut [u64] {
        if !self.settled.is_empty() {
            self.unsettle();
        }
        let length = usize::from(highest) + 1;
        if self.table.len() < length {
            self.table.resize(length, 0);
        }
        self.count += count;
        &mut self.table
    }

    /// The table as far as it was [reached](Self::reach) for.
    pub(super) fn table(&mut self) -> &mut [u64] {
        &mut self.table
    }

    /// Widens the extremes.
    #[inline]
    pub fn stretch(&mut self, min: u64, max: u64) {
        self.extremes = Some(match self.extremes {
            Some((low, high)) => (low.min(min), high.max(max)),
            None => (min, max),
        });
    }

    /// Records one value in µs.
    pub fn record(&mut self, us: u64) {
        self.add(bin_of(us), 1);
        self.stretch(us, us);
    }

    /// Adds another one's values.
    pub fn merge(&mut self, other: &Self) {
        other.bins().for_each(|(bin, count)| self.add(bin, count));
        if let Some((min, max)) = other.extremes {
            self.stretch(min, max);
        }
    }
}

impl PartialEq for Distribution {
    fn eq(&self, other: &Self) -> bool {
        self.extremes == other.extremes && self.bins().eq(other.bins())
    }
}

impl Eq for Distribution {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bins_are_those_of_hdrhistogram() {
        for us in (0..2_000).chain((11..37).flat_map(|e| [(1_u64 << e) - 1, 1 << e, (1 << e) + 1])) {
            let hdr = Histogram::<u64>::new_with_max(1 << 38, 2).unwrap();
            assert_eq!(lowest_of(bin_of(us)), hdr.lowest_equivalent(us), "{us}");
        }
        assert!(bin_of(u64::MAX) < 8_000);
    }

    proptest! {
        #[test]
        fn quantiles_are_nearest_rank_within_the_stated_error(
            mut values in proptest::collection::vec(0_u64..86_400_000_000, 1..200),
            quantile in 0.0_f64..=1.0,
        ) {
            let mut distribution = Distribution::default();
            values.iter().for_each(|us| distribution.record(*us));
            values.sort_unstable();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "under 200 values")]
            let rank = ((quantile * values.len() as f64).ceil() as usize).max(1);
            let exact = values[rank - 1];
            let read = distribution.quantile(quantile).unwrap();
            prop_assert!(read >= exact, "{read} < {exact}");
            #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
            let error = (read - exact) as f64;
            #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
            let allowed = exact as f64 * RELATIVE_ERROR;
            prop_assert!(error <= allowed, "{read} for {exact}");
            prop_assert_eq!(distribution.max_us(), values.last().copied());
            let hdr = distribution.to_hdr().value_at_quantile(quantile);
            prop_assert_eq!(read, hdr.clamp(values[0], values[values.len() - 1]), "hdrhistogram reads the same");
        }

        #[test]
        fn counts_between_bounds_are_those_of_bounds_within_the_stated_error(
            values in proptest::collection::vec(0_u64..100_000_000, 0..200),
            bounds in proptest::collection::btree_set(0_u64..100_000_000, 1..40),
            parts in 1_usize..4,
        ) {
            let bounds: Vec<u64> = bounds.into_iter().collect();
            let of = |values: &[u64]| {
                let mut d = Distribution::default();
                values.iter().for_each(|us| d.record(*us));
                d.counts_between(&bounds)
            };
            let counts = of(&values);
            prop_assert_eq!(counts.iter().sum::<u64>(), values.len() as u64);
            let mut read = 0;
            for (bound, count) in bounds.iter().zip(&counts) {
                read += count;
                let up_to = |bound: u64| values.iter().filter(|us| **us <= bound).count() as u64;
                prop_assert!(up_to(*bound) <= read, "what is up to a bound is never counted above it");
                prop_assert!(read <= up_to(bound + bound / 128), "{read} up to {bound}");
            }
            let mut sums = vec![0; counts.len()];
            for part in values.chunks(values.len() / parts + 1) {
                sums.iter_mut().zip(of(part)).for_each(|(sum, count)| *sum += count);
            }
            prop_assert_eq!(sums, counts, "parts add up");
        }

        #[test]
        fn merging_is_recording_all(a in proptest::collection::vec(0_u64..100_000_000, 0..50),
                                    b in proptest::collection::vec(0_u64..100_000_000, 0..50)) {
            let of = |values: &[u64]| {
                let mut d = Distribution::default();
                values.iter().for_each(|us| d.record(*us));
                d
            };
            let mut merged = of(&a);
            merged.settle();
            merged.merge(&of(&b));
            let mut all = of(&[a, b].concat());
            prop_assert_eq!(&merged, &all);
            all.settle();
            prop_assert_eq!(&merged, &all);
            prop_assert_eq!(merged.quantile(0.5), all.quantile(0.5));
        }
    }
}
