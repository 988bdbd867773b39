//! Where snapshots are asked for: a server's API, or a data folder, with the same answers.

use crate::cli::client::Client;
use crate::cli::client::Server;
use crate::cli::exit::Failure;
use crate::clock::Manual;
use crate::engine::time::Zone;
use crate::privacy::Keyring;
use crate::server::App;
use crate::server::router;
use crate::store::Archive;
use crate::store::SnapshotFailed;
use crate::store::SnapshotInfo;
use crate::store::Store;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use serde_json::Value;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Runtime;
use tower::ServiceExt;

const JSON: &str = "application/json";

/// Answers in the JSON of the API.
pub(super) enum Source {
    Server(Client),
    Folder { archive: Archive, runtime: Runtime },
}

impl Source {
    pub(super) fn open(folder: Option<&Path>, server: &Server) -> Result<Self, Failure> {
        let Some(folder) = folder else { return Ok(Self::Server(Client::new(server)?)) };
        let archive = Archive::open(folder).map_err(|fault| Failure::unreachable(fault.to_string()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|fault| Failure::file("runtime", &fault))?;
        Ok(Self::Folder { archive, runtime })
    }

    pub(super) fn create(&self, full: bool) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Server(client) => client.post("/v1/snapshots", &[("full", full.to_string())]),
            Self::Folder { .. } => Err(Failure::usage(
                "only a running server takes snapshots: leave --data-dir out, and name it with --url",
            )),
        }
    }

    /// `{"snapshots":[…]}`, newest first.
    pub(super) fn list(&self) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Server(client) => client.get("/v1/snapshots", &[], JSON),
            Self::Folder { archive, .. } => {
                let found: Vec<Value> = archive.snapshots().map_err(failed)?.iter().map(info).collect();
                Ok(json!({ "snapshots": found }).to_string().into_bytes())
            }
        }
    }

    pub(super) fn show(&self, id: &str) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Server(client) => client.get(&format!("/v1/snapshots/{}", checked(id)?), &[], JSON),
            Self::Folder { archive, .. } => {
                let found = archive.snapshots().map_err(failed)?.into_iter().find(|found| found.name == id);
                Ok(info(&found.ok_or_else(unknown)?).to_string().into_bytes())
            }
        }
    }

    /// `{"id","valid","detail"?,"snapshot"?}`.
    pub(super) fn verify(&self, id: &str) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Server(client) => client.post(&format!("/v1/snapshots/{}/verify", checked(id)?), &[]),
            Self::Folder { archive, .. } => {
                let answer = match archive.verify(id) {
                    Ok(found) => json!({ "id": id, "valid": true, "snapshot": info(&found) }),
                    Err(SnapshotFailed::Snapshot(fault)) => {
                        json!({ "id": id, "valid": false, "detail": fault.to_string() })
                    }
                    Err(fault) => return Err(failed(fault)),
                };
                Ok(answer.to_string().into_bytes())
            }
        }
    }

    /// Somebody who answers `/v1/usage` and `/v1/dimensions` as of a snapshot.
    pub(super) fn past<'s>(&'s self, id: &'s str) -> Result<Past<'s>, Failure> {
        match self {
            Self::Server(client) => Ok(Past::Server { client, id: checked(id)? }),
            Self::Folder { archive, runtime } => {
                let (engine, at) = archive.frozen(id).map_err(failed)?;
                let clock = Arc::new(Manual::at(at));
                let app = App::new(Store::in_memory(engine), Arc::new(Keyring::plain()), clock);
                Ok(Past::Folder { router: router(app), runtime })
            }
        }
    }
}

/// One snapshot, to ask.
pub(super) enum Past<'s> {
    Server { client: &'s Client, id: &'s str },
    Folder { router: axum::Router, runtime: &'s Runtime },
}

impl Past<'_> {
    pub(super) fn dimensions(&self) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Server { client, .. } => client.get("/v1/dimensions", &[], JSON),
            Self::Folder { router, runtime } => asked(runtime, router, "/v1/dimensions"),
        }
    }

    pub(super) fn usage(&self, parameters: &[(&str, String)]) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Server { client, id } => {
                let mut parameters = parameters.to_vec();
                parameters.push(("snapshot", (*id).to_owned()));
                client.get("/v1/usage", &parameters, JSON)
            }
            Self::Folder { router, runtime } => {
                // What stands in these parameters are names, numbers and cursors: nothing to escape.
                let pairs: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
                asked(runtime, router, &format!("/v1/usage?{}", pairs.join("&")))
            }
        }
    }
}

/// Asks the server's own code, without a server.
fn asked(runtime: &Runtime, router: &axum::Router, target: &str) -> Result<Vec<u8>, Failure> {
    let request = Request::get(target).body(Body::empty()).map_err(|fault| Failure::usage(fault.to_string()))?;
    let answer = runtime.block_on(async {
        let answer = router.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        let status = answer.status();
        answer.into_body().collect().await.map(|body| (status, body.to_bytes().to_vec()))
    });
    match answer {
        Ok((status, body)) if status.is_success() => Ok(body),
        Ok((_, body)) => Err(Failure::usage(String::from_utf8_lossy(&body).into_owned())),
        Err(fault) => Err(Failure::usage(fault.to_string())),
    }
}

/// What of an id goes into a path.
fn checked(id: &str) -> Result<&str, Failure> {
    let plain = !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if plain { Ok(id) } else { Err(unknown()) }
}

fn unknown() -> Failure {
    Failure::usage("there is no such snapshot; `tallyring snapshot list` shows those there are")
}

fn failed(failed: SnapshotFailed) -> Failure {
    match failed {
        SnapshotFailed::Unknown => unknown(),
        fault => Failure::unreachable(fault.to_string()),
    }
}

/// A snapshot as the API tells it.
fn info(of: &SnapshotInfo) -> Value {
    let hex = |hash: [u8; 32]| blake3::Hash::from_bytes(hash).to_hex().to_string();
    json!({
        "id": of.name,
        "position": of.position,
        "frames": of.frames,
        "chain": hex(of.chain),
        "taken": of.taken.rfc3339(&Zone::utc()),
        "bytes": of.bytes,
        "blake3": hex(of.blake3),
        "leans_on": of.leans_on,
    })
}
