//! Questions: how many are answered at once, and how much of their answers may wait to be read.
//!
//! A scan over a month by three dimensions takes a processor for a while, and its answer may have
//! megabytes. So both are bounded; whoever finds no room in time is told to come back, and neither
//! threads nor memory run out.

use super::Settings;
use super::counters::Counters;
use super::counters::Refusal;
use super::error::Problem;
use super::settings::processors;
use super::threads::Threads;
use super::turns;
use super::turns::Turns;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Frame;
use hyper::body::SizeHint;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

/// How long a question waits for its turn: people wait for the answer, not programs that have more
/// to send.
const TURN_TIMEOUT: Duration = Duration::from_secs(2);
/// How long an answer waits for room.
const ROOM_TIMEOUT: Duration = Duration::from_millis(250);
/// Answers up to this long need no room: the kernel takes them at once.
const SHORT_BYTES: usize = 64 << 10;
/// Room is counted in pieces of this size.
const ROOM_BYTES: usize = 1 << 10;

/// Says who is answered next.
#[derive(Clone)]
pub struct Questions {
    threads: Arc<Threads>,
    turns: Arc<Semaphore>,
    room: Arc<Semaphore>,
    pieces: u32,
    counting: Arc<Turns>,
    counters: Arc<Counters>,
}

/// A question's turn; over when it is dropped.
struct Turn(#[expect(dead_code, reason = "it is dropped")] OwnedSemaphorePermit);

impl Questions {
    pub(super) fn new(settings: &Settings, counters: &Arc<Counters>) -> Self {
        let pieces = u32::try_from((settings.max_unread_bytes / ROOM_BYTES).clamp(1, Semaphore::MAX_PERMITS));
        let pieces = pieces.unwrap_or(u32::MAX);
        Self {
            threads: Arc::new(Threads::new("question", settings.max_questions.max(1))),
            turns: Arc::new(Semaphore::new(settings.max_questions.clamp(1, Semaphore::MAX_PERMITS))),
            room: Arc::new(Semaphore::new(pieces as usize)),
            pieces,
            counting: Turns::new(turns::most(), processors()),
            counters: Arc::clone(counters),
        }
    }

    /// Answers a question once it is its turn. A question whose client has gone meanwhile is
    /// answered to its end all the same, and its turn lasts as long.
    ///
    /// # Errors
    /// The answer's own; 503 where others take too long, or their answers wait to be read.
    pub(super) async fn answer(
        &self,
        question: impl FnOnce() -> Result<Response, Problem> + Send + 'static,
    ) -> Result<Response, Problem> {
        let turn = self.turn().await?;
        let counting = self.counting();
        let answer = move || {
            let _asked = counting.ask();
            question()
        };
        match self.threads.run(move || (answer(), turn)).await {
            Some((answer, turn)) => self.ship(answer?, turn).await,
            None => Err(self.refuse("there are no threads to answer questions")),
        }
    }

    /// The turns of counting, which are fewer while questions are answered.
    pub(super) fn counting(&self) -> Arc<Turns> {
        Arc::clone(&self.counting)
    }

    /// Waits a little for a turn.
    ///
    /// # Errors
    /// 503 where others take too long.
    async fn turn(&self) -> Result<Turn, Problem> {
        let turn = tokio::time::timeout(TURN_TIMEOUT, Arc::clone(&self.turns).acquire_owned()).await;
        match turn {
            Ok(Ok(turn)) => Ok(Turn(turn)),
            _ => Err(self.refuse("too many questions at once")),
        }
    }

    /// An answer that holds room until it is read. Its question's turn lasts until it has some.
    ///
    /// # Errors
    /// 503 where too many long answers wait to be read.
    async fn ship(&self, answer: Response, turn: Turn) -> Result<Response, Problem> {
        let (head, body) = answer.into_parts();
        let length = hyper::body::Body::size_hint(&body).exact().and_then(|bytes| usize::try_from(bytes).ok());
        let Some(length) = length.filter(|length| *length > SHORT_BYTES) else {
            return Ok(Response::from_parts(head, body));
        };
        // One that is longer than all the room there is takes it all.
        let pieces = u32::try_from(length.div_ceil(ROOM_BYTES)).map_or(self.pieces, |pieces| pieces.min(self.pieces));
        let room = tokio::time::timeout(ROOM_TIMEOUT, Arc::clone(&self.room).acquire_many_owned(pieces)).await;
        let Ok(Ok(room)) = room else {
            return Err(self.refuse("too many long answers wait to be read"));
        };
        drop(turn);
        let Ok(whole) = body.collect().await else { return Err(self.refuse("the answer broke off")) };
        Ok(Response::from_parts(head, Body::new(Shipped { rest: whole.to_bytes(), _room: room })))
    }

    fn refuse(&self, detail: &str) -> Problem {
        self.counters.refuse(Refusal::Overload);
        Problem::busy(detail)
    }
}

/// A long answer, in pieces: what is not sent yet is still here, and so is its room.
struct Shipped {
    rest: Bytes,
    _room: OwnedSemaphorePermit,
}

impl hyper::body::Body for Shipped {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let length = self.rest.len().min(SHORT_BYTES);
        let piece = (length > 0).then(|| self.rest.split_to(length));
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn questions(settings: &Settings) -> Questions {
        Questions::new(settings, &Arc::default())
    }

    #[tokio::test]
    async fn a_question_waits_for_its_turn_and_not_for_ever() {
        let questions = questions(&Settings { max_questions: 1, ..Settings::default() });
        let first = questions.turn().await.ok().unwrap();
        let (second, ()) = tokio::join!(questions.turn(), async { drop(first) });
        let _second = second.ok().unwrap();
        assert!(questions.turn().await.is_err());
        assert_eq!(questions.counters.refused(Refusal::Overload), 1);
    }

    #[tokio::test]
    async fn a_long_answer_holds_room_until_its_last_piece_is_taken() {
        let questions = questions(&Settings { max_unread_bytes: 300 << 10, ..Settings::default() });
        let answer = |bytes: usize| Response::new(Body::from(vec![7_u8; bytes]));
        let turn = async || questions.turn().await.ok().unwrap();
        let long = questions.ship(answer(200 << 10), turn().await).await.ok().unwrap();
        assert_eq!(questions.room.available_permits(), 100);
        assert!(questions.ship(answer(200 << 10), turn().await).await.is_err(), "no room for a second");
        assert!(questions.ship(answer(60 << 10), turn().await).await.is_ok(), "a short one needs none");
        let mut body = long.into_body();
        let mut pieces = Vec::new();
        while pieces.len() < 4 {
            assert_eq!(questions.room.available_permits(), 100);
            pieces.push(body.frame().await.unwrap().unwrap().into_data().unwrap().len());
        }
        assert_eq!(pieces, [64 << 10, 64 << 10, 64 << 10, 8 << 10]);
        drop(body);
        assert_eq!(questions.room.available_permits(), 300);
    }
}
