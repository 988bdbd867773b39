//! Chance that repeats itself: the same seed gives the same traffic.

use std::f64::consts::TAU;

/// SplitMix64.
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// In `[0, 1)`.
    pub(super) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Whether something of this probability happens.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// In `[low, high)`.
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// The wait for the next of events that come independently, `rate` of them a second.
    pub(super) fn wait_secs(&mut self, rate: f64) -> f64 {
        -(1.0 - self.unit()).ln() / rate
    }

    /// Log-normal: half lie below the median; the tail is heavy.
    pub(super) fn around(&mut self, median: f64, sigma: f64) -> f64 {
        let normal = (-2.0 * (1.0 - self.unit()).ln()).sqrt() * (TAU * self.unit()).cos();
        median * (sigma * normal).exp()
    }
}

/// Spreads every bit over the whole number.
pub(super) fn mix(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// A choice among some, by weight.
pub(super) struct Weighted {
    sums: Vec<f64>, // never empty, rising
}

impl Weighted {
    pub(super) fn new(weights: impl IntoIterator<Item = f64>) -> Self {
        let mut sum = 0.0;
        let add = |weight: f64| {
            sum += weight;
            sum
        };
        Self { sums: weights.into_iter().map(add).collect() }
    }

    /// Zipf: the first of `count` is chosen most, the n-th 1/n as often.
    pub(super) fn zipf(count: u32) -> Self {
        Self::new((1..=count).map(|rank| 1.0 / f64::from(rank)))
    }

    /// The place of one of them.
    pub(super) fn choose(&self, rng: &mut Rng) -> usize {
        let last = self.sums.len() - 1;
        let at = rng.unit() * self.sums[last];
        self.sums.partition_point(|sum| *sum <= at).min(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_has_the_shape_it_should() {
        let mut rng = Rng::new(7);
        let mut values: Vec<f64> = (0..10_000).map(|_| rng.around(100.0, 1.0)).collect();
        values.sort_by(f64::total_cmp);
        assert!((90.0..110.0).contains(&values[5_000]), "{}", values[5_000]);
        assert!(values[9_900] > 800.0, "the tail is heavy: {}", values[9_900]);
        let mean: f64 = (0..10_000).map(|_| rng.wait_secs(50.0)).sum::<f64>() / 10_000.0;
        assert!((0.019..0.021).contains(&mean), "{mean}");
        let zipf = Weighted::zipf(100);
        let mut counts = [0_u32; 100];
        (0..10_000).for_each(|_| counts[zipf.choose(&mut rng)] += 1);
        assert!(counts[0] > 3 * counts[4] && counts[99] > 0, "{counts:?}");
    }
}
