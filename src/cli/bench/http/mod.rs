//! Events over HTTP: the real server in another process, clients in this one, all on one machine.
//!
//! Clients share the processors with the server; what the server itself used is told beside what
//! the clients saw.

mod client;
mod overload;
mod server;

pub(super) use server::serve_empty;

use super::Effort;
use super::ROUNDS;
use super::row::Row;
use super::row::percentile;
use super::traffic::Traffic;
use crate::cli::exit::Failure;
use crate::clock::Clock;
use crate::clock::System;
use client::Answer;
use client::Connection;
use server::Server;
use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

const SERIES: usize = 10_000;
/// Events in a request.
const BATCH: usize = 1_000;
/// Events in a long compact batch, and connections that send them.
const LONG_BATCH: usize = 10_000;
const FEW: usize = 8;
/// Requests made beforehand: more bytes than a cache holds.
const REQUESTS: usize = 32;
/// When a client that was turned away comes back. Only those that were taken are in a row.
const COME_BACK: Duration = Duration::from_millis(20);
/// Connections of the rows with one event a request.
const SINGLES: usize = 8;

pub(super) fn rows(effort: Effort) -> Result<Vec<Row>, Failure> {
    let traffic = Traffic::new(SERIES);
    let run = || -> io::Result<Result<Vec<Row>, Failure>> {
        let (server, empty) = match (Server::start("fsync"), Server::start_empty()) {
            (Ok(server), Ok(empty)) => (server, empty),
            (Err(failure), _) | (_, Err(failure)) => return Ok(Err(failure)),
        };
        let mut rows = Vec::new();
        for connections in [1, 2, 8] {
            rows.extend(batches(&server, "fsync", &traffic, connections, effort)?);
        }
        rows.extend(compact(&server, &traffic, effort)?);
        let (written, held) = match (Server::start("write"), Server::start("memory")) {
            (Ok(written), Ok(held)) => (written, held),
            (Err(failure), _) | (_, Err(failure)) => return Ok(Err(failure)),
        };
        for (ack, server) in [("write", &written), ("memory", &held)] {
            rows.extend(batches(server, ack, &traffic, 8, effort)?);
        }
        drop(written);
        rows.extend(waits(&server, &traffic, effort)?);
        rows.extend(singles(&empty, [("fsync", &server), ("memory", &held)], &traffic, effort)?);
        drop(held);
        rows.extend(usage_while_ingesting(&server, &empty, &traffic, effort)?);
        Ok(Ok(rows))
    };
    run().unwrap_or_else(|fault| Err(Failure::unreachable(format!("the server under test: {fault}"))))
}

/// Five times as much as it can take.
pub(super) fn overload_rows(effort: Effort) -> Result<Vec<Row>, Failure> {
    let server = Server::start("fsync")?;
    let fault = |fault| Failure::unreachable(format!("the server under test: {fault}"));
    overload::rows(&server, &Traffic::new(SERIES), effort).map_err(fault)
}

/// Requests of a thousand events that have just ended.
fn batched(traffic: &Traffic) -> Vec<Vec<u8>> {
    let body = |n: usize| traffic.ndjson(n * BATCH..(n + 1) * BATCH, System.now());
    (0..REQUESTS).map(|n| client::post("x-ndjson", &body(n))).collect()
}

fn batches(server: &Server, ack: &str, traffic: &Traffic, connections: usize, effort: Effort) -> io::Result<[Row; 2]> {
    let name = format!("http: ack = {ack}, {BATCH} events a request, {}", told(connections));
    rates(server, &batched(traffic), connections, effort, (name, BATCH))
}

/// Compact batches, as our own clients send them.
fn compact(server: &Server, traffic: &Traffic, effort: Effort) -> io::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for events in [BATCH, LONG_BATCH] {
        let body = |n: usize| traffic.batch(n * events..(n + 1) * events, System.now());
        let requests: Vec<Vec<u8>> = (0..REQUESTS).map(|n| client::post("vnd.tallyring.batch", &body(n))).collect();
        let name = format!("http: ack = fsync, {events} events a compact batch, {}", told(FEW));
        rows.extend(rates(server, &requests, FEW, effort, (name, events))?);
    }
    Ok(rows)
}

