//! A real Prometheus scrapes a real server: what it stores is what the API says.

use crate::kit::once_counted;
use crate::skipping::find;
use crate::support::Answer;
use crate::support::Server;
use serde_json::Value;
use serde_json::json;
use std::io::Write;
use std::net::TcpListener;
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

struct Prometheus {
    child: Child,
    address: String,
}

impl Prometheus {
    fn start(program: &Path, folder: &Path, target: &str, path: &str) -> Self {
        // Free when asked; whoever takes it meanwhile makes the test fail, not pass.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let (path, names) = path.split_once("?names=").unwrap_or((path, "tallyring"));
        let config = format!(
            "global:\n  scrape_interval: 5s\nscrape_configs:\n- job_name: tallyring\n  metrics_path: {path}\n  \
             params:\n    names: [{names}]\n  static_configs:\n  - targets: ['{target}']\n"
        );
        let file = folder.join("prometheus.yml");
        std::fs::write(&file, config).unwrap();
        let child = Command::new(program)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .args(["--log.level=error"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, address }
    }

    /// The `data` of an answer; `None` while it can't answer yet.
    fn ask(&self, path: &str) -> Option<Value> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
        // An older version, whose answers are not cut into chunks.
        stream.write_all(format!("GET /api/v1/{path} HTTP/1.0\r\nhost: {}\r\n\r\n", self.address).as_bytes()).ok()?;
        let answer = Answer::read(&mut stream);
        (answer.status == 200).then(|| answer.json()["data"].clone())
    }

    /// Labels and value of each series that an expression gives.
    fn query(&self, expression: &str) -> Vec<(Value, f64)> {
        let escaped: String = expression.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let Some(data) = self.ask(&format!("query?query={escaped}")) else { return Vec::new() };
        let of = |series: &Value| (series["metric"].clone(), series["value"][1].as_str().unwrap().parse().unwrap());
        data["result"].as_array().unwrap().iter().map(of).collect()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[track_caller]
fn wait_for<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = ready() {
            return found;
        }
        assert!(since.elapsed() < Duration::from_secs(90), "{what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn prometheus_stores_what_the_api_says() {
    let Some(program) = find("prometheus", "prometheus_stores_what_the_api_says") else { return };
    let server = Server::start();
    let hostile = "a\"} 1\nfake_metric{x=\"";
    let call = |n: u64| json!({ "model": if n.is_multiple_of(3) { hostile } else { "m" }, "provider": "p", "status": if n.is_multiple_of(4) { 500 } else { 200 }, "latency_ms": n * 7, "cost": "0.01", "output_tokens": n });
    let calls: Vec<Value> = (0..100).map(call).collect();
    server.post("/v1/events", Value::from(calls).to_string()).counts(200);
    once_counted(&server, 100);
    let folder = tempfile::tempdir().unwrap();
    let prometheus = Prometheus::start(&program, folder.path(), &server.address, "/metrics");
    wait_for("the target is not up", || {
        let data = prometheus.ask("targets?state=active")?;
        let target = &data["activeTargets"][0];
        let late = |fault: &str| fault.contains("deadline exceeded");
        assert!(target["lastError"].as_str().is_none_or(|fault| fault.is_empty() || late(fault)), "{target}");
        (target["health"] == "up").then_some(())
    });
    let stored = wait_for("nothing is stored", || {
        let stored = prometheus.query("sum by (model) (tallyring_model_requests_total)");
        (!stored.is_empty()).then_some(stored)
    });
    let answer = server.get("/v1/usage?window=1h&group_by=model").json();
    assert_eq!(stored.len(), 2);
    for group in answer["data"].as_array().unwrap() {
        let name = &group["group"]["model"];
        let (_, value) = stored.iter().find(|(labels, _)| labels["model"] == *name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(*value, group["requests"].as_f64().unwrap(), "{name}");
    }
    assert!(prometheus.query("fake_metric").is_empty());
    // For as long as a scrape came too late, there is nothing.
    let one = |expression: &str| wait_for("it is not there", || Some(prometheus.query(expression).first()?.1));
    let totals = &answer["totals"];
    assert_eq!(one("sum(tallyring_status_tokens_total{type=\"output\"})"), totals["output_tokens"].as_f64().unwrap());
    assert_eq!(one("sum(tallyring_model_requests_total{outcome=\"failure\"})"), totals["failures"].as_f64().unwrap());
    let cost: f64 = totals["cost"]["USD"].as_str().unwrap().parse().unwrap();
    assert!((one("sum(tallyring_provider_cost_total)") - cost).abs() < 1e-9);
    let p50 = one("histogram_quantile(0.5, sum by (le) (tallyring_status_latency_seconds_bucket))") * 1e3;
    let exact = totals["latency_ms"]["p50"].as_f64().unwrap();
    assert!(p50 > exact / 2.0 && p50 < exact * 2.0, "buckets double: {p50} for {exact}");
    assert_eq!(one("tallyring_events_accepted_total"), 100.0);
}

#[test]
fn prometheus_reads_the_names_of_the_conventions() {
    let Some(program) = find("prometheus", "prometheus_reads_the_names_of_the_conventions") else { return };
    let server = Server::start();
    server
        .post("/v1/events", r#"{"model":"m","provider":"p","status":429,"latency_ms":5,"input_tokens":7}"#)
        .counts(200);
    once_counted(&server, 1);
    let folder = tempfile::tempdir().unwrap();
    let prometheus = Prometheus::start(&program, folder.path(), &server.address, "/metrics?names=otel");
    let stored = wait_for("nothing is stored", || {
        let stored = prometheus.query("gen_ai_client_token_usage_sum{gen_ai_token_type=\"input\"}");
        (!stored.is_empty()).then_some(stored)
    });
    let (labels, tokens) = &stored[0];
    assert_eq!(*tokens, 7.0);
    assert_eq!((&labels["gen_ai_request_model"], &labels["gen_ai_provider_name"]), (&"m".into(), &"p".into()));
    assert_eq!(labels["error_type"], "429");
    let bucket = "gen_ai_client_operation_duration_seconds_bucket{le=\"0.01\"}";
    assert_eq!(wait_for("it is not there", || Some(prometheus.query(bucket).first()?.1)), 1.0);
}
