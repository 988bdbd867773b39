//! `token list`.

use super::super::Global;
use super::super::exit::Exit;
use super::super::exit::Failure;
use super::super::output;
use super::super::output::Format;
use super::super::table::Cell;
use super::super::table::Table;
use crate::clock::Clock;
use crate::clock::System;
use crate::engine::time::Timestamp;
use crate::server::access::Token;
use serde_json::Value;
use serde_json::json;

pub(super) fn run(tokens: &[Token], format: Format, global: &Global) -> Result<Exit, Failure> {
    let now = System.now();
    if format.json {
        let tokens: Vec<Value> = tokens.iter().map(|token| as_json(token, now)).collect();
        return output::print_json(&json!({ "tokens": tokens }));
    }
    let mut table = Table::default();
    for token in tokens {
        table.push(row(token, now).map(|(name, text)| (name.to_owned(), Cell::text(text))));
    }
    let text = if format.csv { table.csv() } else { table.render(global.color.stdout()) };
    output::print_bytes(text.as_bytes())
}

fn scopes(token: &Token) -> Vec<&'static str> {
    token.grants.iter().map(|grant| grant.word()).collect()
}

fn as_json(token: &Token, now: Timestamp) -> Value {
    json!({
        "id": &*token.id,
        "name": &*token.name,
        "scopes": scopes(token),
        "only": &*token.only,
        "created": token.created.to_string(),
        "expires": token.expires.map(|end| end.to_string()),
        "expired": token.is_expired(now),
    })
}

fn row(token: &Token, now: Timestamp) -> [(&'static str, String); 6] {
    let only = token.only.iter().flat_map(|(name, values)| values.iter().map(move |value| format!("{name}={value}")));
    let expires = match token.expires {
        Some(end) if token.is_expired(now) => format!("{end} (expired)"),
        Some(end) => end.to_string(),
        None => "never".to_owned(),
    };
    [
        ("id", token.id.to_string()),
        ("name", token.name.to_string()),
        ("scopes", scopes(token).join(" ")),
        ("only", only.collect::<Vec<_>>().join(" ")),
        ("created", token.created.to_string()),
        ("expires", expires),
    ]
}
