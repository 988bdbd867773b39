//! What was sent and what was said of it; and from that, what must be counted.

use crate::chance::Chance;
use crate::ends::Ends;
use crate::kit::Answer;
use crate::kit::Client;
use crate::kit::get;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

const USERS: u64 = 7;

/// A request by its events' numbers.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) events: Range<u64>,
    /// Named by a key; its events have no ids.
    pub(crate) keyed: bool,
}

impl Request {
    pub(crate) fn len(&self) -> u64 {
        self.events.end - self.events.start
    }

    pub(crate) fn key(&self) -> Option<String> {
        self.keyed.then(|| format!("request-{}", self.events.start))
    }
}

/// All requests ever sent.
pub(crate) struct Ledger {
    began: u64,
    next: AtomicU64,
    books: Mutex<Books>,
}

#[derive(Clone, Default)]
struct Books {
    /// Answered 200.
    acked: Vec<Request>,
    /// Nobody knows: no answer, or one that leaves it open.
    unknown: Vec<Request>,
}

/// Calls, and the sums of their numbers, tokens and nano-dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) calls: u64,
    numbers: u64,
    tokens: u64,
    nanos: u64,
}

/// By user.
pub(crate) type Tally = BTreeMap<String, Sums>;

impl Ledger {
    pub(crate) fn new() -> Self {
        let began = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        Self { began, next: AtomicU64::new(0), books: Mutex::default() }
    }

    /// One that goes on by itself from here.
    pub(crate) fn fork(&self) -> Self {
        let next = AtomicU64::new(self.next.load(Ordering::Relaxed));
        Self { began: self.began, next, books: Mutex::new(self.books.lock().unwrap().clone()) }
    }

    /// A request of new events.
    pub(crate) fn request(&self, events: u64, keyed: bool) -> Request {
        let first = self.next.fetch_add(events, Ordering::Relaxed);
        Request { events: first..first + events, keyed }
    }

    /// Its body: the same each time.
    pub(crate) fn body(&self, request: &Request) -> Vec<u8> {
        let mut body = String::new();
        for n in request.events.clone() {
            let (user, tokens, nanos) = (user(n), tokens(n), nanos(n));
            if !request.keyed {
                write!(body, "{{\"id\":\"event-{n}\",").unwrap();
            } else {
                body.push('{');
            }
            writeln!(
                body,
                "\"timestamp\":{},\"user\":\"{user}\",\"model\":\"m\",\"status\":200,\"input_tokens\":{n},\
                 \"output_tokens\":{tokens},\"cost\":\"0.{nanos:09}\"}}",
                self.began
            )
            .unwrap();
        }
        body.into_bytes()
    }

    /// Sends a request and enters what is said of it. False where the connection is no longer any
    /// good.
    pub(crate) fn send(&self, client: &mut Client, request: Request) -> bool {
        let answer = client.send(request.key().as_deref(), &self.body(&request));
        self.enter(request, answer.ok())
    }

    /// Enters an answer, or that there was none.
    pub(crate) fn enter(&self, request: Request, answer: Option<Answer>) -> bool {
        let mut books = self.books.lock().unwrap();
        match answer {
            Some(answer) if answer.status == 200 => {
                let (accepted, duplicates, rejected) = answer.counts();
                assert_eq!((accepted + duplicates, rejected), (request.len(), 0), "{request:?}");
                books.acked.push(request);
                true
            }
            Some(answer) => {
                assert_eq!(answer.status, 503, "{request:?}: {}", String::from_utf8_lossy(&answer.body));
                books.unknown.push(request);
                true
            }
            None => {
                books.unknown.push(request);
                false
            }
        }
    }

    pub(crate) fn acked(&self) -> usize {
        self.books.lock().unwrap().acked.len()
    }

    /// Everything not known to be counted.
    pub(crate) fn unknown(&self) -> Vec<Request> {
        self.books.lock().unwrap().unknown.clone()
    }

    /// Sends everything again that nobody knows of, until it is known.
    #[track_caller]
    pub(crate) fn retry(&self, address: &str, what: &str) {
        let unknown = std::mem::take(&mut self.books.lock().unwrap().unknown);
        let mut client = Client::connect(address).unwrap();
        for request in unknown {
            let answer = client.send(request.key().as_deref(), &self.body(&request)).unwrap();
            assert_eq!(answer.status, 200, "{what}: {}", String::from_utf8_lossy(&answer.body));
            self.enter(request, Some(answer));
        }
    }

    /// Everything acknowledged and nothing else is counted, each event once.
    #[track_caller]
    pub(crate) fn check(&self, address: &str, what: &str) {
        let mut want = Tally::new();
        for request in &self.books.lock().unwrap().acked {
            request.events.clone().for_each(|n| add(&mut want, n));
        }
        assert_eq!(counted(address), want, "{what}");
    }

