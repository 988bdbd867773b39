//! What a frame of kind [`Kind::Snapshot`](crate::journal::Kind::Snapshot) carries: the name of a
//! snapshot and its BLAKE3. So the chain over the journal vouches for snapshots too.
//!
//! ```text
//! version u8 │ BLAKE3 [32] │ name, UTF-8, to the end
//! ```

/// Raised when the bytes change their meaning.
const VERSION: u8 = 1;

/// A snapshot that the journal vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouch {
    /// Its name, without the folder.
    pub name: String,
    /// The hash in its footer.
    pub blake3: [u8; 32],
}

/// The payload of the frame.
#[must_use]
pub fn encode(name: &str, blake3: &[u8; 32]) -> Vec<u8> {
    [&[VERSION], &blake3[..], name.as_bytes()].concat()
}

/// Reads a payload; `None` where [`encode`] did not write it.
#[must_use]
pub fn decode(payload: &[u8]) -> Option<Vouch> {
    let (blake3, name) = payload.strip_prefix(&[VERSION])?.split_first_chunk()?;
    let name = str::from_utf8(name).ok().filter(|name| !name.is_empty())?;
    Some(Vouch { name: name.to_owned(), blake3: *blake3 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_named_with_its_hash() {
        let payload = encode("7-9.snap", &[5; 32]);
        assert_eq!(decode(&payload), Some(Vouch { name: "7-9.snap".to_owned(), blake3: [5; 32] }));
        assert_eq!(decode(&payload[..33]), None, "without a name");
        assert_eq!(decode(&[&[2], &payload[1..]].concat()), None, "of another version");
        assert_eq!(decode(&[1, 2, 3]), None);
        assert_eq!(decode(&[&[1; 33], &b"\xff"[..]].concat()), None);
    }
}
