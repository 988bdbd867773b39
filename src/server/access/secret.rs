//! The secret of a token, and what is kept of it.
//!
//! ```text
//! tr_4f9kq2xv_0w3nr6m8t1c5z7h2…(40)
//!    id       secret: 200 random bits, of which SHA-256 is kept
//! ```
//!
//! The secret is random and long, so a fast hash is enough: nobody can try 2^200 of them. Neither
//! type can be printed, compared with `==`, or serialized. Both can be made:
//!
//! ```
//! use tallyring::server::access::secret::Digest;
//! use tallyring::server::access::secret::Secret;
//! let (id, secret) = (Secret::new_id()?, Secret::random()?);
//! let text = secret.reveal(&id);
//! assert!(Digest::of(&secret).matches(&Digest::presented(text.rsplit('_').next().unwrap())));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! A secret can't be printed,
//!
//! ```compile_fail
//! let secret = tallyring::server::access::secret::Secret::random().ok().unwrap();
//! println!("{secret:?}");
//! ```
//! ```compile_fail
//! let secret = tallyring::server::access::secret::Secret::random().ok().unwrap();
//! println!("{secret}");
//! ```
//!
//! nor compared in a time that tells how much of it is right,
//!
//! ```compile_fail
//! let secret = tallyring::server::access::secret::Secret::random().ok().unwrap();
//! let _ = secret == secret;
//! ```
//!
//! nor written by accident;
//!
//! ```compile_fail
//! let secret = tallyring::server::access::secret::Secret::random().ok().unwrap();
//! let _ = serde_json::to_string(&secret);
//! ```
//!
//! and no more can what is kept of it.
//!
//! ```compile_fail
//! let digest = tallyring::server::access::secret::Digest::presented("x");
//! println!("{digest:?}");
//! ```
//! ```compile_fail
//! let digest = tallyring::server::access::secret::Digest::presented("x");
//! println!("{digest}");
//! ```
//! ```compile_fail
//! let digest = tallyring::server::access::secret::Digest::presented("x");
//! let _ = digest == digest;
//! ```
//! ```compile_fail
//! let digest = tallyring::server::access::secret::Digest::presented("x");
//! let _ = serde_json::to_string(&digest);
//! ```

use sha2::Digest as _;
use sha2::Sha256;
use std::io;
use subtle::ConstantTimeEq;

/// What every token begins with.
const PREFIX: &str = "tr_";
/// Crockford's base 32 in lower case: no `i`, `l`, `o` or `u`.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Letters of an id.
const ID_CHARS: usize = 8;
/// Letters of a secret, five bits each.
const SECRET_CHARS: usize = 40;
/// Bytes of a digest.
const DIGEST_BYTES: usize = 32;

/// The secret of a new token, told once.
pub struct Secret(String);

/// What is kept of a secret.
pub struct Digest([u8; DIGEST_BYTES]);

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// Of the system's random source.
    pub fn random() -> io::Result<Self> {
        letters::<SECRET_CHARS>().map(Self)
    }

    /// A new name for a token, which is no secret.
    ///
    /// # Errors
    /// Of the system's random source.
    pub fn new_id() -> io::Result<String> {
        letters::<ID_CHARS>()
    }

    /// The whole token, for the one who asked for it.
    #[must_use]
    pub fn reveal(&self, id: &str) -> String {
        format!("{PREFIX}{id}_{}", self.0)
    }
}

/// Random letters: each byte gives the five bits of one.
fn letters<const N: usize>() -> io::Result<String> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect())
}

impl Digest {
    /// Of a new secret.
    #[must_use]
    pub fn of(secret: &Secret) -> Self {
        Self::presented(&secret.0)
    }

    /// Of what somebody says is the secret.
    #[must_use]
    pub fn presented(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// Whether both are the same; how long it takes tells nothing.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// As it stands in the file of tokens.
    pub(super) fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Read from the file of tokens.
    pub(super) fn parse(hex: &str) -> Option<Self> {
        if hex.len() != 2 * DIGEST_BYTES || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let mut bytes = [0; DIGEST_BYTES];
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * place..2 * place + 2], 16).ok()?;
        }
        Some(Self(bytes))
    }
}

/// The id and the secret of a token's text; `None` where it has not the shape of one.
pub(super) fn split(token: &str) -> Option<(&str, &str)> {
    let (id, secret) = token.strip_prefix(PREFIX)?.split_once('_')?;
    (is_id(id) && secret.len() == SECRET_CHARS).then_some((id, secret))
}

/// Whether this can be the id of a token.
pub(super) fn is_id(id: &str) -> bool {
    id.len() == ID_CHARS && id.bytes().all(|b| ALPHABET.contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_survives_the_file() {
        let secret = Secret::random().unwrap();
        let kept = Digest::parse(&Digest::of(&secret).hex()).unwrap();
        assert!(kept.matches(&Digest::presented(&secret.0)));
        assert!(!kept.matches(&Digest::presented(&secret.0[1..])));
        for bad in ["", "00", &"g".repeat(64), &"é".repeat(32)] {
            assert!(Digest::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn tokens_have_one_shape() {
        let (id, secret) = (Secret::new_id().unwrap(), Secret::random().unwrap());
        let text = secret.reveal(&id);
        assert_eq!(text.len(), 52);
        let parts = split(&text).unwrap();
        assert!(parts.0 == id && parts.1 == secret.0);
        let bad = ["", "tr_", "tr__", &text[1..], &text[..51], &format!("{text}0"), &text.to_uppercase()];
        for bad in bad {
            assert!(split(bad).is_none(), "{bad}");
        }
    }
}
