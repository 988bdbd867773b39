//! Bytes as text.

use std::fmt::Write;

/// Two lower-case digits for each byte.
#[must_use]
pub fn of(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("memory takes everything");
        text
    })
}

/// Exactly so many bytes, digits in either case.
#[must_use]
pub fn read<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != 2 * N || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(of(&[0, 171, 255]), "00abff");
        assert_eq!(read("00ABff"), Some([0, 171, 255]));
        for text in ["00abf", "00abfff0", "00abfg", "+0abff", "0é0ab"] {
            assert_eq!(read::<3>(text), None, "{text}");
        }
    }
}
