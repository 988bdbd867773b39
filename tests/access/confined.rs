//! A caller who sees some calls only is answered as by a server that holds nothing else: for random
//! calls, for each way to be confined, for every route that answers about calls.

use crate::house::House;
use crate::house::NOON;
use crate::house::instant;
use crate::house::keyring;
use crate::house::only;
use crate::house::token;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;
use tallyring::server::access::Grant;
use tallyring::server::access::Only;
use tallyring::server::access::Scope;

const KEYS: [&str; 3] = ["sk-aaaaaaaaaaaaaaaaaaaaaaaaa1", "sk-bbbbbbbbbbbbbbbbbbbbbbbbb2", ""];
const USERS: [&str; 4] = ["ann", "bob", "eve", ""];
const MODELS: [&str; 3] = ["m1", "m2", ""];
const TEAMS: [&str; 3] = ["red", "blue", ""];
const STATUSES: [&str; 4] = ["200", "429", "500", "timeout"];
const PATHS: [&str; 3] = ["/v1/chat", "/v1/embed", ""];

/// What is asked of each route; `KEY` stands for the public name of the first key.
const QUESTIONS: &[(&str, &[&str])] = &[
    (
        "/v1/usage",
        &[
            "",
            "window=24h&group_by=user",
            "window=30d&group_by=model,status&order_by=-cost",
            "window=24h&group_by=key&limit=1",
            "window=24h&interval=1h&compare=previous",
            "window=24h&interval=auto&group_by=team",
            "window=30d&user=ann",
            "window=30d&user=bob&user=ann&model=m1",
            "window=30d&key=KEY",
            "window=30d&team=blue&status=429",
            "window=30d&group_by=endpoint&order_by=latency_ms.p95",
            "from=2026-11-21&to=2026-11-22&group_by=user",
            "to=2026-11-22T12:00:00Z",
            "window=24h&group_by=user&format=csv",
            "window=24h&interval=6h&format=csv",
        ],
    ),
    (
        "/v1/events",
        &[
            "",
            "limit=5",
            "window=30d&limit=1000",
            "user=ann",
            "user=bob",
            "outcome=success",
            "outcome=failure&limit=3",
            "key=KEY",
            "status=200&outcome=success",
            "model=",
        ],
    ),
    ("/v1/dimensions", &[""]),
    ("/v1/dimensions/{dim}/values", &["", "q=a", "q=KEY", "limit=1"]),
    ("/v1/reports/summary", &["", "user=ann", "user=bob&shape=flat", "model=m1&tz=Asia/Kathmandu", "key=KEY"]),
    ("/v1/reports/calls", &["period=24h", "period=8h&limit=2", "period=24h&user=bob", "period=24h&key=KEY"]),
    ("/v1/reports/key-usage", &["key=KEY", "key=nobody&window=30d"]),
    ("/v1/reports/attention-keys", &["", "status_code=500&limit=1"]),
    ("/v1/reports/user", &["user=ann", "user=bob", "user=bob&start=2026-11-21"]),
    ("/v1/reports/top-users", &["", "limit=1", "order_by=requests", "start=2026-11-20&end=2026-11-21"]),
    ("/v1/reports/endpoints", &["", "start=2026-11-21"]),
    ("/v1/reports/daily", &["", "days=3&fill=true&tz=America/New_York"]),
    ("/v1/reports/cost-trend", &["days=5"]),
    ("/api/stats/details", &["period=24h", "period=1h"]),
    ("/api/stats/key-details", &["period=24h&key=KEY"]),
    ("/api/stats/attention-keys", &["", "status_code=500"]),
    ("/api/key-usage-details/{*key}", &[""]),
];

/// Not about calls, or never ending: those have tests of their own.
const OTHERS: [&str; 2] = ["/v1/caller", "/v1/stream"];

/// SplitMix64: the seed is the whole reproduction.
struct Chance(u64);

impl Chance {
    fn below(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }

    fn event(&mut self, number: usize) -> Value {
        let ages: &[u64] = &[50, 3_000, 80_000, 800_000, 2_500_000];
        let oldest = ages[usize::try_from(self.below(ages.len() as u64)).unwrap()];
        let at = instant(NOON).plus_secs(-i64::try_from(self.below(oldest)).unwrap());
        json!({
            "id": format!("e{number}"), "timestamp": at.to_string(), "model": self.pick(&MODELS), "key": self.pick(&KEYS),
            "user": self.pick(&USERS), "endpoint": self.pick(&PATHS), "status": self.pick(&STATUSES), "provider": "p",
            "labels": {"team": self.pick(&TEAMS)}, "latency_ms": self.below(900), "ttft_ms": self.below(90),
            "input_tokens": self.below(1_000), "output_tokens": self.below(50),
            "cost": format!("0.{:04}", self.below(9_999)), "currency": self.pick(&["USD", "EUR"]),
        })
    }
}

