//! A store on a simulated disk, events that tell which they are, and a book of what was sent.

use crate::chance::Chance;
use crate::sim::Image;
use crate::sim::Loss;
use crate::sim::SimDisk;
use std::collections::BTreeMap;
use std::ops::Range;
use tallyring::engine::Engine;
use tallyring::engine::config::Config;
use tallyring::engine::config::TierConfig;
use tallyring::engine::event::Dimension;
use tallyring::engine::event::Dimensions;
use tallyring::engine::event::Event;
use tallyring::engine::event::Measures;
use tallyring::engine::money::Currency;
use tallyring::engine::money::Money;
use tallyring::engine::query::Query;
use tallyring::engine::time::Timestamp;
use tallyring::journal::Ack;
use tallyring::store::Batch;
use tallyring::store::OpenError;
use tallyring::store::Opened;
use tallyring::store::Receipt;
use tallyring::store::Refused;
use tallyring::store::Settings;
use tallyring::store::Store;

const BASE: i64 = 1_795_324_556;
const KEYS: u64 = 5;

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_secs(BASE + second)
}

/// A small engine, segments of 4 KiB, and a journal that is pruned as soon as it may.
pub(crate) fn settings() -> Settings {
    let tier = |step_secs, len| TierConfig { step_secs, len };
    let tiers = vec![tier(1, 700), tier(60, 120), tier(900, 200), tier(86_400, 10)];
    let mut settings = Settings {
        engine: Config { tiers, max_values: 50, stripes: 2, recent_calls: 20, ..Config::default() },
        id_horizon: 10_000,
        snapshot_every_secs: 0,
        journal_max_bytes: 0,
        min_free_bytes: 0,
        ..Settings::default()
    };
    settings.journal.ack = Ack::Fsync;
    settings.journal.segment_bytes = 4_096;
    settings.journal.flush_ms = 20;
    settings
}

pub(crate) fn open(disk: &SimDisk, now: Timestamp) -> Result<(Store, Opened), OpenError> {
    open_with(disk, settings(), now)
}

pub(crate) fn open_with(disk: &SimDisk, settings: Settings, now: Timestamp) -> Result<(Store, Opened), OpenError> {
    Store::open_on(disk.storage(), settings, now, &mut |_| {})
}

/// The `n`th event ever: everything about it follows from its number.
pub(crate) struct Sent {
    n: u64,
    id: String,
    key: String,
    now: Timestamp,
}

impl Sent {
    pub(crate) fn new(n: u64, now: Timestamp) -> Self {
        Self { n, id: format!("event-{n}"), key: key(n), now }
    }

    pub(crate) fn event(&self) -> Event<'_> {
        let status = if self.n.is_multiple_of(7) { "500" } else { "200" };
        let dimensions = Dimensions::default()
            .with(Dimension::Key, &self.key)
            .with(Dimension::Model, if self.n.is_multiple_of(3) { "m-long-name" } else { "m" })
            .with(Dimension::Status, status);
        let measures = Measures {
            input_tokens: Some(self.n),
            output_tokens: Some(tokens(self.n)),
            latency_us: Some(self.n * 31),
            cost: Some(Money { nanos: cost(self.n), currency: Currency::USD }),
            ..Measures::default()
        };
        Event { timestamp: self.now, dimensions, measures, id: &self.id, ..Event::default() }
    }
}

fn key(n: u64) -> String {
    format!("k{}", n % KEYS)
}

fn tokens(n: u64) -> u64 {
    n * n % 9_973
}

fn cost(n: u64) -> i64 {
    i64::try_from(n * 1_000_003 % 65_537).unwrap()
}

/// What there is of a key: calls, the sum of their numbers, tokens, money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    calls: u64,
    numbers: u128,
    tokens: u128,
    nanos: i128,
}

pub(crate) type Tally = BTreeMap<String, Sums>;

/// Of events by their numbers, added up the dull way.
pub(crate) fn expected(events: impl IntoIterator<Item = u64>) -> Tally {
    let mut tally = Tally::new();
    for n in events {
        let sums = tally.entry(key(n)).or_default();
        sums.calls += 1;
        sums.numbers += u128::from(n);
        sums.tokens += u128::from(tokens(n));
        sums.nanos += i128::from(cost(n));
    }
    tally
}

/// As the engine answers.
pub(crate) fn counted(engine: &Engine, now: Timestamp) -> Tally {
    let usage = engine.query(&Query::between(None, None).group_by(Dimension::Key), now).unwrap();
    let mut tally = Tally::new();
    for group in &usage.groups {
        let sums = &group.totals.sums;
        let nanos = sums.cost.get(Currency::USD).unwrap_or_default();
        let (calls, numbers, tokens) = (sums.requests, sums.input_tokens, sums.output_tokens);
        tally.insert(group.name[0].as_deref().unwrap().to_owned(), Sums { calls, numbers, tokens, nanos });
    }
    tally
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) events: Range<u64>,
    pub(crate) second: i64,
}

impl Request {
    pub(crate) fn now(&self) -> Timestamp {
        at(self.second)
    }

    /// Sends it, for the first time or again.
    pub(crate) fn send(&self, store: &Store, now: Timestamp) -> Result<Receipt, Refused> {
        send(store, self.events.clone().map(|n| Sent::new(n, self.now())), now)
    }
}

pub(crate) fn send(store: &Store, events: impl Iterator<Item = Sent>, now: Timestamp) -> Result<Receipt, Refused> {
    let events: Vec<Sent> = events.collect();
    let mut batch = Batch::new(|pointer| pointer);
    (0..).zip(&events).for_each(|(index, sent)| batch.push(index, sent.event(), true));
    store.ingest("w", batch, false, now)
}

