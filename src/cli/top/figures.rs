//! The figures of a row and of a second, read from the server's answers.

use serde_json::Value;

/// One row of the table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Row {
    /// `None` is "calls that told none".
    pub(super) name: Option<String>,
    pub(super) requests: u64,
    pub(super) failures: u64,
    pub(super) tokens: u64,
    /// Amounts with their currencies.
    pub(super) cost: Vec<(String, String)>,
    pub(super) p50_ms: Option<f64>,
    pub(super) p95_ms: Option<f64>,
    pub(super) ttft_ms: Option<f64>,
}

impl Row {
    /// Reads the figures of an answer.
    pub(super) fn read(name: Option<String>, figures: &Value) -> Self {
        let whole = |name: &str| figures[name].as_u64().unwrap_or(0);
        let cost = figures["cost"].as_object().into_iter().flatten();
        let amount =
            |(currency, amount): (&String, &Value)| (currency.clone(), amount.as_str().unwrap_or_default().to_owned());
        Self {
            name,
            requests: whole("requests"),
            failures: whole("failures"),
            tokens: whole("total_tokens"),
            cost: cost.map(amount).collect(),
            p50_ms: figures["latency_ms"]["p50"].as_f64(),
            p95_ms: figures["latency_ms"]["p95"].as_f64(),
            ttft_ms: figures["ttft_ms"]["p95"].as_f64(),
        }
    }

    /// The name as it is shown.
    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("(none)")
    }

    pub(super) fn error_rate(&self) -> Option<f64> {
        (self.requests > 0).then(|| self.failures as f64 / self.requests as f64)
    }
}

/// What the stream tells each second.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Second {
    /// Its end, as the server writes it.
    pub(super) at: String,
    /// Calls of that second.
    pub(super) requests: u64,
    /// The minute that ended with it.
    pub(super) minute: Row,
}

impl Second {
    pub(super) fn read(data: &str) -> Option<Self> {
        let data: Value = serde_json::from_str(data).ok()?;
        Some(Self {
            at: data["at"].as_str()?.to_owned(),
            requests: data["second"]["requests"].as_u64()?,
            minute: Row::read(None, &data["minute"]),
        })
    }
}

/// A count in three or four digits: `950`, `1.2k`, `34M`.
pub(super) fn short(count: f64) -> String {
    let units = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
    match units.into_iter().find(|(size, _)| count >= *size) {
        Some((size, unit)) if count < 10.0 * size => format!("{:.1}{unit}", count / size),
        Some((size, unit)) => format!("{:.0}{unit}", count / size),
        None if count > 0.0 && count < 0.1 => format!("{count:.2}"),
        None if count > 0.0 && count < 10.0 && count.fract() != 0.0 => format!("{count:.1}"),
        None => format!("{count:.0}"),
    }
}

/// Milliseconds as people read them: `35ms`, `1.24s`, `3m05s`.
pub(super) fn duration(ms: Option<f64>) -> String {
    match ms {
        None => "-".to_owned(),
        Some(ms) if ms < 1_000.0 => format!("{ms:.0}ms"),
        Some(ms) if ms < 60_000.0 => format!("{:.2}s", ms / 1_000.0),
        Some(ms) => format!("{:.0}m{:02.0}s", (ms / 60_000.0).floor(), (ms / 1_000.0) % 60.0),
    }
}

/// Amounts to the cent, smaller ones to what tells them from nothing.
pub(super) fn money(cost: &[(String, String)]) -> String {
    let amount = |(currency, amount): &(String, String)| {
        let number: f64 = amount.parse().unwrap_or(0.0);
        let digits = if number != 0.0 && number < 1.0 { 4 } else { 2 };
        format!("{number:.digits$} {currency}")
    };
    if cost.is_empty() { "-".to_owned() } else { cost.iter().map(amount).collect::<Vec<_>>().join(" + ") }
}

/// A share in per cent.
pub(super) fn share(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.1}%", share * 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_fit_into_four_digits() {
        let counts = [0.0, 0.012, 0.5, 7.0, 950.0, 1_200.0, 34_000.0, 5_600_000.0, 2e10].map(short);
        assert_eq!(counts, ["0", "0.01", "0.5", "7", "950", "1.2k", "34k", "5.6M", "20G"]);
    }

    #[test]
    fn times_are_told_in_the_unit_that_fits() {
        let times = [None, Some(0.4), Some(35.0), Some(1_240.0), Some(185_000.0)].map(duration);
        assert_eq!(times, ["-", "0ms", "35ms", "1.24s", "3m05s"]);
    }

    #[test]
    fn money_of_two_currencies_is_not_mixed() {
        let cost = [("EUR".to_owned(), "1.5".to_owned()), ("USD".to_owned(), "0.00012".to_owned())];
        assert_eq!(money(&cost), "1.50 EUR + 0.0001 USD");
        assert_eq!(money(&[]), "-");
    }
}
