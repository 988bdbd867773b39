//! Test 34: a million keys over the wire. The caps hold exactly, totals stay exact, and who was
//! there before is counted as before.

use crate::kit::Client;
use crate::kit::beside_others;
use crate::kit::events;
use crate::support::Server;
use std::fmt::Write as _;

const NAMES: u64 = 1_000_000;
const BATCH: u64 = 20_000;

#[test]
fn a_million_keys_fill_the_cap_and_the_rest_is_other() {
    let _running = beside_others();
    let server = Server::start_with(&["--max-identities", "5000", "--max-values", "300", "--recent-calls", "1000"]);
    let calm = r#"{"key":"sk-calm","user":"calm","model":"calm","cost":"0.5"}"#;
    assert_eq!(server.post("/v1/events", calm).counts(200), (1, 0, 0));
    let mut client = Client::connect(&server).unwrap();
    for first in (0..NAMES).step_by(BATCH as usize) {
        let lines = (first..first + BATCH).fold(String::new(), |mut text, n| {
            let _ = writeln!(text, r#"{{"key":"sk-{n}","user":"u{n}","model":"m{}","cost":"0.{n:09}"}}"#, n % 400);
            text
        });
        let reply = client.ask(&events(lines.as_bytes())).unwrap();
        assert!(String::from_utf8_lossy(&reply.body).contains(&format!("\"accepted\":{BATCH},")), "{reply:?}");
    }
    assert_eq!(server.post("/v1/events", calm).counts(200), (1, 0, 0));

    let totals = server.totals("");
    assert_eq!(totals["requests"], NAMES + 2);
    let nanos = u128::from(NAMES) * u128::from(NAMES - 1) / 2 + 1_000_000_000;
    assert_eq!(totals["cost"]["USD"].as_str().unwrap().replace('.', "").parse::<u128>().unwrap(), nanos);

    let dimensions = server.get("/v1/dimensions").json();
    for (place, cap) in [(0, 5_000_u64), (1, 5_000), (2, 300)] {
        let dimension = &dimensions["dimensions"][place];
        let named = dimension["values"].as_u64().unwrap();
        // The cap and `__other__` beside it, or among it; never more.
        assert!((cap - 1..=cap + 1).contains(&named), "{dimension}");
        let name = dimension["name"].as_str().unwrap();
        let of = |value: &str| server.totals(&format!("&{name}={value}"))["requests"].as_u64().unwrap();
        let top = server.get(&format!("/v1/usage?window=1h&group_by={name}&limit=10000&metrics=requests")).json();
        let groups = top["data"].as_array().unwrap();
        let sum: u64 = groups.iter().map(|group| group["requests"].as_u64().unwrap()).sum();
        assert_eq!(sum, NAMES + 2, "{name}: the groups are all there is");
        let named: u64 = groups.iter().filter(|group| group["group"][name] != "__other__").count() as u64;
        let per_name = if name == "model" { NAMES / 400 } else { 1 };
        assert_eq!(of("__other__"), NAMES - (named - 1) * per_name, "{name}");
    }
    let calm = server.totals("&user=calm");
    assert_eq!((calm["requests"].as_u64(), calm["cost"]["USD"].as_str()), (Some(2), Some("1.000000000")));
    assert_eq!(server.totals("&key=sk-calm")["requests"], 2);
}