/// A random workload, its disk, and every request in order. The disk's notes are numbers of
/// requests acknowledged.
pub(crate) struct Workload {
    pub(crate) disk: SimDisk,
    pub(crate) requests: Vec<Request>,
    second: i64,
    chance: Chance,
}

impl Workload {
    pub(crate) fn run(seed: u64, steps: u32) -> Self {
        let mut workload = Self { disk: SimDisk::new(), requests: Vec::new(), second: 0, chance: Chance(seed) };
        let mut store = open(&workload.disk, at(0)).unwrap().0;
        for _ in 0..steps {
            store = workload.step(store);
        }
        store.close(at(workload.second)).unwrap();
        workload
    }

    /// After everything that was sent.
    pub(crate) fn end(&self) -> Timestamp {
        at(self.second + 1)
    }

    pub(crate) fn events(&self) -> u64 {
        self.requests.last().map_or(0, |request| request.events.end)
    }

    fn step(&mut self, store: Store) -> Store {
        self.second += *self.chance.pick(&[0, 0, 1, 1, 70]);
        let now = at(self.second);
        match self.chance.below(14) {
            0 | 1 => drop(store.snapshot(self.chance.one_in(3), now).unwrap()),
            2 => store.engine().advance(now),
            3 => {
                // Either end is as good as the other, to those who come after.
                if self.chance.one_in(2) {
                    store.close(now).unwrap();
                }
                drop(store);
                return open(&self.disk, now).unwrap().0;
            }
            _ => self.send(&store),
        }
        store
    }

    fn send(&mut self, store: &Store) {
        let size = *self.chance.pick(&[1, 1, 1, 2, 5, 40]);
        let first = self.events();
        let request = Request { events: first..first + size, second: self.second };
        let receipt = request.send(store, request.now()).unwrap();
        assert_eq!((receipt.accepted, receipt.position), (size, request.events.end));
        self.requests.push(request);
        self.disk.note(self.requests.len() as u64);
    }

    pub(crate) fn book<'a>(&'a self, states: &'a [Vec<u8>]) -> Book<'a> {
        Book { requests: &self.requests, states: Some(states), end: self.end() }
    }

    /// The canonical state after each number of requests, counted in memory.
    pub(crate) fn states(&self) -> Vec<Vec<u8>> {
        let state = |requests: usize| {
            let store = Store::in_memory(Engine::new(settings().engine).unwrap());
            for request in &self.requests[..requests] {
                let _ = request.send(&store, request.now()).unwrap();
            }
            canonical(store.engine(), self.end())
        };
        (0..=self.requests.len()).map(state).collect()
    }
}

pub(crate) fn canonical(engine: &Engine, now: Timestamp) -> Vec<u8> {
    engine.advance(now);
    engine.canonical_bytes()
}

/// What was sent, in order, to be held against what is found.
pub(crate) struct Book<'a> {
    pub(crate) requests: &'a [Request],
    /// The canonical state after each number of requests, if it is compared.
    pub(crate) states: Option<&'a [Vec<u8>]>,
    /// After everything that was sent.
    pub(crate) end: Timestamp,
}

impl Book<'_> {
    fn events(&self) -> u64 {
        self.requests.last().map_or(0, |request| request.events.end)
    }

    /// Starts from what a crash left: it opens; whole requests are there, all that were
    /// acknowledged and no others than were sent, counted exactly; the state is that of an engine
    /// that counted just these. Then what was not acknowledged is sent again, and some of the
    /// rest: each event counts once. That outlives another power cut.
    #[track_caller]
    pub(crate) fn check(&self, image: &Image, acked: u64, what: &str) -> Opened {
        let disk = SimDisk::boot(image);
        let (store, opened) = open(&disk, self.end).unwrap_or_else(|fault| panic!("{what}: {fault}"));
        let found = self.requests.iter().take_while(|request| request.events.end <= opened.position).count();
        let position = found.checked_sub(1).map_or(0, |last| self.requests[last].events.end);
        assert_eq!(opened.position, position, "{what}: half a request");
        assert_eq!(store.position(), position, "{what}");
        assert!(found as u64 >= acked, "{what}: {found} requests, {acked} acknowledged");
        assert_eq!(counted(store.engine(), self.end), expected(0..position), "{what}");
        if let Some(states) = self.states {
            let same = canonical(store.engine(), self.end) == states[found];
            assert!(same, "{what}: another state than that of these events");
        }
        self.retry(&store, usize::try_from(acked).unwrap().saturating_sub(2), found, what);
        drop(store);
        let left = SimDisk::boot(&disk.cut(&mut Loss::all()));
        let (store, _) = open(&left, self.end).unwrap_or_else(|fault| panic!("{what}, cut again: {fault}"));
        assert_eq!(counted(store.engine(), self.end), expected(0..self.events()), "{what}, sent again and cut");
        opened
    }

    /// Sends requests again: those before `found` are known, those after are new.
    #[track_caller]
    fn retry(&self, store: &Store, again: usize, found: usize, what: &str) {
        for (n, request) in self.requests.iter().enumerate().skip(again) {
            let receipt = request.send(store, self.end).unwrap_or_else(|fault| panic!("{what}: {fault}"));
            let size = request.events.end - request.events.start;
            let want = if n < found { (0, size) } else { (size, 0) };
            assert_eq!((receipt.accepted, receipt.duplicates), want, "{what}: request {n} again");
        }
        assert_eq!(counted(store.engine(), self.end), expected(0..self.events()), "{what}, sent again");
    }
}
