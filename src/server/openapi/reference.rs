//! `GET /reference`: a page that tells the document to people, and asks the server on their behalf.

use crate::server::access::Scope;
use crate::server::dashboard::Asset;
use crate::server::dashboard::nothing;
use crate::server::routes::Routes;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::response::Response;
use axum::routing::get;
use std::sync::LazyLock;

const PAGE: &str = "index.html";

macro_rules! assets {
    ($($path:literal)*) => {
        &[$(Asset { path: $path, bytes: include_bytes!(concat!("reference/", $path)) }),*]
    };
}

/// The files of the page. A test compares the list with the folder.
const ASSETS: &[Asset] = assets! {
    "ask.js"
    "dom.js"
    "index.html"
    "operation.js"
    "prose.js"
    "reference.css"
    "reference.js"
    "schema.js"
};

/// The tag of each, in the order of [`ASSETS`].
static TAGS: LazyLock<Vec<HeaderValue>> = LazyLock::new(|| ASSETS.iter().map(Asset::tag).collect());

pub(super) fn routes(routes: Routes) -> Routes {
    let page = get(async |headers: HeaderMap| answer(PAGE, &headers));
    routes.get("/reference", Scope::Open, page).get("/reference/{file}", Scope::Open, get(file))
}

async fn file(file: Result<Path<String>, PathRejection>, headers: HeaderMap) -> Response {
    file.map_or_else(|_| nothing(), |Path(file)| answer(&file, &headers))
}

fn answer(path: &str, asked: &HeaderMap) -> Response {
    let place = ASSETS.iter().position(|asset| asset.path == path);
    place.map_or_else(nothing, |place| ASSETS[place].answer(&TAGS[place], asked))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;

    #[test]
    fn the_list_is_the_folder() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/server/openapi/reference");
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let listed: BTreeSet<String> = ASSETS.iter().map(|asset| asset.path.to_owned()).collect();
        assert_eq!(listed, names.collect(), "the list on the left, the folder on the right");
    }
}
