//! What the old systems tripped over.

use crate::both::NOW;
use crate::both::now;
use crate::model::Row;
use crate::model::random::money;
use crate::oracle::told;
use tallyring::engine::Engine;
use tallyring::engine::config::Config;
use tallyring::engine::event::Dimension;
use tallyring::engine::query::Query;

/// Traps: values that mean something to SQL, HTML, CSV, paths or terminals are values like others.
#[test]
fn hostile_values_come_back_as_they_went_in() {
    let engine = Engine::new(Config::default()).expect("the defaults");
    let hostile = [
        "a/b",
        "two words",
        " edge ",
        "\u{1f511}",
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' OR 1=1--",
        "a\"} 1\nfake_metric{x=\"",
        "a\r\nX-Injected: 1",
        "\u{1b}[2J",
        "\u{202e}abc",
        "\0",
        "__proto__",
        "constructor",
        "%s%n",
        "../../etc/passwd",
        "e\u{301}",
        "\u{e9}",
    ];
    for value in hostile {
        let values = Dimension::FIXED.map(|dimension| (dimension, value));
        assert!(engine.record(&Row::at_secs(NOW, &values).event(), now()).is_ok(), "{value:?}");
    }
    for dimension in Dimension::FIXED {
        for value in hostile {
            let usage = engine.query(&Query::window(60).only(dimension, value).group_by(dimension), now());
            let usage = usage.expect("an answer");
            assert_eq!(usage.totals.sums.requests, 1, "{dimension:?} {value:?}");
            assert_eq!(usage.groups[0].name, [Some(value.into())], "{dimension:?} {value:?}");
        }
        let mut sorted = hostile.to_vec();
        sorted.sort_unstable();
        let told: Vec<_> = engine.values(dimension, "", 100).into_iter().map(|v| v.value.to_string()).collect();
        assert_eq!(told, sorted, "{dimension:?}");
    }
}

/// Trap: money of several currencies is never one number.
#[test]
fn currencies_are_never_mixed() {
    let engine = Engine::new(Config::default()).expect("the defaults");
    for (n, code) in (1..).zip(["USD", "EUR", "CNY", "RMB", "JPY", "usd"]) {
        let mut row = Row::at_secs(NOW, &[(Dimension::User, "ann")]);
        row.measures.cost = Some(money(n, code));
        assert!(engine.record(&row.event(), now()).is_ok());
    }
    let report = engine.reports(now()).user("ann", None, None).expect("a report");
    let want = [("CNY", 3 + 4), ("EUR", 2), ("JPY", 5), ("USD", 1 + 6)].map(|(code, nanos)| (code.to_owned(), nanos));
    assert_eq!(told(&report.total_cost), want);
}
