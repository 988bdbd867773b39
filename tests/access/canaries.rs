//! Secrets in every place that one can end up in, by mistake or by design; then everything that came
//! out of the server is searched for them: answers, the log at its most talkative, the data folder,
//! metrics. They are looked for as they are, cut short, and in the spellings that programs give to
//! bytes.

use crate::commands::tallyring;
use crate::headers::make;
use crate::running::Running;
use crate::running::wait_until;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use memchr::memmem;
use std::fs;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

/// Where a secret is put: `C` stands for it. Each is a request line, headers and a body; headers
/// without `authorization` get a good token.
const PLACES: &[(&str, &str, &str)] = &[
    // A call's own key, and calls that are refused with one.
    ("POST /v1/events", "", r#"{"key":"C","model":"m","status":200}"#),
    ("POST /v1/events", "", r#"{"key":"C","model":"m","error":"bad key C."}"#),
    ("POST /v1/events", "", r#"{"key":"another","model":"m","error":"refused: C"}"#),
    ("POST /v1/events", "", r#"{"key":["C"],"model":"m"}"#),
    ("POST /v1/events", "", r#"{"key":{"C":"C"},"model":"m"}"#),
    ("POST /v1/events", "", r#"{"key":"C","#),
    ("POST /v1/events", "", "C"),
    ("POST /v1/events", "", r#"["C"]"#),
    ("POST /v1/events", "", r#"{"model":"m","api_key":"C"}"#),
    ("POST /v1/events", "", r#"{"model":"m","headers":{"authorization":"Bearer C"}}"#),
    ("POST /v1/events", "", r#"{"key":"CCCCCCCCCCCC","model":"m"}"#),
    ("POST /v1/events", "", r#"{"key":"C","model":"m","timestamp":"1999-01-01T00:00:00Z"}"#),
    ("POST /v1/events", "", r#"{"key":"C","model":"m","input_tokens":-1}"#),
    ("POST /v1/events", "", r#"{"model":"m","input_tokens":"C"}"#),
    ("POST /v1/events", "", r#"{"model":"m","timestamp":"C"}"#),
    ("POST /v1/events", "", r#"{"model":"m","latency_ms":"C"}"#),
    ("POST /v1/events", "", r#"{"model":"m","cost":"C"}"#),
    ("POST /v1/events", "", r#"{"model":"m","cost":"1","currency":"C"}"#),
    ("POST /v1/events", "", r#"{"model":"m","labels":"C"}"#),
    ("POST /v1/events?atomic=true", "", r#"[{"key":"C","model":"m"},{"key":"C","model":7}]"#),
    ("POST /v1/events", "content-type: application/x-ndjson", "{\"key\":\"C\",\"model\":\"m\"}\n{C}\nC\n"),
    ("POST /v1/ingest/dify", "", r#"{"user_id":"u","api_endpoint":"/x","success":false,"error_message":"C"}"#),
    ("POST /v1/ingest/dify", "", r#"{"api_key":"C","success":"C"}"#),
    // The rest of a request that sends.
    ("POST /v1/events", "content-type: C", "{}"),
    ("POST /v1/events", "content-encoding: C", "{}"),
    ("POST /v1/events", "content-encoding: gzip", "C"),
    ("POST /v1/events", "idempotency-key: C", r#"{"model":"m"}"#),
    ("POST /v1/events", "idempotency-key: \"C", r#"{"model":"m"}"#),
    ("POST /v1/events", "expect: C", r#"{"model":"m"}"#),
    ("POST /v1/events?C=1", "", r#"{"model":"m"}"#),
    ("POST /v1/events?atomic=C", "", r#"{"model":"m"}"#),
    ("POST /v1/events", "origin: http://C", r#"{"model":"m"}"#),
    // Headers that are not asked for.
    ("GET /v1/usage", "authorization: Bearer C", ""),
    ("GET /v1/usage", "authorization: bearer C", ""),
    ("GET /v1/usage", "authorization: C", ""),
    ("GET /v1/usage", "authorization: Basic C", ""),
    ("GET /v1/usage", "authorization: Bearer C\r\nauthorization: Bearer C", ""),
    ("GET /v1/usage", "x-api-key: C", ""),
    ("GET /v1/usage", "cookie: token=C", ""),
    ("GET /v1/usage", "user-agent: C", ""),
    ("GET /v1/usage", "referer: http://localhost/?token=C", ""),
    ("GET /v1/usage", "accept: C", ""),
    ("GET /v1/usage", "C: 1", ""),
    ("GET /v1/usage", "host: C", ""),
    ("GET /v1/usage", "if-none-match: C", ""),
    // Parameters and paths.
    ("GET /v1/usage?key=C", "", ""),
    ("GET /v1/usage?C=1", "", ""),
    ("GET /v1/usage?token=C", "", ""),
    ("GET /v1/usage?tz=C", "", ""),
    ("GET /v1/usage?from=C", "", ""),
    ("GET /v1/usage?window=C", "", ""),
    ("GET /v1/usage?group_by=C", "", ""),
    ("GET /v1/usage?order_by=C", "", ""),
    ("GET /v1/usage?metrics=C", "", ""),
    ("GET /v1/usage?quantiles=C", "", ""),
    ("GET /v1/usage?limit=C", "", ""),
    ("GET /v1/usage?cursor=C", "", ""),
    ("GET /v1/usage?format=C", "", ""),
    ("GET /v1/usage?snapshot=C", "", ""),
    ("GET /v1/usage?interval=C", "", ""),
    ("GET /v1/usage?compare=C", "", ""),
    ("GET /v1/usage?bins=C", "", ""),
    ("GET /v1/events?key=C&limit=1", "", ""),
    ("GET /v1/events?outcome=C", "", ""),
    ("GET /v1/dimensions/C/values", "", ""),
    ("GET /v1/dimensions/key/values?q=C", "", ""),
    ("GET /v1/reports/key-usage?key=C", "", ""),
    ("GET /v1/reports/calls?period=C&key=C", "", ""),
    ("GET /v1/reports/C", "", ""),
    ("GET /api/key-usage-details/C", "", ""),
    ("GET /api/stats/key-details?key=C&period=C", "", ""),
    ("GET /v1/snapshots/C", "", ""),
    ("POST /v1/snapshots/C/verify", "", ""),
    ("GET /C", "", ""),
    ("GET /assets/C", "", ""),
    ("GET /v1/stream?C=1", "", ""),
    ("GET /v1/stream?calls=C", "", ""),
    ("C /v1/usage", "", ""),
    ("GET C", "", ""),
];

struct Canary {
    place: usize,
    text: String,
    secret: String, // the part of it that nobody may see
}

impl Canary {
    /// In the shape of an API key.
    fn key(place: usize) -> Self {
        let text = format!("sk-canary-{place:02}-{}", letters(place as u64, 24));
        Self { place, secret: text.clone(), text }
    }

    /// In the shape of an access token.
    fn token(place: usize) -> Self {
        let secret = letters(1_000 + place as u64, 40);
        Self { place, text: format!("tr_{}_{secret}", letters(2_000 + place as u64, 8)), secret }
    }

    /// It in all the spellings in which it is looked for.
    fn spellings(&self) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        for text in [&self.secret[..], &self.secret[..12]] {
            let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
            let percent: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            found.extend(
                [text.to_owned(), hex.to_uppercase(), hex, percent.to_lowercase(), percent].map(String::into_bytes),
            );
            // Where it begins in what is encoded, and with what it ends, changes letters at its edges.
            for lead in 0..3 {
                let bytes = [vec![b' '; lead], text.as_bytes().to_vec()].concat();
                let whole = bytes.len() / 3 * 4;
                let first = [0, 2, 3][lead];
                for encoded in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
                    found.push(encoded.as_bytes()[first..whole].to_vec());
                }
            }
        }
        found
    }
}

/// Letters that stand nowhere else; of base 32, as tokens have them.
fn letters(seed: u64, count: usize) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5eed;
    let letter = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b"0123456789abcdefghjkmnpqrstvwxyz"[(state >> 40) as usize & 31])
    };
    (0..count).map(letter).collect()
}

/// Sends a place with a secret in it, and tells what came back, the head too.
fn send(server: &Running, (line, headers, body): (&str, &str, &str), secret: &str, good: &str) -> Vec<u8> {
    let put = |text: &str| text.replace('C', secret);
    let mut head = format!("{} HTTP/1.1\r\n", put(line));
    if !headers.starts_with("host") {
        head += "host: localhost\r\n";
    }
    if !headers.starts_with("authorization") {
        head += &format!("authorization: Bearer {good}\r\n");
    }
    if !headers.is_empty() {
        head += &format!("{}\r\n", put(headers));
    }
    let body = put(body);
    head += &format!("connection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let mut stream = TcpStream::connect(("127.0.0.1", server.port().parse().unwrap())).unwrap();
    // A stream that goes on is read for a while: its first events are enough.
    stream.set_read_timeout(Some(Duration::from_secs(if line.contains("/v1/stream") { 2 } else { 30 }))).unwrap();
    let _ = stream.write_all(head.as_bytes());
    let (mut answer, mut chunk) = (Vec::new(), [0; 4_096]);
    while let Ok(read @ 1..) = stream.read(&mut chunk) {
        answer.extend_from_slice(&chunk[..read]);
        if answer.len() > 1 << 20 {
            break;
        }
    }
    answer
}

fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            // The journal's files are made longer than what they hold.
            let mut bytes = fs::read(&path).unwrap();
            bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
            found.push((path.display().to_string(), bytes));
        }
    }
}

#[test]
fn no_secret_comes_out_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let admin = make(&data, &["--name", "admin", "--scope", "admin"]);
    let reader = make(&data, &["--name", "reader", "--scope", "read"]);
    let expired = make(&data, &["--name", "expired", "--scope", "admin", "--expires", "1ms"]);
    let revoked = make(&data, &["--name", "revoked", "--scope", "admin"]);
    assert!(
        tallyring(&["token", "revoke", "revoked", "--data-dir", data.to_str().unwrap()])
            .output()
            .unwrap()
            .status
            .success()
    );
    let mut server = Running::start(&data, &["--listen", "127.0.0.1:0", "--log", "trace", "--hosts", "localhost"]);

    let mut out: Vec<(String, Vec<u8>)> = Vec::new();
    let mut canaries = Vec::new();
    for (number, place) in PLACES.iter().enumerate() {
        for canary in [Canary::key(number), Canary::token(number)] {
            out.push((format!("the answer to {place:?}"), send(&server, *place, &canary.text, &admin)));
            canaries.push(canary);
        }
    }
    assert!(canaries.len() >= 80);
    // Real tokens: good ones, for the wrong thing, past their end, taken back.
    for (token, line) in [
        (&admin, "GET /v1/status"),
        (&reader, "POST /v1/events"),
        (&expired, "GET /v1/usage"),
        (&revoked, "GET /v1/usage"),
    ] {
        out.push((format!("the answer to {line} with a token"), send(&server, (line, "", "{}"), "", token)));
        canaries.push(Canary { place: PLACES.len(), text: token.clone(), secret: token[12..].to_owned() });
    }
    assert!(out.iter().filter(|(_, bytes)| bytes.starts_with(b"HTTP/1.1")).count() >= canaries.len() - 4);
    let refused = out.iter().filter(|(_, bytes)| bytes.starts_with(b"HTTP/1.1 401")).count();
    assert!(refused >= 12, "{refused}");
    // Everything that can be asked for.
    let all = [
        "/v1/usage?window=24h&group_by=key",
        "/v1/usage?window=24h&group_by=key&format=csv",
        "/v1/events?window=24h&limit=1000",
        "/v1/dimensions/key/values?limit=1000",
        "/v1/dimensions/user/values",
        "/v1/dimensions/status/values",
        "/v1/reports/attention-keys",
        "/api/stats/details?period=24h",
        "/v1/status",
        "/metrics",
        "/v1/caller",
        "/openapi.json",
    ];
    for path in all {
        out.push((path.to_owned(), send(&server, (&format!("GET {path}"), "", ""), "", &admin)));
    }
    let events = out.iter().find(|(name, _)| name.starts_with("/v1/events")).unwrap();
    assert!(memmem::find(&events.1, "sk-c…".as_bytes()).is_some(), "calls with keys were taken");
    let snapshot = send(&server, ("POST /v1/snapshots", "", ""), "", &admin);
    assert!(snapshot.starts_with(b"HTTP/1.1 201"), "{}", String::from_utf8_lossy(&snapshot));
    wait_until("it is logged", || server.log().contains("TRACE") || server.log().contains("DEBUG"));
    out.push(("the log".to_owned(), server.stop().into_bytes()));
    files(&data, &mut out);

    let mut leaks = Vec::new();
    for canary in &canaries {
        for spelling in canary.spellings() {
            let finder = memmem::Finder::new(&spelling);
            for (name, _) in out.iter().filter(|(_, bytes)| finder.find(bytes).is_some()) {
                let place = PLACES.get(canary.place);
                leaks.push(format!("{place:?} as {} in {name}", String::from_utf8_lossy(&spelling)));
            }
        }
    }
    assert!(leaks.is_empty(), "{}:\n{}", leaks.len(), leaks.join("\n"));
}

#[test]
fn what_is_looked_for_would_be_found() {
    let canary = Canary::key(7);
    for lead in ["", "x", "xy", "xyz: "] {
        let said = format!("{lead}{} and more", canary.text);
        let said = [STANDARD_NO_PAD.encode(&said), said.clone(), said.bytes().map(|b| format!("{b:02x}")).collect()];
        for text in &said {
            let found = canary.spellings().iter().any(|spelling| memmem::find(text.as_bytes(), spelling).is_some());
            assert!(found, "{text}");
        }
    }
    assert_ne!(Canary::key(7).text[..12], Canary::key(8).text[..12]);
    assert_ne!(Canary::token(7).secret[..12], Canary::token(8).secret[..12]);
}
