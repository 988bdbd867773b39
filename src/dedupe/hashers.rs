//! Ids, keys and payloads as hashes that stay the same as long as the data folder lives.
//!
//! They outlive the process, in the journal and in snapshots, so what is hashed is spelled out
//! byte by byte, here and in `payload.rs`, and must never change: another hash would let every
//! retry across an upgrade count twice, or make it a conflict.

use super::payload;
use crate::engine::event::Event;
use xxhash_rust::xxh3::xxh3_64;

/// For the key of ids; never to be changed.
const CONTEXT: &str = "tallyring 2026-11-22 remembered ids and idempotency keys";

/// Up to here nothing is allocated.
const SHORT: usize = 256;

/// A writer's id, or its `Idempotency-Key`, as 128 keyed bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdHash(pub [u8; 16]);

/// The key of one installation; hashing needs no lock.
#[derive(Clone)]
pub struct Hashers {
    key: [u8; 32],
}

impl Hashers {
    /// Of the installation with this name: nobody who does not know it can choose ids that collide
    /// with another writer's.
    #[must_use]
    pub fn new(instance: [u8; 16]) -> Self {
        Self { key: blake3::derive_key(CONTEXT, &instance) }
    }

    /// An id in the scope of its writer.
    #[must_use]
    pub fn id(&self, writer: &str, id: &str) -> IdHash {
        self.scoped(b'i', writer, id)
    }

    /// An `Idempotency-Key` in the scope of its writer; never the same as an id.
    #[must_use]
    pub fn key(&self, writer: &str, key: &str) -> IdHash {
        self.scoped(b'k', writer, key)
    }

    /// Everything the sender told about an event besides its id. An event whose time its sender
    /// did not tell (`timed` is false) got that of its arrival, which is no part of it. `scratch`
    /// is overwritten; with the same one each time nothing is allocated.
    #[must_use]
    pub fn payload(event: &Event<'_>, timed: bool, scratch: &mut Vec<u8>) -> u64 {
        payload::spell(event, timed, scratch);
        xxh3_64(scratch)
    }

    /// The body of a request.
    #[must_use]
    pub fn body(bytes: &[u8]) -> u64 {
        xxh3_64(bytes)
    }

    /// The domain, the length of the writer in 4 bytes, the writer, the name. The length keeps
    /// `ab, c` and `a, bc` apart.
    fn scoped(&self, domain: u8, writer: &str, name: &str) -> IdHash {
        let border = u32::try_from(writer.len()).unwrap_or(u32::MAX).to_le_bytes();
        let parts = [&[domain], &border[..], writer.as_bytes(), name.as_bytes()];
        let hash = match join(&parts, &mut [0; SHORT]) {
            Some(joined) => blake3::keyed_hash(&self.key, joined),
            None => blake3::keyed_hash(&self.key, &parts.concat()),
        };
        let bytes = hash.as_bytes();
        IdHash(std::array::from_fn(|place| bytes[place]))
    }
}

/// The parts one after another, where there is room for them.
fn join<'b>(parts: &[&[u8]], room: &'b mut [u8; SHORT]) -> Option<&'b [u8]> {
    let mut end = 0;
    for part in parts {
        room.get_mut(end..end + part.len())?.copy_from_slice(part);
        end += part.len();
    }
    Some(&room[..end])
}
