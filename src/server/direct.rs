//! Events straight from a connection: by the same guard, the same handler and with the same headers
//! as through the router, without what a router costs. A request with one event is worth little
//! more than its way there.
//!
//! Receipts that come this way are never compressed: they are short.

use super::access::Guard;
use super::access::Scope;
use super::error::Problem;
use super::formats::Format;
use super::ingest::Ingest;
use super::ingest::ROUTES;
use super::layers::finish;
use super::layers::panicked;
use axum::body::Body;
use axum::http::Method;
use axum::http::Request;
use axum::http::Response;
use axum::response::IntoResponse;
use bytes::Bytes;
use hyper::body::Body as HttpBody;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

/// The routes that take events.
#[derive(Clone)]
pub(super) struct Direct {
    pub(super) guard: Arc<Guard>,
    pub(super) ingest: Arc<Ingest>,
}

/// The body of an answer.
pub(super) enum Reply {
    /// All of it; none once it is sent.
    Short(Option<Bytes>),
    Long(Body),
}

impl Direct {
    /// The format of the events that a request brings, if it is one of these routes'. Any other
    /// spelling of the path is left to the router.
    pub(super) fn format<B>(request: &Request<B>) -> Option<Format> {
        let path = request.uri().path();
        let route = ROUTES.iter().find(|(known, _)| *known == path)?;
        (request.method() == Method::POST).then_some(route.1)
    }

    pub(super) async fn answer<B>(&self, format: Format, request: Request<B>) -> Response<Reply>
    where
        B: HttpBody<Data = Bytes> + Unpin,
    {
        let mut answer = pin!(self.take(format, request));
        let caught = poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context))) {
            Ok(polled) => polled.map(Some),
            Err(_) => Poll::Ready(None),
        });
        let mut response = match caught.await {
            Some(Ok(receipt)) => receipt.map(|body| Reply::Short(Some(body))),
            Some(Err(problem)) => problem.into_response().map(Reply::Long),
            None => panicked().map(Reply::Long),
        };
        finish(response.headers_mut());
        response
    }

    async fn take<B>(&self, format: Format, request: Request<B>) -> Result<Response<Bytes>, Problem>
    where
        B: HttpBody<Data = Bytes> + Unpin,
    {
        self.guard.check_host(&request)?;
        let caller = self.guard.admit(Scope::Ingest, &request)?;
        self.ingest.take(format, &caller, request).await
    }
}