/// Ways to be confined; keys are raw here.
fn ways() -> Vec<Only> {
    vec![
        only(&[("user", "ann")]),
        only(&[("key", KEYS[0])]),
        only(&[("user", "ann"), ("user", ""), ("team", "red")]),
        only(&[("status", "429"), ("status", "500"), ("model", "m2")]),
        only(&[("user", "nobody")]),
    ]
}

fn is_theirs(event: &Value, only: &Only) -> bool {
    let value = |name: &str| if name == "team" { event["labels"]["team"].clone() } else { event[name].clone() };
    only.iter().all(|(name, values)| values.iter().any(|allowed| value(name) == allowed.as_str()))
}

/// The same with public names, as the file of tokens has it.
fn public(only: &Only) -> Only {
    let keyring = keyring();
    let name = |values: &Vec<String>| values.iter().map(|key| keyring.public_name(key)).collect();
    only.iter()
        .map(|(dimension, values)| (dimension.clone(), if dimension == "key" { name(values) } else { values.clone() }))
        .collect()
}

fn lines<'a>(events: impl Iterator<Item = &'a Value>) -> String {
    events.map(|event| format!("{event}\n")).collect()
}

/// An answer without what tells of the whole: the position, and places in the order of arrival.
fn comparable(bytes: &[u8]) -> Value {
    let Ok(mut answer) = serde_json::from_slice::<Value>(bytes) else {
        return String::from_utf8_lossy(bytes).into_owned().into();
    };
    if let Some(answer) = answer.as_object_mut() {
        answer.remove("position");
        if answer.get("next_cursor").is_some_and(Value::is_string) {
            answer.insert("next_cursor".to_owned(), "there are more".into());
        }
        if let Some(completeness) = answer.get_mut("completeness").and_then(Value::as_object_mut) {
            for whole in ["late", "rejected", "duplicates"] {
                completeness.remove(whole);
            }
        }
    }
    answer
}

fn paths(route: &str) -> Vec<String> {
    let key = keyring().public_name(KEYS[0]);
    match route {
        "/v1/dimensions/{dim}/values" => {
            let names = ["key", "user", "model", "provider", "endpoint", "status", "team"];
            names.iter().map(|name| route.replace("{dim}", name)).collect()
        }
        "/api/key-usage-details/{*key}" => {
            vec![route.replace("{*key}", &escaped(&key)), route.replace("{*key}", "other")]
        }
        plain => vec![plain.to_owned()],
    }
}

fn escaped(text: &str) -> String {
    let byte = |b: u8| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") };
    text.bytes().map(byte).collect()
}

/// Compares every answer; `more` is added to the questions about usage, for either.
fn compare(whole: &House, token: &str, part: &House, more: [&str; 2], what: &str) {
    let key = escaped(&keyring().public_name(KEYS[0]));
    for (route, questions) in QUESTIONS {
        for (path, question) in
            paths(route).iter().flat_map(|path| questions.iter().map(move |question| (path, question)))
        {
            let question = question.replace("KEY", &key);
            let more = if *route == "/v1/usage" { more } else { ["", ""] };
            let [theirs, alone] = more.map(|more| format!("{path}?{question}{more}"));
            let (confined, expected) = (whole.get(&theirs, token), part.get(&alone, ""));
            assert_eq!(confined.status, 200, "{what}: {theirs}: {}", confined.text());
            assert_eq!(comparable(&confined.body), comparable(&expected.body), "{what}: {theirs}");
        }
    }
}

