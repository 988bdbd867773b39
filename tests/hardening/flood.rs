//! Load: as fast as the answers come, or at a rate whatever the answers say.

use crate::kit::Client;
use crate::support::Server;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// What a while of load came to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Requests sent.
    pub(crate) sent: usize,
    /// Milliseconds from the last byte sent to the answer of each request that was taken.
    pub(crate) taken_ms: Vec<f64>,
    /// The same of those turned away.
    pub(crate) refused_ms: Vec<f64>,
    /// What must not be: other answers, refusals without a hint, connections that broke.
    pub(crate) faults: Vec<String>,
    pub(crate) seconds: f64,
}

impl Outcome {
    /// Requests taken in a second.
    pub(crate) fn rate(&self) -> f64 {
        self.taken_ms.len() as f64 / self.seconds
    }
}

/// Sends a request over and over. With a `rate` (requests a second over all connections) each is
/// sent when it is due, or as soon as its connection is free; without, as soon as the last was
/// answered.
pub(crate) fn flood(server: &Server, request: &[u8], connections: usize, time: Duration, rate: Option<f64>) -> Outcome {
    let began = Instant::now();
    let one = |number: usize| {
        let mut outcome = Outcome::default();
        let mut client = Client::connect(server).unwrap();
        let pause = rate.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(connections as f64 / rate));
        let mut due = began + pause.mul_f64(number as f64 / connections as f64);
        while began.elapsed() < time {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            due += pause;
            if let Err(fault) = send(&mut client, request, &mut outcome) {
                outcome.faults.push(format!("broken: {fault}"));
                client = Client::connect(server).unwrap();
            }
        }
        outcome
    };
    let parts: Vec<Outcome> = thread::scope(|scope| {
        let threads: Vec<_> = (0..connections)
            .map(|number| {
                let one = &one;
                scope.spawn(move || one(number))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut all = Outcome { seconds: began.elapsed().as_secs_f64(), ..Outcome::default() };
    for mut part in parts {
        all.sent += part.sent;
        all.taken_ms.append(&mut part.taken_ms);
        all.refused_ms.append(&mut part.refused_ms);
        all.faults.append(&mut part.faults);
    }
    all
}

fn send(client: &mut Client, request: &[u8], outcome: &mut Outcome) -> std::io::Result<()> {
    client.write(request)?;
    outcome.sent += 1;
    let sent = Instant::now();
    let reply = client.read()?;
    let ms = sent.elapsed().as_secs_f64() * 1e3;
    match (reply.status, reply.retry_after) {
        (200, _) => outcome.taken_ms.push(ms),
        (429 | 503, Some(1..)) => outcome.refused_ms.push(ms),
        _ => outcome.faults.push(format!("{} {:?}", reply.status, reply.retry_after)),
    }
    Ok(())
}
