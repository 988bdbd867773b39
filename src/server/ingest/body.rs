//! Reading a body: never longer, slower, or in more company than the limits allow.

use super::request::Encoding;
use crate::server::Settings;
use crate::server::error::Problem;
use async_compression::tokio::bufread::GzipDecoder;
use async_compression::tokio::bufread::ZstdDecoder;
use async_compression::zstd::DParameter;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header;
use axum::http::request::Parts;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body as HttpBody;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// How long a request waits for room before it is turned away.
const ROOM_TIMEOUT: Duration = Duration::from_millis(250);
/// How much of a refused body is read and thrown away, so that its sender sees the answer rather
/// than a broken connection; and for how long.
const DRAINED_BYTES: usize = 32 << 20;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);
/// How much memory a promised length gets beforehand.
const TRUSTED_BYTES: usize = 512 << 10;
/// Room is counted in pieces of this size.
const ROOM_BYTES: usize = 1 << 10;
/// Decompressed bytes between two turns of other requests.
const STEP_BYTES: usize = 256 << 10;
/// How many times its compressed length a body may have; what is harmless may have any.
const MAX_RATIO: usize = 100;
const HARMLESS_BYTES: usize = 1 << 20;
/// The largest zstd window accepted, as a power of two: 8 MiB. The standard tool needs no more
/// below `--ultra`; a hostile frame may ask for gigabytes.
const ZSTD_WINDOW_LOG: u32 = 23;

/// Reads bodies within the limits.
pub(super) struct Bodies {
    room: Arc<Semaphore>,
    max_body_bytes: usize,
    max_decompressed_bytes: usize,
    body_idle_timeout: Duration,
    min_body_rate: usize,
}

/// A whole body, and the room it takes.
pub(super) struct WholeBody {
    bytes: Bytes,
    room: Room,
}

impl WholeBody {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Bodies {
    pub(super) fn new(settings: &Settings) -> Self {
        let bytes = settings.max_inflight_bytes.max(2 * (settings.max_body_bytes + settings.max_decompressed_bytes));
        Self {
            room: Arc::new(Semaphore::new((bytes / ROOM_BYTES).min(Semaphore::MAX_PERMITS))),
            max_body_bytes: settings.max_body_bytes,
            max_decompressed_bytes: settings.max_decompressed_bytes,
            body_idle_timeout: settings.body_idle_timeout,
            min_body_rate: settings.min_body_rate.max(1),
        }
    }

    /// Reads a body as it is sent.
    ///
    /// # Errors
    /// 400 when it breaks off, 408 when it is slow, 413 when it is long, 503 when there is no room.
    pub(super) async fn read<B>(&self, head: &Parts, encoding: Encoding, mut body: B) -> Result<WholeBody, Problem>
    where
        B: HttpBody<Data = Bytes> + Unpin,
    {
        let most = match encoding {
            Encoding::Identity => self.max_decompressed_bytes,
            Encoding::Gzip | Encoding::Zstd => self.max_body_bytes,
        };
        let mut room = Room { semaphore: Arc::clone(&self.room), held: None };
        let sent = self.receive(&head.headers, &mut body, most, &mut room).await;
        if sent.is_err() {
            throw_away(head, body).await;
        }
        Ok(WholeBody { bytes: sent?, room })
    }

    /// Decompresses it.
    ///
    /// # Errors
    /// 400 when it is broken, 413 when it is long, 503 when there is no room.
    pub(super) async fn unpack(&self, body: WholeBody, encoding: Encoding) -> Result<WholeBody, Problem> {
        let WholeBody { bytes: sent, mut room } = body;
        let bytes = match encoding {
            Encoding::Identity => sent,
            Encoding::Gzip => {
                let mut decoder = GzipDecoder::new(&sent[..]);
                decoder.multiple_members(true);
                self.decompress(decoder, sent.len(), "gzip", &mut room).await?
            }
            Encoding::Zstd => {
                let limits = [DParameter::window_log_max(ZSTD_WINDOW_LOG)];
                let mut decoder = ZstdDecoder::with_params(&sent[..], &limits);
                decoder.multiple_members(true);
                self.decompress(decoder, sent.len(), "zstd", &mut room).await?
            }
        };
        Ok(WholeBody { bytes, room })
    }

    /// The bytes as sent.
    async fn receive<B>(
        &self,
        headers: &HeaderMap,
        body: &mut B,
        most: usize,
        room: &mut Room,
    ) -> Result<Bytes, Problem>
    where
        B: HttpBody<Data = Bytes> + Unpin,
    {
        let told = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if told.is_some_and(|told| told > most) {
            return Err(too_long(most));
        }
        let start = Instant::now();
        // What was promised is only a hint: room is made as bytes arrive.
        let mut bytes = Vec::with_capacity(told.unwrap_or(0).min(TRUSTED_BYTES));
        while let Some(frame) = self.next_frame(body, start, bytes.len()).await? {
            if bytes.len() + frame.len() > most {
                return Err(too_long(most));
            }
            if bytes.is_empty() && told == Some(frame.len()) {
                room.make(frame.len()).await?;
                return Ok(frame);
            }
            room.make(bytes.len() + frame.len()).await?;
            bytes.extend_from_slice(&frame);
        }
        Ok(bytes.into())
    }

