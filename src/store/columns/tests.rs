//! Columns against the dullest thing that could be right: a list of owned rows.

use super::*;
use crate::engine::money::Currency;
use crate::engine::money::Money;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// An event as a list would keep it.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct Plain {
    names: Vec<String>,
    timestamp: Timestamp,
    late: bool,
    measures: Measures,
    id: String,
    payload: u64,
    job_id: String,
    error: String,
}

pub(in crate::store) const WIDTH: usize = 7;

/// Columns with these events.
pub(in crate::store) fn columns(rows: &[Plain]) -> Columns {
    let mut columns = Columns::new(WIDTH);
    add(&mut columns, rows);
    columns
}

fn add(columns: &mut Columns, rows: &[Plain]) {
    for row in rows {
        let series = columns.add_series(row.names.iter().map(String::as_str));
        let Plain { timestamp, late, measures, payload, .. } = *row;
        let (id, job_id, error) = (row.id.as_str(), row.job_id.as_str(), row.error.as_str());
        columns.push(&Row { series, timestamp, late, measures, id, payload, job_id, error });
    }
}

/// The events in columns.
pub(in crate::store) fn plain(columns: &Columns) -> Vec<Plain> {
    let names = |dimensions: Dimensions<'_>| dimensions.0[..columns.width()].iter().map(|n| (*n).to_owned()).collect();
    let series: Vec<Vec<String>> = columns.series().map(names).collect();
    let plain = |row: Row<'_>| Plain {
        names: series[row.series as usize].clone(),
        timestamp: row.timestamp,
        late: row.late,
        measures: row.measures,
        id: row.id.to_owned(),
        payload: row.payload,
        job_id: row.job_id.to_owned(),
        error: row.error.to_owned(),
    };
    columns.rows().map(plain).collect()
}

fn times() -> impl Strategy<Value = Timestamp> {
    let last = Timestamp::MAX.micros();
    let micros = prop_oneof![1 => 0..=last, 1 => Just(0), 1 => Just(last), 9 => 1_795_324_556_000_000_i64..1_795_324_558_000_000];
    micros.prop_map(|micros| Timestamp::from_micros(micros).unwrap())
}

fn costs() -> impl Strategy<Value = Money> {
    let nanos = prop_oneof![0..10_000_000_i64, Just(i64::MAX), 0..i64::MAX];
    let code = prop_oneof![3 => Just("USD"), 1 => Just("CNY"), 1 => Just("EUR")];
    (nanos, code).prop_map(|(nanos, code)| Money { nanos, currency: Currency::parse(code).unwrap() })
}

fn figure(most: u64) -> impl Strategy<Value = Option<u64>> {
    option::of(prop_oneof![0..300_u64, 0..=most, Just(most)])
}

fn measures() -> impl Strategy<Value = Measures> {
    let times = (figure(MAX_LATENCY_US), figure(MAX_LATENCY_US));
    let first = (figure(MAX_TOKENS), figure(MAX_TOKENS), figure(MAX_TOKENS));
    let second = (figure(MAX_TOKENS), figure(MAX_TOKENS), figure(MAX_TOKENS));
    (times, first, second, option::of(costs())).prop_map(|(times, first, second, cost)| Measures {
        latency_us: times.0,
        ttft_us: times.1,
        input_tokens: first.0,
        output_tokens: first.1,
        cache_read_tokens: first.2,
        cache_write_tokens: second.0,
        reasoning_tokens: second.1,
        total_tokens: second.2,
        cost,
    })
}

fn text(most: usize) -> impl Strategy<Value = String> {
    let fitting = move |text: String| cut(&text, most).to_owned();
    prop_oneof![2 => Just(String::new()), 2 => "[a-z0-9-]{1,20}", 1 => "\\PC{0,9}", 1 => Just("é".repeat(most / 2))]
        .prop_map(fitting)
}

/// An event; each optional field is left out in about half of them, and in some runs in all.
fn row() -> impl Strategy<Value = Plain> {
    let texts = (vec(prop_oneof!["", "[ab]", "[ab]", text(256)], WIDTH), text(MAX_ID_BYTES), text(MAX_ID_BYTES));
    let others = (text(MAX_ERROR_BYTES), times(), any::<bool>(), any::<u64>());
    (texts, others, measures()).prop_map(|((names, id, job_id), (error, timestamp, late, payload), measures)| {
        let payload = if id.is_empty() { 0 } else { payload };
        Plain { names, timestamp, late, measures, id, payload, job_id, error }
    })
}