    /// Everything acknowledged is counted; what was sent later may be too. Sent again, each of it is
    /// a duplicate.
    #[allow(dead_code, reason = "asked after power cuts only")]
    #[track_caller]
    pub(crate) fn check_at_least(&self, address: &str, what: &str) {
        let books = self.books.lock().unwrap().clone();
        let acked: u64 = books.acked.iter().map(Request::len).sum();
        let found: u64 = counted(address).values().map(|sums| sums.calls).sum();
        assert!(found >= acked, "{what}: {found} events, {acked} acknowledged");
        let mut client = Client::connect(address).unwrap();
        for request in &books.acked {
            let answer = client.send(request.key().as_deref(), &self.body(request)).unwrap();
            assert_eq!(answer.status, 200, "{what}");
            assert_eq!(answer.counts(), (0, request.len(), 0), "{what}: {request:?} was lost");
        }
    }

    /// Of what nobody knows, whole requests are counted: with what was acknowledged they come to
    /// what the server says. Users tell requests apart only together, so it is the number of
    /// events that must come out.
    #[track_caller]
    pub(crate) fn check_whole_requests(&self, address: &str, what: &str) {
        let books = self.books.lock().unwrap().clone();
        assert!(books.unknown.len() < 16, "too many to try all sums");
        let acked: u64 = books.acked.iter().map(Request::len).sum();
        let found: u64 = counted(address).values().map(|sums| sums.calls).sum();
        assert!(found >= acked, "{what}: {found} events, {acked} acknowledged");
        let mut sums = vec![0];
        for request in &books.unknown {
            let with: Vec<u64> = sums.iter().map(|sum| sum + request.len()).collect();
            sums.extend(with);
            sums.sort_unstable();
            sums.dedup();
        }
        assert!(sums.contains(&(found - acked)), "{what}: {} events beside whole requests", found - acked);
    }
}

fn user(n: u64) -> String {
    format!("u{}", n % USERS)
}

fn tokens(n: u64) -> u64 {
    n * 7_919 % 9_973
}

fn nanos(n: u64) -> u64 {
    n * 1_000_003 % 999_983
}

fn add(tally: &mut Tally, n: u64) {
    let sums = tally.entry(user(n)).or_default();
    sums.calls += 1;
    sums.numbers += n;
    sums.tokens += tokens(n);
    sums.nanos += nanos(n);
}

/// What the server says.
pub(crate) fn counted(address: &str) -> Tally {
    let path = "/v1/usage?window=24h&group_by=user&metrics=requests,input_tokens,output_tokens,cost&limit=1000";
    let answer = get(address, path).unwrap();
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let json = answer.json();
    let mut tally = Tally::new();
    for row in json["data"].as_array().unwrap_or_else(|| panic!("{json}")) {
        let number = |name: &str| row[name].as_u64().unwrap_or_else(|| panic!("{row}"));
        let nanos = row["cost"]["USD"].as_str().map_or(0, |text| text.replace('.', "").parse().unwrap());
        let user = row["group"]["user"].as_str().unwrap_or_else(|| panic!("{row}")).to_owned();
        let (calls, numbers, tokens) = (number("requests"), number("input_tokens"), number("output_tokens"));
        tally.insert(user, Sums { calls, numbers, tokens, nanos });
    }
    tally
}

/// Clients that send until they are told to stop, or nobody listens any more.
pub(crate) struct Load {
    pub(crate) clients: u64,
    /// The most events of a request.
    pub(crate) largest: u64,
}

impl Load {
    /// Sends while `during` runs.
    pub(crate) fn run<T>(&self, ledger: &Ledger, address: &str, seed: u64, during: impl FnOnce() -> T) -> T {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for own in 0..self.clients {
                let stop = &stop;
                scope.spawn(move || self.client(ledger, address, Chance(seed << 8 | own), stop));
            }
            let _ends = Ends(&stop);
            during()
        })
    }

    fn client(&self, ledger: &Ledger, address: &str, mut chance: Chance, stop: &AtomicBool) {
        let Ok(mut client) = Client::connect(address) else { return };
        while !stop.load(Ordering::Relaxed) {
            let events = match chance.below(10) {
                0..=4 => 1,
                5..=8 => 1 + chance.next() % 50,
                _ => 1 + chance.next() % self.largest,
            };
            let acked = ledger.acked();
            if !ledger.send(&mut client, ledger.request(events, chance.one_in(4))) {
                return;
            }
            if ledger.acked() == acked {
                // It is full, or ends: no need to hurry.
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
}
