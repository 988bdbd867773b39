//! What stands around every answer, by hand: a layer of closures would box each request and each
//! answer twice over.
//!
//! ```text
//! compression ─ edge: is this server meant? panics, headers ─ a route ─ its guard ─ handler
//! ```

use super::access::Guard;
use super::access::Scope;
use super::error::Problem;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use tower::Layer;
use tower::Service;

type Answer = Result<Response, Infallible>;

/// An answer, or the future of one.
pub(super) enum Answering<F> {
    /// Refused before the handler saw it.
    Known(Option<Response>),
    Coming(F),
}

impl<F> Answering<F> {
    fn refused(problem: Problem) -> Self {
        Self::Known(Some(problem.into_response()))
    }
}

impl<F: Future<Output = Answer> + Unpin> Future for Answering<F> {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        match &mut *self {
            Self::Known(response) => Poll::Ready(Ok(response.take().expect("polled once"))),
            Self::Coming(future) => Pin::new(future).poll(context),
        }
    }
}

/// Before one route: whether it is for who asks. The handler finds its
/// [`Caller`](super::access::Caller) in the extensions.
#[derive(Clone)]
pub(super) struct Guarding {
    pub(super) guard: Arc<Guard>,
    pub(super) scope: Scope,
}

impl<S> Layer<S> for Guarding {
    type Service = Guarded<S>;

    fn layer(&self, route: S) -> Guarded<S> {
        Guarded { by: self.clone(), route }
    }
}

/// A route behind its guard.
#[derive(Clone)]
pub(super) struct Guarded<S> {
    by: Guarding,
    route: S,
}

impl<S: Service<Request, Response = Response, Error = Infallible>> Service<Request> for Guarded<S>
where
    S::Future: Unpin,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answering<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.route.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        match self.by.guard.admit(self.by.scope, &request) {
            Ok(caller) => {
                request.extensions_mut().insert(caller);
                Answering::Coming(self.route.call(request))
            }
            Err(problem) => Answering::refused(problem),
        }
    }
}

/// Around all routes: refuses what is meant for another server, where there is a guard; turns a
/// panic into an answer; adds the headers that every answer has.
#[derive(Clone)]
pub(super) struct Edge {
    pub(super) guard: Option<Arc<Guard>>,
}

impl<S> Layer<S> for Edge {
    type Service = Edged<S>;

    fn layer(&self, routes: S) -> Edged<S> {
        Edged { edge: self.clone(), routes }
    }
}

/// Routes within the edge.
#[derive(Clone)]
pub(super) struct Edged<S> {
    edge: Edge,
    routes: S,
}

impl<S: Service<Request, Response = Response, Error = Infallible>> Service<Request> for Edged<S>
where
    S::Future: Unpin,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Finishing<Answering<S::Future>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.routes.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let refused = self.edge.guard.as_ref().and_then(|guard| guard.check_host(&request).err());
        Finishing(match refused {
            Some(problem) => Answering::refused(problem),
            None => match catch_unwind(AssertUnwindSafe(|| self.routes.call(request))) {
                Ok(future) => Answering::Coming(future),
                Err(_) => Answering::Known(Some(panicked())),
            },
        })
    }
}

/// An answer that gets its headers, or a panic that becomes one.
pub(super) struct Finishing<F>(pub(super) F);

impl<F: Future<Output = Answer> + Unpin> Future for Finishing<F> {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.0).poll(context)));
        let mut response = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(Ok(response))) => response,
            Err(_) => panicked(),
        };
        finish(response.headers_mut());
        Poll::Ready(Ok(response))
    }
}

/// The headers that every answer has, unless its handler set them.
pub(super) fn finish(headers: &mut HeaderMap) {
    for (name, value) in [(header::CACHE_CONTROL, "no-store"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// A panic is a bug in this program. Its text stays out of the answer: it may quote data.
pub(super) fn panicked() -> Response {
    tracing::error!("a handler panicked");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "a bug in the server; the request was not completed")
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use tower::ServiceExt;

    async fn ask(path: &str) -> Response {
        let quiet = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let broken = get(async || -> &'static str { panic!("sk-secret") });
        let own = get(async || ([(header::CACHE_CONTROL, "no-cache")], "own"));
        let routes = Router::new().route("/broken", broken).route("/own", own).layer(Edge { guard: None });
        let answer = routes.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        std::panic::set_hook(quiet);
        answer
    }

    #[tokio::test]
    async fn a_panic_is_answered_without_its_text() {
        let answer = ask("/broken").await;
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
        let body = axum::body::to_bytes(answer.into_body(), 4_096).await.unwrap();
        assert!(!String::from_utf8_lossy(&body).contains("secret"));
    }

    #[tokio::test]
    async fn a_header_of_the_handler_stays() {
        let answer = ask("/own").await;
        assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-cache");
        assert_eq!(answer.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(answer.headers().get_all(header::CACHE_CONTROL).iter().count(), 1);
    }
}
