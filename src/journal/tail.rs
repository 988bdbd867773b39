//! What lies in a segment from where its frames end to the end of its file.

use super::header;
use super::header::Header;
use crate::storage::File;
use crate::storage::read_full_at;
use std::io;

/// Read at once. Chunks overlap by a header less one byte, so that none is missed between two.
const CHUNK: usize = 256 << 10;

/// The rest of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rest {
    /// The offset after its last byte that is not zero; 0 where all are.
    pub(super) end: u64,
    /// The offset of a header in it that says the frame that should begin it was synced.
    pub(super) proof: Option<u64>,
}

/// Reads the rest of a segment from an offset, where frame `number` should be.
///
/// A header counts as proof even if its payload is gone: it was written by the journal, and what
/// it says of the past stays true.
pub(super) fn look(file: &dyn File, offset: u64, number: u64, seed: u32) -> io::Result<Rest> {
    let mut rest = Rest::default();
    let mut chunk = vec![0; CHUNK];
    let mut start = offset;
    loop {
        let read = read_full_at(file, &mut chunk, start)?;
        let bytes = &chunk[..read];
        if let Some(last) = bytes.iter().rposition(|byte| *byte != 0) {
            rest.end = start + last as u64 + 1;
            rest.proof = rest.proof.or(find(bytes, number, seed).map(|index| start + index as u64));
        }
        if read < CHUNK {
            return Ok(rest);
        }
        start += (CHUNK - header::LEN + 1) as u64;
    }
}

/// The first header that proves a frame.
fn find(bytes: &[u8], number: u64, seed: u32) -> Option<usize> {
    let begins = |index: &usize| bytes[*index] == header::MAGIC[0];
    let proves =
        |index: &usize| Header::decode(&bytes[*index..], seed).is_some_and(|header| header.durable.frames > number);
    (0..bytes.len()).filter(begins).find(proves)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Draft;
    use crate::journal::Kind;
    use crate::journal::Place;
    use crate::journal::header::Ready;
    use crate::journal::header::Watermark;
    use crate::storage::write_all_at;

    const SEED: u32 = 9;

    fn frame(number: u64, durable: u64) -> Vec<u8> {
        let draft = Draft { kind: Kind::Events, events: 1, arrived: 0, span: (0, 0), payload: vec![0; 3] };
        let (mut bytes, durable) = (Vec::new(), Watermark { frames: durable, events: 0 });
        Ready::new(draft).unwrap().write(Place { frames: number, ..Place::default() }, durable, SEED, &mut bytes);
        bytes
    }

    #[test]
    fn proof_is_found_wherever_it_lies() {
        for offset in [10, CHUNK - 200, CHUNK - 116, CHUNK - 60, CHUNK, CHUNK + 1, 2 * CHUNK - 150, 2 * CHUNK] {
            let offset = offset as u64;
            let file = tempfile::tempfile().unwrap();
            write_all_at(&file, b"junk", 10).unwrap();
            write_all_at(&file, &frame(8, 6), 10 + offset).unwrap();
            let rest = look(&file, 10, 5, SEED).unwrap();
            assert_eq!(rest.proof, Some(10 + offset));
            assert_eq!(look(&file, 10, 6, SEED).unwrap(), Rest { proof: None, ..rest }, "6 frames are 0 to 5");
            assert_eq!(look(&file, 10, 5, SEED + 1).unwrap().proof, None, "of another installation");
        }
    }

    #[test]
    fn zeros_are_nothing() {
        let file = tempfile::tempfile().unwrap();
        write_all_at(&file, b"tlyF", 0).unwrap();
        File::set_len(&file, 1_000_000).unwrap();
        assert_eq!(look(&file, 4, 0, SEED).unwrap(), Rest::default());
        assert_eq!(look(&file, 0, 0, SEED).unwrap(), Rest { end: 4, proof: None });
    }
}