/// Events a second, and what they take of the server's time.
fn rates(
    server: &Server,
    requests: &[Vec<u8>],
    connections: usize,
    effort: Effort,
    (name, events): (String, usize),
) -> io::Result<[Row; 2]> {
    let (mut rates, mut cpu) = (Vec::new(), Vec::new());
    send(server, requests, connections, effort.round() / 2, events)?;
    for _ in 0..ROUNDS {
        let sent = send(server, requests, connections, effort.round() * 2, events)?;
        rates.push(sent.rate() * events as f64 / 1e6);
        cpu.push(sent.cpu_seconds / (sent.requests * events) as f64 * 1e6);
    }
    Ok([Row::new(name.clone(), "M events/s", rates), Row::new(name, "server CPU s / M events", cpu)])
}

fn told(connections: usize) -> String {
    if connections == 1 { "1 connection".to_owned() } else { format!("{connections} connections") }
}

/// How long clients wait for their acknowledgement, that is for the disk.
fn waits(server: &Server, traffic: &Traffic, effort: Effort) -> io::Result<Vec<Row>> {
    let one = |n| client::post("json", &traffic.ndjson(n..n + 1, System.now()));
    let singles: Vec<Vec<u8>> = (0..1_000).map(one).collect();
    let mut rows = Vec::new();
    for (requests, events) in [(&singles, 1), (&batched(traffic), BATCH)] {
        for connections in [1, 16, 256] {
            let (mut middle, mut tail) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                let mut each = send(server, requests, connections, effort.round() * 2, events)?.waited_ms;
                middle.push(percentile(&mut each, 50));
                tail.push(percentile(&mut each, 99));
            }
            let plural = if events == 1 { "" } else { "s" };
            let name = format!("http: ack = fsync, {events} event{plural} a request, {}", told(connections));
            rows.push(Row::new(format!("{name}, p50"), "ms", middle));
            rows.push(Row::new(format!("{name}, p99"), "ms", tail));
        }
    }
    Ok(rows)
}

/// One event a request, in turns with the empty handler.
fn singles(empty: &Server, servers: [(&str, &Server); 2], traffic: &Traffic, effort: Effort) -> io::Result<Vec<Row>> {
    let body = |n| traffic.ndjson(n..n + 1, System.now());
    let requests: Vec<Vec<u8>> = (0..1_000).map(|n| client::post("json", &body(n))).collect();
    let (mut empties, mut figures) = (Vec::new(), [const { [const { Vec::new() }; 3] }; 2]);
    for _ in 0..ROUNDS {
        let nothing = send(empty, &requests, SINGLES, effort.round(), 0)?;
        empties.push(nothing.rate() / 1e3);
        for ((_, server), figures) in servers.iter().zip(&mut figures) {
            let sent = send(server, &requests, SINGLES, effort.round(), 1)?;
            let each = |sent: &Sent| sent.cpu_seconds / sent.requests as f64;
            let ratios = [sent.rate() / nothing.rate() * 100.0, each(&sent) / each(&nothing).max(1e-9)];
            let told = [sent.rate() / 1e3, ratios[0], ratios[1]];
            figures.iter_mut().zip(told).for_each(|(rounds, figure)| rounds.push(figure));
        }
    }
    let mut rows = vec![Row::new(format!("http: an empty handler, {SINGLES} connections"), "k requests/s", empties)];
    for ((ack, _), [rates, ratios, cpus]) in servers.iter().zip(figures) {
        let name = format!("http: ack = {ack}, 1 event a request, {SINGLES} connections");
        rows.push(Row::new(name.clone(), "k requests/s", rates));
        rows.push(Row::new(format!("{name}: rate"), "% of the empty handler's", ratios));
        rows.push(Row::new(format!("{name}: server CPU"), "times the empty handler's", cpus));
    }
    Ok(rows)
}

