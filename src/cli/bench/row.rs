//! One line of the table: a figure and how it varied.

use serde_json::Value;
use serde_json::json;

/// One figure, taken several times.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) unit: &'static str,
    /// In rising order, never empty.
    rounds: Vec<f64>,
}

impl Row {
    pub(super) fn new(name: impl Into<String>, unit: &'static str, rounds: impl IntoIterator<Item = f64>) -> Self {
        let mut rounds: Vec<f64> = rounds.into_iter().collect();
        assert!(!rounds.is_empty(), "a row has at least one round");
        rounds.sort_by(f64::total_cmp);
        Self { name: name.into(), unit, rounds }
    }

    pub(super) fn median(&self) -> f64 {
        self.rounds[self.rounds.len() / 2]
    }

    pub(super) fn min(&self) -> f64 {
        self.rounds[0]
    }

    pub(super) fn max(&self) -> f64 {
        self.rounds[self.rounds.len() - 1]
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "name": self.name,
            "unit": self.unit,
            "median": self.median(),
            "min": self.min(),
            "max": self.max(),
            "rounds": self.rounds.len(),
        })
    }
}

/// The n-th of a hundred parts of some values, which are put into order.
pub(super) fn percentile(values: &mut [f64], n: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() * n / 100).min(values.len() - 1)]
}

/// Three digits that count.
pub(super) fn shown(figure: f64) -> String {
    let decimals = match figure.abs() {
        100.0.. => 0,
        10.0..100.0 => 1,
        1.0..10.0 => 2,
        _ => 3,
    };
    format!("{figure:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_knows_its_middle_and_its_ends() {
        let row = Row::new("r", "u", [3.0, 1.0, 9.0, 2.0, 5.0]);
        assert_eq!((row.min(), row.median(), row.max()), (1.0, 3.0, 9.0));
        assert_eq!(percentile(&mut [5.0, 1.0, 3.0, 2.0], 50), 3.0);
        assert_eq!(percentile(&mut [5.0, 1.0], 99), 5.0);
    }

    #[test]
    fn figures_show_three_digits() {
        assert_eq!([1234.5, 12.345, 1.2345, 0.12345].map(shown), ["1234", "12.3", "1.23", "0.123"]);
    }
}
