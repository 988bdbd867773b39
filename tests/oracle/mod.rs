//! The same calls in SQLite, as gateways keep them: one row a call, no value is `NULL`.

#![allow(dead_code, reason = "every test takes the part it needs")]

use crate::model::Row;
use crate::model::recount;
use rusqlite::Connection;
use rusqlite::Params;
use rusqlite::params;
use std::sync::Mutex;
use tallyring::engine::aggregate::Costs;
use tallyring::engine::event::Dimension;
use tallyring::engine::histogram::Distribution;

/// The request log.
pub(crate) struct Oracle(Mutex<Connection>);

/// A success is stored with the row, as the old systems did, by whoever made the row.
pub(crate) struct Logged {
    pub(crate) row: Row,
    pub(crate) success: bool,
}

const TABLE: &str = "CREATE TABLE calls (
    at INTEGER NOT NULL, key TEXT, user TEXT, model TEXT, provider TEXT, endpoint TEXT, status TEXT,
    success INTEGER NOT NULL, status_code INTEGER, latency_us INTEGER,
    input_tokens INTEGER, output_tokens INTEGER, total_tokens INTEGER, cost INTEGER, currency TEXT
)";

impl Oracle {
    pub(crate) fn new(calls: &[Logged]) -> Self {
        let mut db = Connection::open_in_memory().expect("SQLite");
        db.execute(TABLE, []).expect("a table");
        let transaction = db.transaction().expect("a transaction");
        calls.iter().for_each(|call| insert(&transaction, call));
        transaction.commit().expect("a commit");
        db.execute("CREATE INDEX calls_at ON calls (at)", []).expect("an index");
        Self(Mutex::new(db))
    }

    /// All rows of an answer, each as its columns.
    pub(crate) fn rows<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Vec<T> {
        let db = self.0.lock().expect("no test panics while it asks");
        let mut statement = db.prepare_cached(sql).unwrap_or_else(|e| panic!("{e}: {sql}"));
        let rows = statement.query_map(params, read).unwrap_or_else(|e| panic!("{e}: {sql}"));
        rows.map(|row| row.unwrap_or_else(|e| panic!("{e}: {sql}"))).collect()
    }

    /// The one row of an answer.
    pub(crate) fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> T {
        let mut rows = self.rows(sql, params, read);
        assert_eq!(rows.len(), 1, "{sql}");
        rows.remove(0)
    }

    /// The sums of money by currency of the calls that a condition lets through.
    pub(crate) fn costs(&self, condition: &str) -> Vec<(String, i128)> {
        let sql = format!(
            "SELECT currency, sum(cost) FROM calls WHERE currency IS NOT NULL AND ({condition}) GROUP BY 1 ORDER BY 1"
        );
        self.rows(&sql, [], |row| Ok((row.get(0)?, i128::from(row.get::<_, i64>(1)?))))
    }

    /// The latencies, upwards, of the calls that a condition lets through.
    pub(crate) fn latencies(&self, condition: &str) -> Vec<u64> {
        let sql =
            format!("SELECT latency_us FROM calls WHERE latency_us IS NOT NULL AND ({condition}) ORDER BY latency_us");
        self.rows(&sql, [], |row| whole(row, 0))
    }
}

fn insert(db: &Connection, call: &Logged) {
    let value = |dimension| Some(call.row.values[Dimension::index(dimension)].as_str()).filter(|v| !v.is_empty());
    let measures = &call.row.measures;
    let code = value(Dimension::Status).and_then(|status| status.parse::<u16>().ok());
    let total = measures.total_tokens.or_else(|| match (measures.input_tokens, measures.output_tokens) {
        (None, None) => None,
        (input, output) => Some(input.unwrap_or(0) + output.unwrap_or(0)),
    });
    let mut statement =
        db.prepare_cached("INSERT INTO calls VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)").expect("an insert");
    let stored = statement.execute(params![
        call.row.at,
        value(Dimension::Key),
        value(Dimension::User),
        value(Dimension::Model),
        value(Dimension::Provider),
        value(Dimension::Endpoint),
        value(Dimension::Status),
        call.success,
        code,
        signed(measures.latency_us),
        signed(measures.input_tokens),
        signed(measures.output_tokens),
        signed(total),
        measures.cost.map(|cost| cost.nanos),
        measures.cost.map(|cost| cost.currency.code().to_owned()),
    ]);
    assert_eq!(stored, Ok(1));
}

fn signed(number: Option<u64>) -> Option<i64> {
    number.map(|n| i64::try_from(n).expect("SQLite counts up to i64::MAX"))
}

/// A column that holds a number not below zero.
pub(crate) fn whole(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(maybe(row, column)?.expect("not null"))
}

/// A column that holds a number not below zero, or `NULL`.
pub(crate) fn maybe(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Option<u64>> {
    let number: Option<i64> = row.get(column)?;
    Ok(number.map(|n| u64::try_from(n).expect("not negative")))
}

/// Money as the oracle tells it.
pub(crate) fn told(costs: &Costs) -> Vec<(String, i128)> {
    costs.by_currency().into_iter().map(|cost| (cost.currency.code().to_owned(), cost.nanos)).collect()
}

/// That quantiles are within 1 % of the exact nearest rank.
pub(crate) fn same_quantiles(what: &str, distribution: &Distribution, sorted: &[u64]) {
    assert_eq!(distribution.count(), sorted.len() as u64, "{what}");
    assert_eq!(distribution.min_us(), sorted.first().copied(), "{what}");
    assert_eq!(distribution.max_us(), sorted.last().copied(), "{what}");
    for quantile in recount::QUANTILES {
        same_quantile(what, distribution.quantile(quantile), recount::nearest_rank(sorted, quantile));
    }
}

/// That one quantile is within 1 % of the exact one, or both are unknown.
pub(crate) fn same_quantile(what: &str, read: Option<u64>, exact: Option<u64>) {
    let near = match (read, exact) {
        (Some(read), Some(exact)) => u128::from(read.abs_diff(exact)) * 100 <= u128::from(exact),
        (read, exact) => read == exact,
    };
    assert!(near, "{what}: read {read:?}, exactly {exact:?}");
}
