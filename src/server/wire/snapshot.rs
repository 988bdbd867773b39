//! A snapshot as JSON.

use crate::engine::time::Zone;
use crate::store::SnapshotInfo;
use serde::Serialize;

/// `{"id","position","frames","chain","taken","bytes","blake3","leans_on"}`; the hashes in
/// hexadecimal digits.
#[derive(Serialize)]
pub(in crate::server) struct SnapshotJson {
    id: String,
    position: u64,
    frames: u64,
    chain: String,
    taken: String,
    bytes: u64,
    blake3: String,
    leans_on: usize,
}

impl From<&SnapshotInfo> for SnapshotJson {
    fn from(of: &SnapshotInfo) -> Self {
        Self {
            id: of.name.clone(),
            position: of.position,
            frames: of.frames,
            chain: hex(of.chain),
            taken: of.taken.rfc3339(&Zone::utc()),
            bytes: of.bytes,
            blake3: hex(of.blake3),
            leans_on: of.leans_on,
        }
    }
}

fn hex(hash: [u8; 32]) -> String {
    blake3::Hash::from_bytes(hash).to_hex().to_string()
}
