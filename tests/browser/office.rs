//! Calls with known figures, in an hour that is over: what is asked about it stays the same.

use crate::support::Server;
use crate::support::now;
use serde_json::Value;
use serde_json::json;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// A whole hour.
pub(crate) struct Hour {
    /// Its first second.
    pub(crate) from: u64,
}

impl Hour {
    /// One that ended more than an hour ago.
    pub(crate) fn past() -> Self {
        Self { from: (now() / 3_600 - 3) * 3_600 }
    }

    pub(crate) fn to(&self) -> u64 {
        self.from + 3_600
    }

    /// The parameters of a page about it.
    pub(crate) fn page(&self) -> String {
        format!("range=custom&from={}&to={}&tz=UTC", self.from * 1_000, self.to() * 1_000)
    }

    /// The parameters of a question about it.
    pub(crate) fn question(&self) -> String {
        format!("from={}&to={}&tz=UTC", self.from, self.to())
    }
}

/// A call at a second since the epoch, with more members.
pub(crate) fn call(second: u64, more: &Value) -> Value {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let id = format!("call-{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let mut call = json!({ "id": id, "timestamp": second, "model": "gpt-4o", "status": 200 });
    call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    call
}

/// Sends calls; all of them count.
#[track_caller]
pub(crate) fn send(server: &Server, calls: &[Value]) {
    let counts = server.post("/v1/events", json!(calls).to_string()).counts(200);
    assert_eq!(counts, (calls.len() as u64, 0, 0));
}

/// Twelve calls of three users in the hour.
pub(crate) fn office(hour: &Hour) -> Vec<Value> {
    let ann = (0..6).map(|i| {
        let failed = i == 5;
        call(
            hour.from + 60 * i,
            &json!({
                "user": "ann", "key": "sk-proj-0123456789abcdefann1", "provider": "openai", "endpoint": "/v1/chat",
                "status": if failed { 429 } else { 200 }, "latency_ms": 100 * (i + 1), "ttft_ms": 10 * (i + 1),
                "input_tokens": 100, "output_tokens": 50, "cost": "0.000300001",
                "error": if failed { Value::from("too many requests") } else { Value::Null },
            }),
        )
    });
    let bo = (0..4).map(|i| {
        call(
            hour.from + 1_800 + 60 * i,
            &json!({
                "user": "bo", "key": "sk-proj-0123456789abcdefbo22", "model": "qwen-plus", "provider": "alibaba",
                "latency_ms": 1_000 + i, "input_tokens": 1_000, "output_tokens": 1, "cost": "1.25",
            }),
        )
    });
    let others = [
        call(
            hour.from + 3_000,
            &json!({ "user": "cy", "model": "qwen-plus", "status": "timeout", "latency_ms": 30_000 }),
        ),
        call(hour.from + 3_599, &json!({ "status": 200, "cost": "2", "currency": "CNY" })),
    ];
    ann.chain(bo).chain(others).collect()
}
