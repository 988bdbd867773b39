//! The dashboard: files that are part of the program, so that it works without a network and fits
//! the server it is asked from.
//!
//! ```text
//! /                the page                  assets/index.html
//! /assets/{path}   what the page asks for    assets/{path}
//! ```
//!
//! The files hold no figures: the page asks the API for them with the token of whoever looks at it.
//! So they are open to all, and they are served while the store is still being opened too.

mod list;

use super::access::Scope;
use super::error::Problem;
use super::routes::Routes;
use axum::Router;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::get;
use list::ASSETS;
use std::sync::LazyLock;

const PAGE: &str = "index.html";

/// What a page of this server may do: load scripts and styles of this server, ask it, draw. Values
/// from calls are hostile; should one ever become markup, it still runs nothing.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The headers of every page, and of what pages are made of.
pub(super) const PAGE_HEADERS: [(HeaderName, &str); 3] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// One file of a page.
pub(super) struct Asset {
    /// Its path below its folder.
    pub(super) path: &'static str,
    pub(super) bytes: &'static [u8],
}

/// The strong tag of each file, in the order of [`ASSETS`].
static TAGS: LazyLock<Vec<HeaderValue>> = LazyLock::new(|| ASSETS.iter().map(Asset::tag).collect());

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get("/", Scope::Open, get(page)).get("/assets/{*path}", Scope::Open, get(asset))
}

/// The same for a server that has no [`App`](super::App) yet.
pub(super) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/", get(page)).route("/assets/{*path}", get(asset))
}

async fn page(headers: HeaderMap) -> Response {
    answer(PAGE, &headers)
}

async fn asset(path: Result<Path<String>, PathRejection>, headers: HeaderMap) -> Response {
    // A path that is not UTF-8 is none of ours.
    path.map_or_else(|_| nothing(), |Path(path)| answer(&path, &headers))
}

fn answer(path: &str, asked: &HeaderMap) -> Response {
    let Some(place) = ASSETS.iter().position(|asset| asset.path == path) else { return nothing() };
    ASSETS[place].answer(&TAGS[place], asked)
}

pub(super) fn nothing() -> Response {
    Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path").into_response()
}

/// Whether who asks has this already: `if-none-match` is a list, and compares weakly.
pub(super) fn has(asked: &HeaderMap, tag: &HeaderValue) -> bool {
    let lists = asked.get_all(header::IF_NONE_MATCH).iter().map(HeaderValue::as_bytes);
    lists
        .flat_map(|list| list.split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .any(|known| known == b"*" || known.strip_prefix(b"W/").unwrap_or(known) == tag.as_bytes())
}

/// The strong tag of some bytes.
pub(super) fn tag_of(bytes: &[u8]) -> HeaderValue {
    let hash = blake3::hash(bytes).to_hex();
    HeaderValue::try_from(format!("\"{}\"", &hash[..16])).expect("hexadecimal digits are visible")
}

impl Asset {
    pub(super) fn tag(&self) -> HeaderValue {
        tag_of(self.bytes)
    }

    /// The file, or nothing for who has it already.
    pub(super) fn answer(&self, tag: &HeaderValue, asked: &HeaderMap) -> Response {
        let mut response =
            if has(asked, tag) { StatusCode::NOT_MODIFIED.into_response() } else { self.bytes.into_response() };
        let headers = response.headers_mut();
        headers.extend(PAGE_HEADERS.map(|(name, value)| (name, HeaderValue::from_static(value))));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type()));
        headers.insert(header::ETAG, tag.clone());
        // Asked for each time, and mostly answered with 304: after an upgrade no page is a mixture.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }

    fn content_type(&self) -> &'static str {
        match self.path.rsplit_once('.').map(|(_, extension)| extension) {
            Some("html") => "text/html; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("json") => "application/json",
            Some("png") => "image/png",
            _ => "application/octet-stream",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;
    use std::path::PathBuf;

    fn files(folder: &Path) -> Vec<PathBuf> {
        let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
    }

    #[test]
    fn the_list_is_the_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server/dashboard/assets");
        let there: BTreeSet<_> = files(&folder)
            .iter()
            .map(|file| file.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned())
            .collect();
        let listed: BTreeSet<_> = ASSETS.iter().map(|asset| asset.path.to_owned()).collect();
        assert_eq!(listed, there, "list.rs on the left, the folder on the right");
        assert_eq!(listed.len(), ASSETS.len(), "none is listed twice");
    }

    #[test]
    fn every_file_has_a_type_and_a_tag_of_its_own() {
        for asset in ASSETS {
            assert_ne!(asset.content_type(), "application/octet-stream", "{}", asset.path);
        }
        assert_eq!(TAGS.iter().map(HeaderValue::as_bytes).collect::<BTreeSet<_>>().len(), ASSETS.len());
    }

    #[test]
    fn a_tag_is_recognised_in_a_list() {
        let tag = HeaderValue::from_static("\"a1\"");
        let known = |list: &str| has(&HeaderMap::from_iter([(header::IF_NONE_MATCH, list.parse().unwrap())]), &tag);
        for list in ["\"a1\"", "W/\"a1\"", "*", "\"b\", \"a1\"", "\"b\" ,W/\"a1\" , \"c\""] {
            assert!(known(list), "{list}");
        }
        for list in ["", "a1", "\"a\"", "\"a1", "\"a1\"x", "w/\"a1\""] {
            assert!(!known(list), "{list}");
        }
        assert!(!has(&HeaderMap::new(), &tag));
    }
}
