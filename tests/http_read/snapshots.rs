//! Snapshots over HTTP: they are taken, listed and checked, and they answer as the present did when
//! they were taken.

use crate::site::NOON;
use crate::site::Reply;
use crate::site::Site;
use crate::site::cost;
use crate::site::took;
use std::fs;
use tallyring::engine::config::Config;
use tallyring::engine::event::Dimension;

const ONE: &str = "2026-11-22T13:00:00Z";

/// A site with calls of the last hours that keeps them on the disk.
fn site() -> Site {
    let site = Site::durable(NOON, Config::default());
    for (at, model, user) in [
        ("2026-11-22T11:59:59.5Z", "gpt-4o", "ann"),
        ("2026-11-22T11:58:00Z", "gpt-4o", "bob"),
        ("2026-11-22T11:30:00Z", "qwen", "ann"),
        ("2026-11-21T17:00:00Z", "qwen", "cy"),
    ] {
        site.call(at, &[(Dimension::Model, model), (Dimension::User, user)], took(12));
    }
    site.call("2026-11-22T11:00:00Z", &[(Dimension::Model, "qwen")], cost("0.5", "EUR"));
    site
}

fn taken(site: &Site) -> String {
    let reply = site.post("/v1/snapshots", "");
    assert_eq!(reply.status, 201, "{}", reply.body);
    let id = reply.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(reply.header("location"), Some(&*format!("/v1/snapshots/{id}")));
    id
}

/// Checks that this is a problem document of one status, and tells its detail.
#[track_caller]
fn problem(reply: &Reply, status: u16) -> String {
    assert_eq!(reply.status, status, "{}", reply.body);
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    reply.json()["detail"].as_str().unwrap().to_owned()
}

#[test]
fn a_snapshot_answers_as_the_present_did() {
    let site = site();
    let questions = [
        "/v1/usage?window=1h",
        "/v1/usage?window=24h&group_by=model,user&compare=previous",
        "/v1/usage?from=2026-11-01&interval=1h&group_by=model&metrics=requests,cost,latency_ms&tz=Asia/Kathmandu",
        "/v1/usage?window=3h&user=ann&format=csv",
        "/v1/usage?from=2026-11-22T11:59:00Z&interval=1s",
    ];
    let then: Vec<String> = questions.iter().map(|question| site.get(question).body).collect();
    let id = taken(&site);

    site.set_clock(ONE);
    site.call("2026-11-22T12:59:00Z", &[(Dimension::Model, "gpt-4o"), (Dimension::User, "ann")], took(5));
    site.call("2026-11-22T11:59:00Z", &[(Dimension::Model, "late"), (Dimension::User, "ann")], took(5));
    for (question, then) in questions.iter().zip(&then) {
        assert_ne!(site.get(question).body, *then, "{question}: the present has gone on");
        assert_eq!(site.get(&format!("{question}&snapshot={id}")).body, *then, "{question}");
    }
    let later = taken(&site);
    let asked = |id: &str| site.json(&format!("/v1/usage?window=1h&snapshot={id}"))["totals"]["requests"].clone();
    assert_eq!((asked(&id), asked(&later), asked(&id)), (4.into(), 1.into(), 4.into()));
}

#[test]
fn pages_of_a_snapshot_stay_with_it() {
    let site = site();
    let id = taken(&site);
    let question = format!("/v1/usage?window=24h&group_by=user&limit=2&snapshot={id}");
    let first = site.json(&question);
    let cursor = first["next_cursor"].as_str().unwrap();
    site.set_clock(ONE);
    site.call("2026-11-22T12:59:00Z", &[(Dimension::User, "dee")], took(5));
    let second = site.json(&format!("{question}&cursor={cursor}"));
    let names = |page: &serde_json::Value| -> Vec<_> {
        page["data"].as_array().unwrap().iter().map(|group| group["group"]["user"].clone()).collect()
    };
    assert_eq!([names(&first), names(&second)].concat().len(), 4);
    assert!(!second.to_string().contains("dee"), "{second}");
    let present = format!("/v1/usage?window=24h&group_by=user&limit=2&cursor={cursor}");
    assert!(site.refusal(&present).starts_with("cursor: "), "it belongs to the snapshot");
}

#[test]
fn snapshots_are_listed_and_told() {
    let site = site();
    assert_eq!(site.json("/v1/snapshots")["snapshots"].as_array().unwrap().len(), 0);
    let id = taken(&site);
    let one = site.json(&format!("/v1/snapshots/{id}"));
    assert_eq!(site.json("/v1/snapshots")["snapshots"][0], one);
    assert_eq!((&one["position"], &one["taken"]), (&5.into(), &NOON.into()));
    assert_eq!(one["frames"].to_string().parse::<u64>().unwrap(), 5);
    for hash in ["chain", "blake3"] {
        assert_eq!(one[hash].as_str().unwrap().len(), 64, "{one}");
    }
    site.set_clock(ONE);
    let again = site.post("/v1/snapshots", "");
    assert_eq!((again.status, again.json()["id"].as_str()), (200, Some(&*id)), "nothing came since");
    assert_eq!(again.header("location"), Some(&*format!("/v1/snapshots/{id}")));
    assert_eq!(site.json("/v1/status")["disk"]["snapshots"][0]["id"], *id);
}