/// Makes rows more alike: in columns where `mask` has a bit, what the first row has not no row has.
fn thin(rows: &mut [Plain], mask: u8) {
    for row in rows {
        if mask & 1 != 0 {
            (row.id, row.payload) = (String::new(), 0);
        }
        if mask & 2 != 0 {
            row.error.clear();
        }
        if mask & 4 != 0 {
            row.measures.cost = None;
        }
        if mask & 8 != 0 {
            row.measures.ttft_us = Some(1);
        }
        row.late &= mask & 16 != 0;
    }
}

/// Up to a few dozen events.
pub(in crate::store) fn some_rows() -> impl Strategy<Value = Vec<Plain>> {
    (vec(row(), 0..40), any::<u8>()).prop_map(|(mut rows, mask)| {
        thin(&mut rows, mask);
        rows
    })
}

proptest! {
    #[test]
    fn rows_come_back_as_they_were_added(rows in some_rows()) {
        let columns = columns(&rows);
        prop_assert_eq!(columns.rows().len(), rows.len());
        let micros = || rows.iter().map(|row| row.timestamp.micros());
        prop_assert_eq!(columns.span(), (micros().min().unwrap_or(0), micros().max().unwrap_or(0)));
        prop_assert_eq!(plain(&columns), rows);
    }

    /// To the byte: what was there before leaves nothing behind.
    #[test]
    fn cleared_columns_are_as_good_as_new(before in some_rows(), rows in some_rows()) {
        let mut used = columns(&before);
        used.clear();
        used.make_room(rows.len());
        add(&mut used, &rows);
        let (mut bytes, mut expected) = (Vec::new(), Vec::new());
        used.encode(&mut bytes);
        columns(&rows).encode(&mut expected);
        prop_assert_eq!(bytes, expected);
        prop_assert_eq!(plain(&used), rows);
    }

    #[test]
    fn retaining_is_adding_only_what_is_kept(rows in some_rows(), keep in vec(any::<bool>(), 40), all: bool) {
        let keep: Vec<bool> = keep[..rows.len()].iter().map(|keep| *keep || all).collect();
        let mut kept = columns(&rows);
        kept.retain(&keep);
        let dull: Vec<Plain> = rows.iter().zip(&keep).filter(|(_, keep)| **keep).map(|(row, _)| row.clone()).collect();
        let mut used: Vec<_> = dull.iter().map(|row| &row.names).collect();
        used.sort();
        used.dedup();
        prop_assert_eq!(kept.series().len(), used.len(), "no series without a row");
        prop_assert_eq!(plain(&kept), dull);
    }
}

#[test]
fn a_series_without_a_row_goes_when_rows_are_retained() {
    let mut columns = Columns::new(WIDTH);
    columns.add_series(["a"].into_iter());
    let series = columns.add_series(["b"].into_iter());
    assert_eq!(columns.add_series(["a", ""].into_iter()), 0, "the same names are the same series");
    let row = Row {
        series,
        timestamp: Timestamp::MIN,
        late: false,
        measures: Measures::default(),
        id: "",
        payload: 7,
        job_id: "",
        error: "",
    };
    columns.push(&row);
    columns.retain(&[true]);
    let names: Vec<&str> = columns.series().map(|names| names.0[0]).collect();
    assert_eq!(names, ["b"]);
    assert_eq!(columns.rows().next(), Some(Row { series: 0, payload: 0, ..row }), "no payload without an id");
}

#[test]
fn a_long_error_is_cut_on_a_border() {
    let mut columns = Columns::new(WIDTH);
    let series = columns.add_series(["a"].into_iter());
    let error = format!("x{}", "é".repeat(300));
    let (timestamp, measures) = (Timestamp::MIN, Measures::default());
    columns.push(&Row { series, timestamp, late: false, measures, id: "", payload: 0, job_id: "", error: &error });
    assert_eq!(columns.rows().next().unwrap().error, &error[..511]);
}