#[test]
fn a_confined_caller_is_answered_as_if_there_was_nothing_else() {
    for seed in 1..=3 {
        let mut chance = Chance(seed);
        let events: Vec<Value> = (0..400).map(|number| chance.event(number)).collect();
        let ways = ways();
        let made: Vec<_> = ways.iter().map(|only| token("confined", &[Grant::Read], &public(only), None)).collect();
        let (mut tokens, texts): (Vec<_>, Vec<_>) = made.into_iter().unzip();
        let (sender, sender_text) = token("sender", &[Grant::Ingest], &Only::new(), None);
        tokens.push(sender);
        let whole = House::guarded(&tokens);
        assert_eq!(whole.send(&sender_text, &lines(events.iter())).json()["accepted"], 400);
        for (only, text) in ways.iter().zip(&texts) {
            let part = House::open();
            let theirs = lines(events.iter().filter(|event| is_theirs(event, only)));
            if !theirs.is_empty() {
                assert_eq!(part.send("", &theirs).json()["rejected"], 0);
            }
            compare(&whole, text, &part, ["", ""], &format!("seed {seed}, only {only:?}"));
        }
    }
}

#[test]
fn a_snapshot_confines_as_the_present_does() {
    let mut chance = Chance(9);
    let events: Vec<Value> = (0..200).map(|number| chance.event(number)).collect();
    let only = only(&[("user", "ann")]);
    let (confined, text) = token("confined", &[Grant::Read], &only, None);
    let (admin, admin_text) = token("admin", &[Grant::Admin], &Only::new(), None);
    let (whole, part) = (House::durable(Some(&[confined, admin])), House::durable(None));
    let ids = [
        (&whole, &admin_text[..], lines(events.iter())),
        (&part, "", lines(events.iter().filter(|event| is_theirs(event, &only)))),
    ];
    let ids = ids.map(|(house, token, lines)| {
        assert_eq!(house.send(token, &lines).json()["rejected"], 0);
        let taken = house.ask("POST", "/v1/snapshots", &[("authorization", format!("Bearer {token}").as_bytes())], b"");
        format!("&snapshot={}", taken.json()["id"].as_str().unwrap())
    });
    compare(&whole, &text, &part, [&ids[0], &ids[1]], "of a snapshot");
    let told = whole.get(&format!("/v1/usage?metrics=requests{}", ids[0]), &text).json();
    assert_eq!(told["position"], 200, "the position is of the whole");
    assert_eq!(whole.get("/v1/snapshots", &text).status, 403);
}

#[test]
fn pages_of_a_confined_caller_hold_all_their_calls_once() {
    let mut chance = Chance(5);
    let events: Vec<Value> = (0..300).map(|number| chance.event(number)).collect();
    let only = only(&[("user", "ann")]);
    let (confined, text) = token("confined", &[Grant::Read, Grant::Ingest], &only, None);
    let house = House::guarded(&[confined]);
    assert_eq!(house.send(&text, &lines(events.iter())).status, 200, "a forced filter is about what is seen");
    let (mut found, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let page = house.get(&format!("/v1/events?window=30d&limit=7{cursor}"), &text).json();
        for call in page["calls"].as_array().unwrap() {
            assert_eq!(call["user"], "ann");
            *found.entry(call["id"].as_str().unwrap().to_owned()).or_insert(0) += 1;
        }
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let expected = events.iter().filter(|event| is_theirs(event, &only));
    let expected: BTreeMap<String, i32> = expected.map(|event| (event["id"].as_str().unwrap().to_owned(), 1)).collect();
    assert_eq!(found, expected);
}

#[test]
fn what_is_of_the_whole_server_is_not_told() {
    let (confined, text) = token("confined", &[Grant::Read], &only(&[("user", "ann")]), None);
    let (admin, admin_text) = token("admin", &[Grant::Admin], &Only::new(), None);
    let house = House::guarded(&[confined, admin]);
    house.send(&admin_text, "{\"id\":\"1\",\"user\":\"bob\"}\n{\"id\":\"1\",\"user\":\"bob\"}\n{\"user\":7}\n");
    let completeness = |token: &str| house.get("/v1/usage", token).json()["completeness"].clone();
    let told = completeness(&text);
    assert!(["late", "rejected", "duplicates"].iter().all(|name| told[name].is_null()), "{told}");
    assert_eq!(completeness(&admin_text)["duplicates"], 1);
    // A value that others have is as one that nobody has.
    let told = |user: &str| {
        let mut answer = house.get(&format!("/v1/usage?user={user}"), &text).json();
        answer["position"].take();
        answer
    };
    assert_eq!(told("bob"), told("nobody"));
}

#[test]
fn every_route_about_calls_is_compared() {
    for route in House::open().routes().iter().filter(|route| route.scope == Scope::Read) {
        let compared = QUESTIONS.iter().any(|(path, _)| *path == route.path) || OTHERS.contains(&route.path);
        assert!(compared, "{}: what does a confined caller see of it? Add questions to this test", route.path);
    }
}