/// A question asked over and over while two connections send all they can; in turns with two to an idle server of
/// another process, which has nothing to wait for but a processor: for next to nothing, and for a millisecond.
fn usage_while_ingesting(server: &Server, empty: &Server, traffic: &Traffic, effort: Effort) -> io::Result<Vec<Row>> {
    let (requests, done) = (batched(traffic), AtomicBool::new(false));
    let question = client::get("/v1/usage?window=1h&group_by=model");
    let (nothing, millisecond) = (client::post("json", b"{}"), client::get("/millisecond"));
    let asked = [
        ("/v1/usage, 1 h by model", server, &question),
        ("an empty handler of an idle process", empty, &nothing),
        ("a millisecond's arithmetic in an idle process", empty, &millisecond),
    ];
    let tails = thread::scope(|scope| {
        for first in 0..2 {
            let (requests, done) = (&requests, &done);
            scope.spawn(move || -> io::Result<()> {
                let mut connection = Connection::open(server.address)?;
                for request in requests.iter().cycle().skip(first) {
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                    connection.ask(request)?;
                }
                Ok(())
            });
        }
        let round = |_| asked.iter().map(|(_, server, question)| tail(server, question, effort)).collect();
        let tails: io::Result<Vec<Vec<[f64; 2]>>> = (0..ROUNDS).map(round).collect();
        done.store(true, Ordering::Relaxed);
        tails
    })?;
    let row = |what: &str, asked: usize, tail: usize| {
        let name = format!("http: {what}, while ingesting, p{}", [50, 99][tail]);
        Row::new(name, "ms", tails.iter().map(|tails| tails[asked][tail]))
    };
    Ok((0..).zip(&asked).flat_map(|(place, (what, ..))| [row(what, place, 0), row(what, place, 1)]).collect())
}

/// The median and the slowest hundredth of one round, in ms.
fn tail(server: &Server, question: &[u8], effort: Effort) -> io::Result<[f64; 2]> {
    let (mut connection, mut each, began) = (Connection::open(server.address)?, Vec::new(), Instant::now());
    while each.is_empty() || began.elapsed() < effort.round() * 2 {
        let asked = Instant::now();
        connection.ask(question)?;
        each.push(asked.elapsed().as_secs_f64() * 1e3);
    }
    Ok([percentile(&mut each, 50), percentile(&mut each, 99)])
}

/// What one round came to.
struct Sent {
    requests: usize,
    seconds: f64,
    /// Used by the server.
    cpu_seconds: f64,
    /// By each request, for its answer.
    waited_ms: Vec<f64>,
}

impl Sent {
    fn rate(&self) -> f64 {
        self.requests as f64 / self.seconds
    }
}

/// Sends requests over some connections, a thread each, for a while. Each answer must tell of so
/// many `accepted` events.
fn send(
    server: &Server,
    requests: &[Vec<u8>],
    connections: usize,
    time: Duration,
    accepted: usize,
) -> io::Result<Sent> {
    let receipt = format!("{{\"accepted\":{accepted},");
    let (cpu, began) = (server.cpu_seconds(), Instant::now());
    let one = |first: usize| {
        let (mut connection, mut waited) = (Connection::open(server.address)?, Vec::new());
        for request in requests.iter().cycle().skip(first * requests.len() / connections) {
            if began.elapsed() >= time {
                break;
            }
            let asked = Instant::now();
            let Answer::Taken(answer) = connection.offer(request)? else {
                thread::sleep(COME_BACK);
                continue;
            };
            waited.push(asked.elapsed().as_secs_f64() * 1e3);
            if accepted > 0 && !answer.starts_with(receipt.as_bytes()) {
                return Err(io::Error::other(format!("not all counted: {}", String::from_utf8_lossy(answer))));
            }
        }
        Ok(waited)
    };
    let waited = thread::scope(|scope| {
        let threads: Vec<_> = (0..connections)
            .map(|first| {
                scope.spawn({
                    let one = &one;
                    move || one(first)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect::<io::Result<Vec<Vec<f64>>>>()
    })?;
    let seconds = began.elapsed().as_secs_f64();
    let waited_ms = waited.concat();
    Ok(Sent { requests: waited_ms.len(), seconds, cpu_seconds: server.cpu_seconds() - cpu, waited_ms })
}
