//! The files of the dashboard over HTTP: their types, tags and policy. What they do in a browser is
//! asked in `tests/browser/`.

use crate::site::NOON;
use crate::site::Site;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

#[test]
fn the_page_and_its_parts_come_with_their_policy() {
    let site = Site::at(NOON);
    let page = site.get("/");
    assert!(page.body.starts_with("<!doctype html>"), "{}", page.body);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let parts = page.body.split("\"/assets/").skip(1).map(|rest| rest.split('"').next().unwrap());
    let paths = parts.map(|part| format!("/assets/{part}")).chain(["/".to_owned(), "/assets/index.html".to_owned()]);
    for path in paths {
        let reply = site.get(&path);
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.header("content-security-policy"), Some(POLICY), "{path}");
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(reply.header("cache-control"), Some("no-cache"), "{path}");
    }
}

#[test]
fn what_is_known_is_not_sent_again() {
    let site = Site::at(NOON);
    let page = site.get("/");
    let tag = page.header("etag").unwrap();
    assert!(tag.starts_with('"') && tag.len() > 10, "a strong tag: {tag}");
    let again = site.get_with("/", &format!("if-none-match: \"other\", {tag}\r\n"));
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    assert_eq!((again.header("etag"), again.header("cache-control")), (Some(tag), Some("no-cache")));
    assert_eq!(again.header("content-security-policy"), Some(POLICY));
    let other = site.get_with("/", "if-none-match: \"other\"\r\n");
    assert_eq!((other.status, other.body), (200, page.body.clone()));
    let packed = site.get_with("/", "accept-encoding: gzip\r\n");
    assert_eq!((packed.header("content-encoding"), &packed.body), (None, &page.body), "the tag names these bytes");
}

#[test]
fn nothing_else_is_there() {
    let site = Site::at(NOON);
    for path in [
        "/assets/",
        "/assets/nothing.js",
        "/assets/../Cargo.toml",
        "/assets/%2e%2e/mod.rs",
        "/assets/..%2fmod.rs",
        "/assets//index.html",
        "/assets/%ff",
        "/assets/index.html%00",
        "/assets/INDEX.HTML",
        "/index.html",
    ] {
        let reply = site.get(path);
        assert_eq!((reply.status, reply.header("content-type")), (404, Some("application/problem+json")), "{path}");
    }
}
