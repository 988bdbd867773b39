//! Cursors: where the next page of one query begins.
//!
//! A cursor holds the span of the first page, so that every page counts the same calls however
//! much later it is asked for; a place in the order; and a fingerprint of the query it belongs to.
//! It is no secret and guards nothing: the fingerprint only tells a mistake from a continuation.

use super::params::Params;
use crate::engine::time::Timestamp;
use crate::server::error::Problem;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const VERSION: u8 = 1;
const FINGERPRINT: usize = 8;
const NUMBERS: usize = 4;
const LENGTH: usize = 1 + FINGERPRINT + NUMBERS * 8;

/// Parameters that may differ from page to page.
const FREE: [&str; 3] = ["cursor", "limit", "format"];

/// Where the next page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The first instant of the first page.
    pub(super) from: Timestamp,
    /// The instant after its last.
    pub(super) to: Timestamp,
    /// The place: how many groups to pass over and 0, or the time and sequence of a call.
    pub(super) place: (u64, u64),
}

impl Cursor {
    /// Reads `cursor`, if there is one.
    pub(super) fn read(params: &Params, route: &str) -> Result<Option<Self>, Problem> {
        let allowed = "one that this same query gave with its page before";
        params.parsed("cursor", allowed, |text| Self::decode(text, params, route))
    }

    fn decode(text: &str, params: &Params, route: &str) -> Option<Self> {
        let bytes: [u8; LENGTH] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let mut numbers = [0; NUMBERS];
        for (number, bytes) in numbers.iter_mut().zip(bytes[1 + FINGERPRINT..].as_chunks::<8>().0) {
            *number = u64::from_be_bytes(*bytes);
        }
        let instant = |micros: u64| Timestamp::from_micros(i64::try_from(micros).ok()?).ok();
        let cursor = Self { from: instant(numbers[0])?, to: instant(numbers[1])?, place: (numbers[2], numbers[3]) };
        (cursor.encode(params, route) == text).then_some(cursor)
    }

    /// The cursor as text, for one query of one route.
    pub(super) fn encode(self, params: &Params, route: &str) -> String {
        let instant = |at: Timestamp| at.micros().unsigned_abs();
        let numbers = [instant(self.from), instant(self.to), self.place.0, self.place.1];
        let numbers = numbers.map(u64::to_be_bytes);
        let mut bytes = vec![VERSION];
        bytes.extend(fingerprint(params, route, numbers.as_flattened()));
        bytes.extend(numbers.as_flattened());
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

/// Of the route, the parameters in any order, and the cursor's own numbers.
fn fingerprint(params: &Params, route: &str, numbers: &[u8]) -> [u8; FINGERPRINT] {
    let mut pairs: Vec<_> = params.pairs().iter().filter(|(name, _)| !FREE.contains(&name.as_str())).collect();
    pairs.sort();
    let mut hasher = blake3::Hasher::new();
    let texts = pairs.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
    for text in std::iter::once(route).chain(texts) {
        hasher.update(&text.len().to_be_bytes()).update(text.as_bytes());
    }
    hasher.update(numbers);
    let mut fingerprint = [0; FINGERPRINT];
    fingerprint.copy_from_slice(&hasher.finalize().as_bytes()[..FINGERPRINT]);
    fingerprint
}

#[cfg(test)]
mod tests {
    use super::super::params::tests::fault;
    use super::super::params::tests::read;
    use super::*;

    fn cursor() -> Cursor {
        Cursor { from: Timestamp::from_secs(5), to: Timestamp::MAX, place: (u64::MAX, 7) }
    }

    fn given(query: &str) -> String {
        cursor().encode(&read(query).unwrap(), "/v1/usage")
    }

    #[test]
    fn a_cursor_continues_its_own_query() {
        let text = given("model=a&model=b&limit=2");
        let back = read(&format!("model=b&model=a&limit=50&cursor={text}")).unwrap();
        assert_eq!(Cursor::read(&back, "/v1/usage").unwrap(), Some(cursor()));
        assert_eq!(Cursor::read(&read("").unwrap(), "/v1/usage").unwrap(), None);
    }

    #[test]
    fn a_cursor_of_another_query_is_refused() {
        let text = given("model=a");
        let refused = "cursor: `cursor` must be one that this same query gave with its page before";
        for query in ["model=b", "user=a", "", "model=a&user=a"] {
            let params = read(&format!("{query}&cursor={text}")).unwrap();
            assert_eq!(fault(Cursor::read(&params, "/v1/usage")), refused, "{query}");
        }
        let params = read(&format!("model=a&cursor={text}")).unwrap();
        assert_eq!(fault(Cursor::read(&params, "/v1/events")), refused, "another route");
    }

    #[test]
    fn a_broken_cursor_is_refused() {
        let text = given("");
        let last = if text.ends_with('A') { "B" } else { "A" };
        let swapped = format!("{}{last}", &text[..text.len() - 1]);
        for broken in ["", "x", &text[1..], &format!("{text}AAAA"), &swapped, "%F0%9F%98%80"] {
            let params = read(&format!("cursor={broken}")).unwrap();
            assert!(Cursor::read(&params, "/v1/usage").is_err(), "{broken}");
        }
    }
}
