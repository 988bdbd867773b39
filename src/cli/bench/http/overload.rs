//! Five times as much as the server can take: how much of that is taken, and how long it waits.
//!
//! Clients and server share the processors, so what is sent takes from what can be done: the rate
//! that was really sent is told too, what was left to the server, and what it did with that.

use super::BATCH;
use super::batched;
use super::client::Answer;
use super::client::Connection;
use super::server::Server;
use crate::cli::bench::Effort;
use crate::cli::bench::ROUNDS;
use crate::cli::bench::row::Row;
use crate::cli::bench::row::percentile;
use crate::cli::bench::traffic::Traffic;
use std::io;
use std::thread;
use std::time::Duration;
use std::time::Instant;

const TIMES: f64 = 5.0;
/// Connections that find out what it can take, and those that send more.
const FEW: usize = 8;
const MANY: usize = 64;

/// What one round came to; times in ms.
#[derive(Default)]
struct Load {
    sent: usize,
    taken: Vec<f64>,
    turned_away: Vec<f64>,
    seconds: f64,
    /// Used by the server.
    cpu_seconds: f64,
}

impl Load {
    fn rate(&self) -> f64 {
        self.taken.len() as f64 / self.seconds
    }

    /// Requests taken for each second of the server's processor time.
    fn yielded(&self) -> f64 {
        self.taken.len() as f64 / self.cpu_seconds.max(1e-9)
    }

    /// Processors that the server had on average.
    fn processors(&self) -> f64 {
        self.cpu_seconds / self.seconds
    }
}

pub(super) fn rows(server: &Server, traffic: &Traffic, effort: Effort) -> io::Result<Vec<Row>> {
    let (requests, round) = (batched(traffic), effort.round() * 5);
    let columns = [
        ("offered", "% of the most it takes"),
        ("taken", "% of the most it takes"),
        ("processors left to the server", "% of those it had"),
        ("taken for a second of the server's processor", "% of without it"),
        ("taken, p99", "ms"),
        ("turned away, p99", "ms"),
    ];
    let mut rounds: [Vec<f64>; 6] = Default::default();
    load(server, &requests, FEW, round, None)?;
    for _ in 0..ROUNDS {
        let most = load(server, &requests, FEW, round, None)?;
        let mut over = load(server, &requests, MANY, round, Some(TIMES * most.rate()))?;
        over.turned_away.push(0.0); // so that there is one
        let figures = [
            over.sent as f64 / over.seconds / most.rate() * 100.0,
            over.rate() / most.rate() * 100.0,
            over.processors() / most.processors().max(1e-9) * 100.0,
            over.yielded() / most.yielded().max(1e-9) * 100.0,
            percentile(&mut over.taken, 99),
            percentile(&mut over.turned_away, 99),
        ];
        rounds.iter_mut().zip(figures).for_each(|(rounds, figure)| rounds.push(figure));
    }
    let name = format!("http: {TIMES} times the load, {BATCH} events a request, {MANY} connections");
    let rows = columns.iter().zip(rounds);
    Ok(rows.map(|((column, unit), rounds)| Row::new(format!("{name}: {column}"), unit, rounds)).collect())
}

/// Sends requests for a while: at a rate (requests a second), or as soon as the last was answered.
fn load(
    server: &Server,
    requests: &[Vec<u8>],
    connections: usize,
    time: Duration,
    rate: Option<f64>,
) -> io::Result<Load> {
    let (cpu, began) = (server.cpu_seconds(), Instant::now());
    let pause = rate.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(connections as f64 / rate));
    let one = |first: usize| -> io::Result<Load> {
        let (mut load, mut connection) = (Load::default(), Connection::open(server.address)?);
        let mut due = began + pause.mul_f64(first as f64 / connections as f64);
        for request in requests.iter().cycle().skip(first) {
            if began.elapsed() >= time {
                break;
            }
            thread::sleep(due.saturating_duration_since(Instant::now()));
            due += pause;
            let asked = Instant::now();
            load.sent += 1;
            match connection.offer(request)? {
                Answer::Taken(_) => load.taken.push(asked.elapsed().as_secs_f64() * 1e3),
                Answer::TurnedAway => load.turned_away.push(asked.elapsed().as_secs_f64() * 1e3),
            }
        }
        Ok(load)
    };
    let loads = thread::scope(|scope| {
        let threads: Vec<_> = (0..connections)
            .map(|first| {
                let one = &one;
                scope.spawn(move || one(first))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect::<io::Result<Vec<Load>>>()
    })?;
    let seconds = began.elapsed().as_secs_f64();
    let mut all = Load { seconds, cpu_seconds: server.cpu_seconds() - cpu, ..Load::default() };
    for mut load in loads {
        all.sent += load.sent;
        all.taken.append(&mut load.taken);
        all.turned_away.append(&mut load.turned_away);
    }
    Ok(all)
}
