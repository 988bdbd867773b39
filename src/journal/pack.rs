//! Payloads: compressed where that makes them smaller.

const NONE: u8 = 0;
const LZ4: u8 = 1;

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
    let compressed = lz4_flex::block::compress(&payload);
    if compressed.len() < raw {
        return Packed { stored: compressed, compression: LZ4, raw };
    }
    Packed { stored: payload, compression: NONE, raw }
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
        for (payload, compression) in [(vec![7; 5_000], LZ4), (b"abc".to_vec(), NONE), (Vec::new(), NONE)] {
            let packed = pack(payload.clone());
            assert_eq!(packed.compression, compression);
            let raw = u32::try_from(packed.raw).unwrap();
            assert_eq!(unpack(&packed.stored, packed.compression, raw), Some(payload));
            assert_eq!(unpack(&packed.stored, packed.compression, raw + 1), None);
        }
    }

    #[test]
    fn other_bytes_are_refused() {
        assert_eq!(unpack(&[255; 40], LZ4, 4_000), None);
        assert_eq!(unpack(b"abc", 9, 3), None);
    }
}
