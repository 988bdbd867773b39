//! Snapshots: `…/v1/snapshots`, and `?snapshot=` on `/v1/usage`.
//!
//! An id is the name of a file without its folder and its end. It is held against the pattern of
//! such names and then looked up in the list of what is there: no path is ever made of what a
//! client sends.

use super::Answer;
use super::Ask;
use super::answer;
use super::answer_post;
use super::json;
use crate::server::access::Scope;
use crate::server::error::Problem;
use crate::server::routes::Routes;
use crate::server::wire::snapshot::SnapshotJson;
use crate::store::SnapshotFailed;
use crate::store::SnapshotInfo;
use axum::extract::Query;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header;
use serde::Serialize;

/// The parameter that asks a snapshot instead of the present.
pub(super) const PARAMETER: &str = "snapshot";

const ROUTE: &str = "/v1/snapshots";
const DIGITS: usize = 20;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get(ROUTE, Scope::ReadAll, answer(list))
        .post(ROUTE, Scope::Admin, answer_post(take))
        .get("/v1/snapshots/{id}", Scope::ReadAll, answer(show))
        .post("/v1/snapshots/{id}/verify", Scope::Admin, answer_post(verify))
}

#[derive(Serialize)]
struct ListJson {
    snapshots: Vec<SnapshotJson>,
}

#[derive(Serialize)]
struct VerifiedJson<'a> {
    id: &'a str,
    valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<SnapshotJson>,
}

/// Those that are there, newest first.
fn list(ask: &Ask) -> Answer {
    ask.params(&[])?;
    let snapshots = ask.app.store.snapshots().map_err(failed)?;
    json(&ListJson { snapshots: snapshots.iter().map(SnapshotJson::from).collect() })
}

/// Takes one. Where nothing came since the last, that one is answered, with 200.
fn take(ask: &Ask) -> Answer {
    let full = ask.params(&["full"])?.flag("full")?;
    let taken = ask.app.store.snapshot(full, ask.now).map_err(failed)?;
    let mut response = json(&SnapshotJson::from(&taken))?;
    if taken.taken >= ask.now {
        *response.status_mut() = StatusCode::CREATED;
    }
    if let Ok(location) = HeaderValue::try_from(format!("{ROUTE}/{}", taken.name)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

fn show(ask: &Ask) -> Answer {
    ask.params(&[])?;
    json(&SnapshotJson::from(&find(ask, ask.path()?)?))
}

/// Reads one whole and checks all of it. That it is damaged is an answer, not an error.
fn verify(ask: &Ask) -> Answer {
    ask.params(&[])?;
    let (id, _) = known(ask.path()?)?;
    let (valid, detail, snapshot) = match ask.app.store.verify_snapshot(id) {
        Ok(found) => (true, None, Some(SnapshotJson::from(&found))),
        Err(SnapshotFailed::Snapshot(fault)) => (false, Some(fault.to_string()), None),
        Err(fault) => return Err(failed(fault)),
    };
    json(&VerifiedJson { id, valid, detail, snapshot })
}

/// The question put to the snapshot that it names, as of its instant, and the position it covers.
pub(super) fn asked_for(ask: &Ask) -> Result<Option<(Ask, u64)>, Problem> {
    // A query string that can't be read is refused when all of it is.
    let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(&ask.uri) else { return Ok(None) };
    let Some((_, id)) = pairs.into_iter().find(|(name, _)| name == PARAMETER) else { return Ok(None) };
    let (id, position) = known(&id)?;
    let (engine, now) = ask.app.store.frozen(id).map_err(failed)?;
    Ok(Some((ask.of(engine, now), position)))
}

fn find(ask: &Ask, id: &str) -> Result<SnapshotInfo, Problem> {
    let (id, _) = known(id)?;
    let snapshots = ask.app.store.snapshots().map_err(failed)?;
    snapshots.into_iter().find(|snapshot| snapshot.name == id).ok_or_else(unknown)
}

/// An id that can be one, and the position it tells: frames and events in twenty digits each.
fn known(id: &str) -> Result<(&str, u64), Problem> {
    let number = |text: &str| {
        let plain = text.len() == DIGITS && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|_: &u64| plain)
    };
    let numbers = id.split_once('-').and_then(|(frames, events)| Some((number(frames)?, number(events)?)));
    numbers.map(|(_, events)| (id, events)).ok_or_else(unknown)
}

fn unknown() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is no such snapshot; GET /v1/snapshots lists those there are")
}

fn failed(failed: SnapshotFailed) -> Problem {
    match failed {
        SnapshotFailed::Unknown => unknown(),
        SnapshotFailed::InMemory => {
            Problem::new(StatusCode::CONFLICT, "this server keeps everything in memory: it has no snapshots")
        }
        SnapshotFailed::Refused(refused) => refused.into(),
        fault @ (SnapshotFailed::Snapshot(_) | SnapshotFailed::Journal(_)) => {
            tracing::error!("a snapshot failed: {fault}");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("the snapshot failed: {fault}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_snapshots_are_looked_for() {
        let good = "00000000000000000007-00000000000000000042";
        assert_eq!(known(good).ok(), Some((good, 42)));
        let bad = [
            "",
            "-",
            "../../etc/passwd",
            "00000000000000000007-0000000000000000004",
            "00000000000000000007-000000000000000000421",
            "00000000000000000007-0000000000000000004x",
            "00000000000000000007-00000000000000000042.snap",
            "+0000000000000000007-00000000000000000042",
            "99999999999999999999-00000000000000000042",
            "٠٠٠٠٠٠٠٠٠٠-00000000000000000042",
        ];
        for id in bad {
            assert!(known(id).is_err(), "{id}");
        }
    }
}
