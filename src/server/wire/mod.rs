//! What answers look like as JSON.
//!
//! Three rules hold in every shape: money is an object by currency with decimal strings, so no
//! client's float can round it; milliseconds are numbers made exactly from µs; what is not known is
//! `null`, never 0.

pub(super) mod call;
pub(super) mod metric;
pub(super) mod snapshot;
pub(super) mod status;
pub(super) mod usage;

use crate::engine::aggregate::Costs;
use crate::engine::money::decimal;
use serde::Serialize;
use serde::Serializer;
use serde::ser::SerializeMap;

/// Microseconds, told as milliseconds.
///
/// `µs / 1000` is at most fourteen digits, of which a float keeps fifteen: it prints as the exact
/// decimal. Whole milliseconds print as integers, as older clients expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ms(pub(super) u64);

impl Ms {
    /// The same as text, for CSV.
    pub(super) fn text(self) -> String {
        if self.0.is_multiple_of(1000) { (self.0 / 1000).to_string() } else { self.float().to_string() }
    }

    fn float(self) -> f64 {
        self.0 as f64 / 1000.0
    }
}

impl Serialize for Ms {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(1000) {
            serializer.serialize_u64(self.0 / 1000)
        } else {
            serializer.serialize_f64(self.float())
        }
    }
}

/// Money as `{"USD":"12.904310000"}`; `{}` where no call told a cost.
pub(super) struct Money<'a>(pub(super) &'a Costs);

impl Serialize for Money<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let costs = self.0.by_currency();
        let mut map = serializer.serialize_map(Some(costs.len()))?;
        for cost in &costs {
            map.serialize_entry(cost.currency.code(), &decimal(cost.nanos))?;
        }
        map.end()
    }
}

/// An object whose members keep their order, which for counts is their ranking.
pub(super) struct Ranked<'a, N, V>(pub(super) &'a [(N, V)]);

impl<N: AsRef<str>, V: Serialize> Serialize for Ranked<'_, N, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name.as_ref(), value)))
    }
}

/// A step in seconds as a word: `1s`, `5m`, `6h`, `1d`.
pub(super) fn step_name(secs: u32) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let whole = units.into_iter().find(|(unit, _)| secs != 0 && secs.is_multiple_of(*unit));
    whole.map_or_else(|| format!("{secs}s"), |(unit, letter)| format!("{}{letter}", secs / unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::aggregate::Cost;
    use crate::engine::event::MAX_LATENCY_US;
    use crate::engine::money::Currency;

    #[test]
    fn milliseconds_print_as_the_exact_decimal() {
        let table = [
            (0, "0"),
            (1, "0.001"),
            (12_345, "12.345"),
            (12_000, "12"),
            (1_001, "1.001"), // a multiplication by 0.001 would not give these
            (35_035, "35.035"),
            (MAX_LATENCY_US - 1, "86399999.999"),
            (MAX_LATENCY_US, "86400000"),
        ];
        for (us, expected) in table {
            assert_eq!(serde_json::to_string(&Ms(us)).unwrap(), expected);
            assert_eq!(Ms(us).text(), expected);
        }
    }

    #[test]
    fn money_is_told_by_currency_and_nothing_is_an_empty_object() {
        let mut costs = Costs::default();
        assert_eq!(serde_json::to_string(&Money(&costs)).unwrap(), "{}");
        let eur = Currency::parse("EUR").unwrap();
        costs.add(Cost { currency: Currency::USD, nanos: 12_904_310_000, calls: 1 });
        costs.add(Cost { currency: eur, nanos: 1, calls: 1 });
        let expected = r#"{"EUR":"0.000000001","USD":"12.904310000"}"#;
        assert_eq!(serde_json::to_string(&Money(&costs)).unwrap(), expected);
    }

    #[test]
    fn a_ranking_keeps_its_order() {
        let ranked = [("z", 9), ("a", 1)];
        assert_eq!(serde_json::to_string(&Ranked(&ranked)).unwrap(), r#"{"z":9,"a":1}"#);
    }

    #[test]
    fn a_step_is_told_in_its_largest_whole_unit() {
        let named: Vec<_> = [1, 90, 60, 900, 21_600, 86_400].map(step_name).into();
        assert_eq!(named, ["1s", "90s", "1m", "15m", "6h", "1d"]);
    }
}
