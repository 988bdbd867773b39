//! The names of our own fields, told apart by their first eight bytes.

use super::at;
use crate::server::formats::scan::Scan;
use crate::server::formats::swar;

/// The first bytes as a word; eight at most.
const fn word(bytes: &[u8]) -> u64 {
    let (mut word, mut place) = (0, if bytes.len() < 8 { bytes.len() } else { 8 });
    while place > 0 {
        place -= 1;
        word = word << 8 | bytes[place] as u64;
    }
    word
}

/// A name of eight bytes and more, its closing quote included: all of it is within three words.
struct Long {
    place: usize,
    len: usize,
    middle: u64,
    last: u64,
}

impl Long {
    const fn new(place: usize, name: &[u8]) -> Self {
        let len = name.len();
        Self { place, len, middle: word(name.split_at(Self::middle_of(len)).1), last: word(name.split_at(len - 8).1) }
    }

    /// Where the second word begins.
    const fn middle_of(len: usize) -> usize {
        if len < 16 { len - 8 } else { 8 }
    }
}

/// The place of a known field, behind the opening quote of its name; the cursor then is behind the
/// closing one. `None`, and the cursor as it was, for every other name and other ways to write one.
#[inline]
pub(super) fn known(scan: &mut Scan<'_>) -> Option<usize> {
    let head = scan.word();
    let end = swar::string_end(head);
    if end < 8 {
        let place = short(head & (u64::MAX >> (56 - 8 * end)))?;
        scan.forward(end + 1);
        return Some(place);
    }
    let name = long(head)?;
    let middle = scan.word_ahead(Long::middle_of(name.len));
    if middle != name.middle || scan.word_ahead(name.len - 8) != name.last {
        return None;
    }
    scan.forward(name.len);
    Some(name.place)
}

/// By the bytes up to the closing quote, and that.
#[inline]
fn short(name: u64) -> Option<usize> {
    const ID: u64 = word(b"id\"");
    const KEY: u64 = word(b"key\"");
    const USER: u64 = word(b"user\"");
    const COST: u64 = word(b"cost\"");
    const MODEL: u64 = word(b"model\"");
    const ERROR: u64 = word(b"error\"");
    const STATUS: u64 = word(b"status\"");
    const JOB_ID: u64 = word(b"job_id\"");
    const LABELS: u64 = word(b"labels\"");
    const TTFT: u64 = word(b"ttft_ms\"");
    Some(match name {
        ID => at::ID,
        KEY => at::KEY,
        USER => at::USER,
        COST => at::COST,
        MODEL => at::MODEL,
        ERROR => at::ERROR,
        STATUS => at::STATUS,
        JOB_ID => at::JOB_ID,
        LABELS => at::LABELS,
        TTFT => at::TTFT,
        _ => return None,
    })
}

/// By the first eight bytes, which are different in all of them.
#[inline]
fn long(head: u64) -> Option<&'static Long> {
    const TIMESTAMP: u64 = word(b"timestam");
    const PROVIDER: u64 = word(b"provider");
    const ENDPOINT: u64 = word(b"endpoint");
    const STATUS_CODE: u64 = word(b"status_c");
    const LATENCY: u64 = word(b"latency_");
    const INPUT: u64 = word(b"input_to");
    const OUTPUT: u64 = word(b"output_t");
    const CACHE_READ: u64 = word(b"cache_re");
    const CACHE_WRITE: u64 = word(b"cache_wr");
    const REASONING: u64 = word(b"reasonin");
    const TOTAL: u64 = word(b"total_to");
    const CURRENCY: u64 = word(b"currency");
    Some(match head {
        TIMESTAMP => const { &Long::new(at::TIMESTAMP, b"timestamp\"") },
        PROVIDER => const { &Long::new(at::PROVIDER, b"provider\"") },
        ENDPOINT => const { &Long::new(at::ENDPOINT, b"endpoint\"") },
        STATUS_CODE => const { &Long::new(at::STATUS_CODE, b"status_code\"") },
        LATENCY => const { &Long::new(at::LATENCY, b"latency_ms\"") },
        INPUT => const { &Long::new(at::INPUT, b"input_tokens\"") },
        OUTPUT => const { &Long::new(at::OUTPUT, b"output_tokens\"") },
        CACHE_READ => const { &Long::new(at::CACHE_READ, b"cache_read_tokens\"") },
        CACHE_WRITE => const { &Long::new(at::CACHE_WRITE, b"cache_write_tokens\"") },
        REASONING => const { &Long::new(at::REASONING, b"reasoning_tokens\"") },
        TOTAL => const { &Long::new(at::TOTAL, b"total_tokens\"") },
        CURRENCY => const { &Long::new(at::CURRENCY, b"currency\"") },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::TABLE;
    use super::*;

    #[test]
    fn every_name_has_its_place_and_no_other_text_has_one() {
        for (place, name) in TABLE.names.iter().enumerate() {
            let text = format!("{name}\": 1");
            let mut scan = Scan::new(&text);
            assert_eq!((known(&mut scan), scan.place()), (Some(place), name.len() + 1), "{name}");
            for other in [(*name).to_owned(), format!("{name}s\""), name[1..].to_owned(), format!("{}\"", &name[1..])] {
                assert_eq!(known(&mut Scan::new(&other)), None, "{other}");
            }
            for at in 0..name.len() {
                let other = format!("{}X{}\":1", &name[..at], &name[at + 1..]);
                assert_eq!(known(&mut Scan::new(&other)), None, "{other}");
            }
        }
        for other in ["", "\"", "a", "averyveryverylongname\""] {
            assert_eq!(known(&mut Scan::new(other)), None, "{other}");
        }
    }
}
