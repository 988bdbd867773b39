//! Payloads: compressed where that makes them smaller.

use lz4_flex::block::CompressTable;
use lz4_flex::block::compress_into_with_table;
use lz4_flex::block::get_maximum_output_size;
use std::cell::RefCell;

const NONE: u8 = 0;
const LZ4: u8 = 1;

/// Shorter payloads are stored as they are: a record of one event hardly repeats itself, and to
/// look for it costs more than to write it.
const SHORT: usize = 256;

thread_local! {
    /// Two tables, for payloads below 64 KiB and above: a new one for each would be most of the
    /// work of a short payload.
    static TABLES: RefCell<[CompressTable; 2]> = RefCell::new([CompressTable::small(), CompressTable::large()]);
}

/// A payload as it is stored.
pub(super) struct Packed {
    pub(super) stored: Vec<u8>,
    pub(super) compression: u8,
    /// Bytes before compression.
    pub(super) raw: usize,
}

/// The smaller of the payload and its compressed form.
pub(super) fn pack(payload: Vec<u8>) -> Packed {
    let raw = payload.len();
    match compressed(&payload) {
        Some(stored) => Packed { stored, compression: LZ4, raw },
        None => Packed { stored: payload, compression: NONE, raw },
    }
}

/// The compressed form, where it is smaller.
fn compressed(payload: &[u8]) -> Option<Vec<u8>> {
    if payload.len() < SHORT {
        return None;
    }
    let mut stored = vec![0; get_maximum_output_size(payload.len())];
    let table = usize::from(payload.len() >= usize::from(u16::MAX));
    let len = TABLES.with_borrow_mut(|tables| compress_into_with_table(payload, &mut stored, &mut tables[table]));
    let len = len.ok().filter(|len| *len < payload.len())?;
    stored.truncate(len);
    Some(stored)
}

/// The payload again; `None` where it is not what [`pack`] makes, or of an unknown compression.
pub(super) fn unpack(stored: &[u8], compression: u8, raw: u32) -> Option<Vec<u8>> {
    let payload = match compression {
        NONE => stored.to_vec(),
        LZ4 => lz4_flex::block::decompress(stored, raw as usize).ok()?,
        _ => return None,
    };
    (payload.len() == raw as usize).then_some(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_form_is_stored() {
        let (mixed, long): (Vec<u8>, Vec<u8>) = ((0..=255).collect(), b"abcdefg".repeat(20_000));
        let cases = [(vec![7; 5_000], LZ4), (vec![7; 255], NONE), (mixed, NONE), (long, LZ4), (Vec::new(), NONE)];
        for (payload, compression) in cases.into_iter().cycle().take(15) {
            let packed = pack(payload.clone());
            assert_eq!(packed.compression, compression);
            let raw = u32::try_from(packed.raw).unwrap();
            assert_eq!(unpack(&packed.stored, packed.compression, raw), Some(payload));
            assert_eq!(unpack(&packed.stored, packed.compression, raw + 1), None);
        }
    }

    /// A table that was used before leaves no trace.
    #[test]
    fn the_same_payload_gives_the_same_bytes() {
        let payload = |seed: u32| (0..4_000).flat_map(|n: u32| (n * seed % 251).to_le_bytes()).collect::<Vec<u8>>();
        for seed in [3, 7, 3, 11, 7] {
            assert_eq!(pack(payload(seed)).stored, lz4_flex::block::compress(&payload(seed)));
        }
    }

    #[test]
    fn other_bytes_are_refused() {
        assert_eq!(unpack(&[255; 40], LZ4, 4_000), None);
        assert_eq!(unpack(b"abc", 9, 3), None);
    }
}
