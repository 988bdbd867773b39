//! What a live stream tells has the shapes of the document.

use crate::examples::check;
use crate::operation::Document;
use crate::support::Server;
use serde_json::Value;
use serde_json::json;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::time::Duration;
use std::time::Instant;

#[test]
fn live_events_have_the_shapes_told() {
    let server = Server::start_with(&["--labels", "team"]);
    let document = Document(server.get("/openapi.json").json());
    let mut stream = server.connect();
    write!(stream, "GET /v1/stream?calls=true HTTP/1.0\r\nhost: {}\r\n\r\n", server.address).unwrap();
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let (mut answers, mut sent) = (Vec::new(), false);
    let since = Instant::now();
    while answers.len() < 4 || !answers.iter().any(|answer: &Value| answer["name"] == "calls") {
        let line = lines.next().expect("the stream goes on");
        assert!(since.elapsed() < Duration::from_secs(60), "calls are not told");
        let Some(name) = line.strip_prefix("event: ") else { continue };
        if !sent {
            assert_eq!(server.post("/v1/events", r#"{"model":"m","labels":{"team":"red"}}"#).status, 200);
            sent = true;
        }
        let schema = match name {
            "usage" => "#/components/schemas/LiveUsage",
            "calls" => "#/components/schemas/LiveCalls",
            other => panic!("{other} is not told"),
        };
        let data = lines.next().and_then(|line| line.strip_prefix("data: ").map(str::to_owned)).expect("data");
        let value: Value = serde_json::from_str(&data).unwrap();
        answers.push(json!({ "name": name, "schema": schema, "value": value }));
    }
    check(&document, &answers, "live_events_have_the_shapes_told");
}
