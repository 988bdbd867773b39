//! Batches that are broken, by chance and on purpose.

use crate::kit::Site;
use crate::kit::batch;
use crate::kit::config;
use crate::kit::told;
use proptest::prelude::*;
use tallyring::batch::Decoded;

/// What is answered to any bytes: a receipt that adds up, or 400 or 413 and nothing counted.
fn judge(site: &Site, body: Vec<u8>) {
    let (before, rows) = (site.app.store.position(), Decoded::told(&body));
    let (status, answer) = site.post_batch(body);
    let count = |name: &str| answer[name].as_u64().unwrap_or_else(|| panic!("{answer}"));
    if status == 200 {
        let told = rows.unwrap() as u64;
        assert_eq!(count("accepted") + count("duplicates") + count("rejected"), told);
        assert_eq!(site.app.store.position(), before + count("accepted"));
        return;
    }
    assert!(matches!(status, 400 | 413), "{status}: {answer}");
    assert_eq!(site.app.store.position(), before);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn changed_bytes_are_refused_or_counted(
        calls in prop::collection::vec(told(), 1..30),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::weighted(0.3, any::<prop::sample::Index>()),
        more in prop::collection::vec(any::<u8>(), 0..3),
    ) {
        let mut body = batch(&calls);
        for (place, byte) in changes {
            let place = place.index(body.len());
            body[place] = byte;
        }
        if let Some(cut) = cut {
            body.truncate(cut.index(body.len()));
        }
        body.extend(more);
        judge(&Site::new(config()), body);
    }

    #[test]
    fn any_bytes_behind_a_head_are_refused_or_counted(rest in prop::collection::vec(any::<u8>(), 0..200)) {
        judge(&Site::new(config()), [b"tlyB\x01", &rest[..]].concat());
    }
}

/// Each byte of a batch, each with every other value.
#[test]
fn every_change_of_one_byte_is_refused_or_counted() {
    let mut call = crate::kit::Told { names: std::array::from_fn(|_| "n".to_owned()), ..Default::default() };
    (call.ago, call.id, call.error) = (Some(1), "i".to_owned(), "e".to_owned());
    call.measures.input_tokens = Some(7);
    let other = crate::kit::Told { id: String::new(), ..call.clone() };
    let (body, site) = (batch(&[call.clone(), other, call]), Site::new(config()));
    for place in 0..body.len() {
        for byte in [0, 1, 2, 3, 4, 5, 7, 8, 12, 127, 128, 254, 255, body[place].wrapping_add(1)] {
            let mut changed = body.clone();
            changed[place] = byte;
            judge(&site, changed);
        }
        judge(&site, body[..place].to_vec());
    }
}

/// Counts that nothing stands behind reserve nothing.
#[test]
fn counts_beyond_the_bytes_are_refused() {
    let site = Site::new(config());
    let head = |rows: u32| [b"tlyB\x01".as_slice(), &rows.to_le_bytes(), &[1, 1]].concat();
    let cases = [
        (head(u32::MAX), 400),
        (head(1 << 24), 413),
        (head(100_001), 413),
        (
            [head(100_000), 100_000_u32.to_le_bytes().to_vec(), 100_000_u32.to_le_bytes().to_vec(), vec![1]].concat(),
            400,
        ),
        (head(0), 400),
        (b"tlyB\x02".to_vec(), 400),
        (b"{}".to_vec(), 400),
        (Vec::new(), 400),
    ];
    for (body, expected) in cases {
        let (status, answer) = site.post_batch(body.clone());
        assert_eq!(status, expected, "{body:?}: {answer}");
    }
    assert_eq!(site.app.store.position(), 0);
    let dify = [("content-type", tallyring::batch::MEDIA_TYPE)];
    assert_eq!(site.post("/v1/ingest/dify", &dify, head(1)).0, 415);
}
