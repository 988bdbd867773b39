//! `GET /v1/stream`: what happens, told once a second as server-sent events.
//!
//! ```text
//! each second: feed ─ usage, calls ─▶ queue of 4 ─▶ body ─▶ connection
//!                 └ the queue is full: the reader is too slow, the stream ends
//! ```
//!
//! Each stream is a task of its own, and costs nothing while its reader lags: what would be told
//! is not computed before there is room for it.

mod feed;
mod frame;
mod frames;
mod stream;

use super::App;
use super::Settings;
use super::access::Caller;
use super::access::Scope;
use super::connections::peer::Peer;
use super::counters::Refusal;
use super::error::Problem;
use super::routes::Routes;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderName;
use axum::http::Uri;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::get;
use feed::Feed;
use frames::Frames;
use std::sync::Arc;
use stream::Stream;
use stream::Who;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;

/// Seconds that may wait for a reader.
const QUEUE: usize = 4;

/// Tells proxies that buffer answers to let this one through.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

/// What the streams of a server share.
#[derive(Clone)]
struct Live {
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>, // all streams are due at the same instant; only so many are computed at a time
}

impl Live {
    fn new(settings: &Settings) -> Self {
        let turns = std::thread::available_parallelism().map_or(1, usize::from);
        let places = settings.max_streams.min(Semaphore::MAX_PERMITS);
        Self { places: Arc::new(Semaphore::new(places)), turns: Arc::new(Semaphore::new(turns)) }
    }

    fn open(&self, app: App, caller: &Caller, peer: Option<Extension<Peer>>, uri: &Uri) -> Result<Response, Problem> {
        let feed = Feed::new(app.clone(), caller, uri)?;
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            app.counters.refuse(Refusal::Overload);
            return Err(Problem::busy("as many live streams are open as this server allows (`max_streams`)"));
        };
        let (queue, queued) = mpsc::channel(QUEUE);
        let frames = Frames::new(queued, peer.as_ref().map(|peer| peer.follow()));
        let stream = Stream {
            who: Who { caller: caller.clone(), peer: peer.map(|Extension(peer)| peer.address()) },
            _open: (place, app.counters.streams.hold()),
            turns: Arc::clone(&self.turns),
            end: frames.end(),
            queue,
            app,
        };
        tokio::spawn(stream.run(feed));
        let headers =
            [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store"), (UNBUFFERED, "no")];
        Ok((headers, Body::from_stream(frames)).into_response())
    }
}

pub(super) fn routes(routes: Routes, settings: &Settings) -> Routes {
    let live = Live::new(settings);
    let open = async move |State(app): State<App>,
                           caller: Extension<Caller>,
                           peer: Option<Extension<Peer>>,
                           uri: Uri| { live.open(app, &caller, peer, &uri) };
    routes.get("/v1/stream", Scope::Read, get(open))
}