#[test]
fn nothing_but_a_snapshot_is_found() {
    let site = site();
    let id = taken(&site);
    let other = "00000000000000000001-00000000000000000001";
    for id in [other, "x", "..%2F..%2Fkey-pepper", "%2e%2e", &format!("{id}.snap"), &id[1..], "%ff"] {
        for reply in [
            site.get(&format!("/v1/snapshots/{id}")),
            site.post(&format!("/v1/snapshots/{id}/verify"), ""),
            site.get(&format!("/v1/usage?window=1h&snapshot={id}")),
        ] {
            assert!(matches!(reply.status, 400 | 404), "{id}: {}", reply.body);
            assert!(!reply.body.contains("pepper"), "{}", reply.body);
        }
    }
    assert!(problem(&site.get(&format!("/v1/snapshots/{other}")), 404).contains("no such snapshot"));
    assert!(site.refusal(&format!("/v1/usage?snapshot={id}&snapshot={id}")).contains("only once"));
    assert!(site.refusal(&format!("/v1/reports/summary?snapshot={id}")).contains("unknown parameter"));
    assert_eq!(site.refusal("/v1/snapshots?limit=1").split(':').next(), Some("limit"));
    problem(&site.post("/v1/snapshots?full=perhaps", ""), 400);
    let page = site.post("/v1/snapshots", "origin: http://evil.example\r\n");
    assert!(problem(&page, 403).contains("another origin"));
}

#[test]
fn a_check_reads_every_byte() {
    let site = site();
    let id = taken(&site);
    let verify = || site.post(&format!("/v1/snapshots/{id}/verify"), "");
    let sound = verify().json();
    assert_eq!((&sound["valid"], &sound["snapshot"]["id"]), (&true.into(), &(*id).into()), "{sound}");
    let file = site.folder().join(format!("snapshots/{id}.snap"));
    let whole = fs::read(&file).unwrap();
    for at in [whole.len() / 3, whole.len() / 2, whole.len() - 40] {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&file, &bytes).unwrap();
        let reply = verify();
        assert_eq!(reply.status, 200, "{}", reply.body);
        let told = reply.json();
        assert_eq!(told["valid"], false, "byte {at}: {told}");
        assert!(told["detail"].as_str().unwrap().contains("damaged"), "{told}");
    }
    fs::write(&file, &whole).unwrap();
    assert_eq!(verify().json()["valid"], true);
}

#[test]
fn a_store_in_memory_has_none_and_says_so() {
    let site = Site::at(NOON);
    let id = "00000000000000000001-00000000000000000001";
    for reply in [
        site.get("/v1/snapshots"),
        site.post("/v1/snapshots", ""),
        site.get(&format!("/v1/snapshots/{id}")),
        site.get(&format!("/v1/usage?window=1h&snapshot={id}")),
    ] {
        assert!(problem(&reply, 409).contains("in memory"), "{}", reply.body);
    }
    let status = site.json("/v1/status");
    assert_eq!((&status["disk"], &status["ack"]), (&serde_json::Value::Null, &"memory".into()), "{status}");
}

#[test]
fn calls_that_left_memory_are_read_back() {
    let site = Site::durable(NOON, Config { recent_calls: 16, ..Config::default() });
    for n in 0..300 {
        let at = format!("2026-11-22T11:{:02}:{:02}Z", n / 60, n % 60);
        let model = if n % 3 == 0 { "qwen" } else { "gpt-4o" };
        site.call_named(&at, &[(Dimension::Model, model)], took(n), [&format!("id-{n}"), "", ""]);
    }
    let (mut told, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = site.json(&format!("/v1/events?window=24h&model=qwen&limit=30{cursor}"));
        assert_eq!(page["complete"], true, "{page}");
        told.extend(page["calls"].as_array().unwrap().iter().map(|call| call["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let expected: Vec<String> = (0..300).rev().filter(|n| n % 3 == 0).map(|n| format!("id-{n}")).collect();
    assert_eq!(told, expected);
    let brief = site.json("/api/stats/details?period=24h");
    assert_eq!(brief.as_array().unwrap().len(), 300);
}

#[test]
fn the_status_tells_what_there_is() {
    let site = site();
    let status = site.json("/v1/status");
    assert_eq!((&status["position"], &status["ack"], &status["ids"]), (&5.into(), &"fsync".into(), &0.into()));
    let journal = &status["disk"]["journal"];
    assert_eq!((&journal["frames"], &journal["segments"]), (&5.into(), &1.into()), "{status}");
    assert!(journal["bytes"].as_u64() > Some(0) && status["disk"]["free_bytes"].as_u64() > Some(0), "{status}");
    assert_eq!((&status["disk"]["full"], &status["disk"]["failure"]), (&false.into(), &serde_json::Value::Null));
    assert!(status["engine"]["series"].as_u64() > Some(0), "{status}");
}
