//! One connection: its requests, one after the other, and how it ends.

use super::paced::Pace;
use super::paced::Paced;
use super::peer::Peer;
use super::places::Answered;
use super::places::Place;
use super::places::Seat;
use super::tls::Tls;
use crate::server::Settings;
use crate::server::direct::Reply;
use crate::server::startup::Gate;
use hyper::Request;
use hyper::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// The longest head of a request.
const MAX_HEAD_BYTES: usize = 64 << 10;
/// How long a client that is turned away has to read why.
const FAREWELL: Duration = Duration::from_secs(1);
/// What it reads.
const TURNED_AWAY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n\
    content-type: application/problem+json\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n\
    content-length: 98\r\n\r\n\
    {\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,\"detail\":\"too many connections\"}\n";

/// What a connection needs to know.
#[derive(Clone)]
pub(super) struct Connection {
    gate: Gate,
    stop: CancellationToken,
    header_timeout: Duration,
    pace: Pace,
}

impl Connection {
    pub(super) fn new(gate: Gate, stop: CancellationToken, settings: &Settings) -> Self {
        let pace = Pace { timeout: settings.write_timeout, rate: settings.min_body_rate.max(1) };
        Self { gate, stop, header_timeout: settings.header_timeout, pace }
    }

    /// A handshake holds its place as a request does, and has the time of a request's head.
    pub(super) async fn serve_encrypted(self, stream: TcpStream, peer: Peer, tls: &Tls, place: &Place) {
        let stop = self.stop.clone();
        match stop.run_until_cancelled(tls.accept(stream, self.header_timeout)).await {
            Some(Ok(stream)) => self.serve(stream, peer, place).await,
            Some(Err(error)) => tracing::debug!(%error, "a handshake failed"),
            None => {}
        }
    }

    /// Answers requests until the client goes, is too slow, or the server stops.
    pub(super) async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin, peer: Peer, place: &Place) {
        let door = Arc::new(Door { gate: self.gate, peer: peer.clone(), seat: Arc::clone(&place.seat) });
        let service = service_fn(move |request| {
            let door = Arc::clone(&door);
            async move { Ok::<_, Infallible>(door.answer(request).await) }
        });
        let stream = Paced::new(stream, self.pace, Arc::clone(&place.seat));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_timeout)
            .max_buf_size(MAX_HEAD_BYTES)
            .max_header_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = &mut connection => ended,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection => ended,
                    () = peer.hangs() => Ok(()),
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

/// Where the requests of one connection come in.
struct Door {
    gate: Gate,
    peer: Peer,
    seat: Arc<Seat>,
}

impl Door {
    async fn answer(&self, request: Request<Incoming>) -> Response<Answered> {
        let mut request = request.map(|body| self.seat.receive(body));
        let response = match self.gate.direct(&request) {
            Some((direct, format)) => direct.answer(format, request).await,
            None => {
                request.extensions_mut().insert(self.peer.clone());
                self.gate.route(request).await.map(Reply::Long)
            }
        };
        response.map(|reply| self.seat.answer(reply))
    }
}

/// Tells a client that there is no place for it. What it sends is thrown away for a moment: closing
/// at once would take the answer from it.
pub(super) async fn turn_away(mut stream: TcpStream) {
    let farewell = async {
        stream.write_all(TURNED_AWAY).await?;
        stream.shutdown().await?;
        let mut rest = [0; 4 << 10];
        while stream.read(&mut rest).await? > 0 {}
        std::io::Result::Ok(())
    };
    let _ = tokio::time::timeout(FAREWELL, farewell).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_has_the_length_it_says() {
        let text = str::from_utf8(TURNED_AWAY).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())), "{}", body.len());
        assert_eq!(serde_json::from_str::<serde_json::Value>(body).unwrap()["status"], 503);
    }
}
