//! The list of routes: no handler is reached without an entry here that says who may reach it.

use super::App;
use super::access::Guard;
use super::access::Scope;
use super::layers::Guarding;
use axum::Router;
use axum::routing::MethodRouter;
use std::sync::Arc;

/// One entry of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// As the router matches it, with `{names}` for what varies.
    pub path: &'static str,
    /// What it asks of its caller.
    pub scope: Scope,
}

/// Routes being listed.
pub(super) struct Routes {
    guard: Arc<Guard>,
    router: Router<Arc<App>>,
    listed: Vec<Route>,
}

impl Routes {
    pub(super) fn new(guard: Arc<Guard>) -> Self {
        Self { guard, router: Router::new(), listed: Vec::new() }
    }

    /// One that answers GET, and so HEAD.
    pub(super) fn get(self, path: &'static str, scope: Scope, handler: MethodRouter<Arc<App>>) -> Self {
        self.route(Route { method: "GET", path, scope }, handler)
    }

    /// One that answers POST.
    pub(super) fn post(self, path: &'static str, scope: Scope, handler: MethodRouter<Arc<App>>) -> Self {
        self.route(Route { method: "POST", path, scope }, handler)
    }

    fn route(mut self, route: Route, handler: MethodRouter<Arc<App>>) -> Self {
        let guarding = Guarding { guard: Arc::clone(&self.guard), scope: route.scope };
        self.router = self.router.route(route.path, handler.layer(guarding));
        self.listed.push(route);
        self
    }

    pub(super) fn listed(&self) -> &[Route] {
        &self.listed
    }

    pub(super) fn into_router(self) -> Router<Arc<App>> {
        self.router
    }
}