    /// The next bytes; they must come before the pause is too long and the whole too slow.
    async fn next_frame<B>(&self, body: &mut B, start: Instant, so_far: usize) -> Result<Option<Bytes>, Problem>
    where
        B: HttpBody<Data = Bytes> + Unpin,
    {
        let granted = Duration::from_secs((so_far / self.min_body_rate) as u64);
        let deadline = (start + self.body_idle_timeout + granted).min(Instant::now() + self.body_idle_timeout);
        loop {
            match tokio::time::timeout_at(deadline, body.frame()).await {
                Err(_) => return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "the body comes too slowly")),
                Ok(None) => return Ok(None),
                Ok(Some(Err(_))) => return Err(Problem::new(StatusCode::BAD_REQUEST, "the body broke off")),
                Ok(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// The bytes decompressed, which may be a thousand times as many: the limit is theirs.
    async fn decompress(
        &self,
        mut decoder: impl AsyncRead + Unpin,
        compressed: usize,
        name: &str,
        room: &mut Room,
    ) -> Result<Bytes, Problem> {
        let sent = room.bytes();
        let most = self.max_decompressed_bytes.min(compressed.saturating_mul(MAX_RATIO).max(HARMLESS_BYTES));
        let mut bytes = Vec::new();
        loop {
            bytes.reserve(STEP_BYTES);
            let end = bytes.len() + STEP_BYTES;
            let mut step = (&mut decoder).take(STEP_BYTES as u64);
            step.read_to_end(&mut bytes).await.map_err(|_| {
                Problem::new(StatusCode::BAD_REQUEST, format!("the body is not valid {name}, or it ends too early"))
            })?;
            if bytes.len() > most {
                return Err(if most < self.max_decompressed_bytes { too_dense() } else { too_long(most) });
            }
            room.make(sent + bytes.len()).await?;
            if bytes.len() < end {
                return Ok(bytes.into());
            }
            tokio::task::yield_now().await;
        }
    }
}

fn too_long(most: usize) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is longer than {most} bytes; send it in parts"))
}

fn too_dense() -> Problem {
    let detail = format!("a body of more than 1 MiB can't be compressed to less than 1/{MAX_RATIO}; send it in parts");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

/// Reads on for a while after a refusal, unless the client waits to be told to send the body.
pub(super) async fn throw_away<B: HttpBody<Data = Bytes> + Unpin>(head: &Parts, mut body: B) {
    if head.headers.contains_key(header::EXPECT) {
        return;
    }
    let read = async {
        let mut bytes = 0;
        while let Some(Ok(frame)) = body.frame().await {
            bytes += frame.data_ref().map_or(0, Bytes::len);
            if bytes > DRAINED_BYTES {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, read).await;
}

/// A request's share of the bytes that may be held at once. It grows with what was received, not
/// with what was promised, so that slow senders hold little.
struct Room {
    semaphore: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

impl Room {
    fn bytes(&self) -> usize {
        self.held.as_ref().map_or(0, |held| held.num_permits() * ROOM_BYTES)
    }

    /// Grows to `bytes` in all.
    async fn make(&mut self, bytes: usize) -> Result<(), Problem> {
        let missing = bytes.div_ceil(ROOM_BYTES).saturating_sub(self.bytes() / ROOM_BYTES);
        let Some(missing) = u32::try_from(missing).ok().filter(|missing| *missing > 0) else { return Ok(()) };
        let more = Arc::clone(&self.semaphore).acquire_many_owned(missing);
        let Ok(Ok(more)) = tokio::time::timeout(ROOM_TIMEOUT, more).await else {
            return Err(Problem::busy("too many bodies at once"));
        };
        match &mut self.held {
            Some(held) => held.merge(more),
            held => *held = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;

    #[tokio::test]
    async fn bodies_without_room_are_told_to_come_back() {
        let semaphore = Arc::new(Semaphore::new(10));
        let room = || Room { semaphore: Arc::clone(&semaphore), held: None };
        let (mut first, mut second) = (room(), room());
        first.make(8 * ROOM_BYTES).await.unwrap();
        first.make(5 * ROOM_BYTES).await.unwrap();
        assert_eq!(semaphore.available_permits(), 2, "room only grows");
        second.make(2 * ROOM_BYTES).await.unwrap();
        let since = Instant::now();
        let refused = second.make(2 * ROOM_BYTES + 1).await.unwrap_err().into_response();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(refused.headers().contains_key(header::RETRY_AFTER));
        assert!(since.elapsed() < 4 * ROOM_TIMEOUT);
        drop(first);
        second.make(10 * ROOM_BYTES).await.unwrap();
        drop(second);
        assert_eq!(semaphore.available_permits(), 10, "all is given back");
    }
}
