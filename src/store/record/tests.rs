//! The codec against itself and against damage: one encoding for each record, and nothing else
//! is a record.

use super::*;
use crate::engine::event::Measures;
use crate::engine::money::Currency;
use crate::engine::money::Money;
use crate::engine::time::Timestamp;
use crate::store::columns::Row;
use crate::store::columns::tests::WIDTH;
use crate::store::columns::tests::columns;
use crate::store::columns::tests::plain;
use crate::store::columns::tests::some_rows;
use proptest::prelude::*;

fn records() -> impl Strategy<Value = Record> {
    let counts = (any::<[u64; 4]>(), 0..3_u64);
    let key = proptest::option::of(("[a-z]{0,20}", any::<u64>()));
    (some_rows(), "\\PC{0,12}", key, counts).prop_map(|(rows, writer, key, (rejected, duplicates))| Record {
        writer,
        key,
        rejected,
        duplicates,
        columns: columns(&rows),
    })
}

fn empty() -> Record {
    Record { writer: "w".into(), key: None, rejected: [0; 4], duplicates: 0, columns: Columns::new(WIDTH) }
}

/// Whatever decodes has these bytes as its only encoding, and takes a small multiple of them.
fn is_canonical_or_malformed(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(record) = Record::decode(bytes) {
        prop_assert_eq!(record.encode(), bytes);
        prop_assert_eq!(plain(&record.columns).len(), record.columns.len(), "every row can be read");
        prop_assert!(
            record.columns.bytes() <= 16 * bytes.len() + 1_024,
            "{} of {}",
            record.columns.bytes(),
            bytes.len()
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_record_comes_back_with_the_same_bytes(record in records()) {
        let bytes = record.encode();
        let back = Record::decode(&bytes).unwrap();
        prop_assert_eq!(plain(&back.columns), plain(&record.columns));
        prop_assert_eq!(back.encode(), bytes);
        prop_assert_eq!(back, record);
    }

    #[test]
    fn every_truncation_is_malformed(record in records(), cut: proptest::sample::Index) {
        let bytes = record.encode();
        prop_assert!(Record::decode(&bytes[..cut.index(bytes.len())]).is_err());
        prop_assert!(Record::decode(&[&bytes[..], &[0]].concat()).is_err(), "bytes after the end");
    }

    #[test]
    fn damage_is_a_record_or_an_error(record in records(), damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4)) {
        let mut bytes = record.encode();
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
            is_canonical_or_malformed(&bytes)?;
            bytes[place] = byte & 0x81;
            is_canonical_or_malformed(&bytes)?;
        }
    }

    #[test]
    fn a_piece_lost_or_repeated_is_a_record_or_an_error(record in records(), from: proptest::sample::Index, to: proptest::sample::Index) {
        let bytes = record.encode();
        let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
        is_canonical_or_malformed(&[&bytes[..from], &bytes[to..]].concat())?;
    }

    #[test]
    fn noise_is_a_record_or_an_error(noise in proptest::collection::vec(any::<u8>(), 0..200)) {
        is_canonical_or_malformed(&noise)?;
        is_canonical_or_malformed(&[&[VERSION, 0, 0, 0, 0, 0, 0, 0, 6], &noise[..]].concat())?;
    }
}

/// Every change of a single byte of a small record, not only some.
#[test]
fn every_byte_of_a_record_counts() {
    let mut record = empty();
    let series = record.columns.add_series(["key", "", "gpt"].into_iter());
    for (id, late) in [("a", false), ("", true)] {
        let timestamp = Timestamp::from_secs(1_795_324_556);
        let measures = Measures { input_tokens: Some(300), ..Measures::default() };
        let row = Row { series, timestamp, late, measures, id, payload: 9, job_id: id, error: "" };
        record.columns.push(&row);
    }
    let bytes = record.encode();
    for place in 0..bytes.len() {
        for byte in (0..=u8::MAX).filter(|byte| *byte != bytes[place]) {
            let mut damaged = bytes.clone();
            damaged[place] = byte;
            if let Ok(other) = Record::decode(&damaged) {
                assert_ne!(other, record, "byte {place} as {byte}");
                assert_eq!(other.encode(), damaged, "byte {place} as {byte}");
            }
        }
    }
}

/// What fails, and with which words, at the places where a count or a number is read.
#[test]
fn what_is_malformed_says_why() {
    let head = |rest: &[u8]| [&[VERSION, 0, 0, 0, 0, 0, 0, 0], rest].concat();
    let huge = [0xff, 0xff, 0xff, 0xff, 0x0f];
    let cases: &[(Vec<u8>, &str)] = &[
        (vec![2], "a version that this release does not know"),
        (vec![VERSION, 0, 2], "neither with a key nor without"),
        (head(&[5]), "too few or too many dimensions"),
        (head(&[11]), "too few or too many dimensions"),
        (head(&[&[6][..], &huge].concat()), "a count beyond the bytes that follow"),
        (head(&[&[6, 0][..], &huge].concat()), "a count beyond the bytes that follow"),
        (head(&[&[6, 0, 0][..], &huge].concat()), "a count beyond the bytes that follow"),
        (head(&[6, 1, 1, b'a', 0]), "series or names that are repeated, not used or out of order"),
        (
            head(&[6, 2, 1, 1, b'a', b'a', 1, 1, 2, 0, 0, 0, 0]),
            "series or names that are repeated, not used or out of order",
        ),
        (
            head(&[6, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            "series or names that are repeated, not used or out of order",
        ),
        (head(&[6, 1, 1, 0xff, 0]), "a text is not UTF-8"),
        (head(&[6, 2, 1, 1, 0xc3, 0xa9, 0]), "a text ends within a character"),
        (head(&[6, 0, 0, 1, 0, 0]), "a series that is not in the table"),
        (head(&[6, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0]), "a timestamp outside 1970..=9999"),
        (head(&[6, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 2, 0]), "a bitmap that is not mixed"),
        (head(&[6, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 2, 2]), "a bit for a row that is not there"),
        (head(&[6, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 3]), "a column is neither empty, full nor mixed"),
        (head(&[6, 0, 0, 0, 1]), "a column is neither empty, full nor mixed"),
    ];
    for (bytes, what) in cases {
        assert_eq!(Record::decode(bytes).unwrap_err().what, *what, "{bytes:?}");
    }
}

/// The same for the values of a row; the bytes of two rows from the column of `late` on.
#[test]
fn what_is_beyond_the_limits_says_why() {
    let rows = |rest: &[u8]| [&[VERSION, 0, 0, 0, 0, 0, 0, 0, 6, 0, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0], rest].concat();
    let figures = |place: usize, value: u64| {
        let mut rest = vec![0; 1 + place];
        rest.push(1);
        put(&mut rest, value);
        put(&mut rest, 0);
        rows(&rest)
    };
    let costs = |rest: &[u8]| rows(&[&[0, 0, 0, 0, 0, 0, 0, 0, 0, 1], rest].concat());
    let text = |columns: usize, len: u64| {
        let mut rest = vec![0; 10 + columns];
        rest.push(1);
        put(&mut rest, len);
        rows(&rest)
    };
    let cases: &[(Vec<u8>, &str)] = &[
        (figures(0, 86_400_000_001), "a number beyond its limits"),
        (figures(1, 86_400_000_001), "a number beyond its limits"),
        (figures(2, 100_000_001), "a number beyond its limits"),
        (figures(7, 100_000_001), "a number beyond its limits"),
        (costs(&[0]), "costs without a currency"),
        (costs(b"\x01usd\0\0\0\0\0"), "an unknown currency"),
        (costs(b"\x01RMB\0\0\0\0\0"), "an unknown currency"),
        (costs(b"\x01XXX\0\0\0\0\0"), "an unknown currency"),
        (costs(b"\x02USDUSD\0\x01\0\0\0\0\0"), "a currency comes twice"),
        (costs(b"\x02USDEUR\x01\0\0\0\0\0\0"), "currencies that are not in the order of their use"),
        (costs(b"\x02USDEUR\0\0\0\0\0\0\0"), "currencies that are not in the order of their use"),
        (costs(b"\x02USDEUR\0\x02\0\0\0\0\0"), "currencies that are not in the order of their use"),
        (costs(b"\x01USD\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), "a number beyond its limits"),
        (text(0, 0), "a text that is empty or beyond its limit"),
        (text(0, 129), "a text that is empty or beyond its limit"),
        (text(1, 129), "a text that is empty or beyond its limit"),
        (text(2, 513), "a text that is empty or beyond its limit"),
        (text(2, u64::MAX), "a text that is empty or beyond its limit"),
    ];
    for (bytes, what) in cases {
        let padded = [&bytes[..], &[0; 4]].concat();
        assert_eq!(Record::decode(&padded).unwrap_err().what, *what, "{bytes:?}");
    }
    assert!(Record::decode(&rows(&[0; 13])).is_ok(), "two rows with nothing in them");
    assert!(Record::decode(&costs(b"\x02USDEUR\0\x01\0\0\0\0\0")).is_ok());
}

#[test]
fn a_record_without_events_is_one() {
    let bytes = empty().encode();
    assert_eq!(Record::decode(&bytes), Ok(empty()));
    assert_eq!(empty().columns.span(), (0, 0));
}

/// The example of docs/FORMAT.md: these bytes must never change.
#[test]
fn the_bytes_of_version_1() {
    let mut columns = Columns::new(6);
    let series = columns.add_series(["k1", "", "m", "k1"].into_iter());
    let timestamp = |micros| Timestamp::from_micros(micros).unwrap();
    let cost = Some(Money { nanos: 7, currency: Currency::USD });
    let measures = Measures { latency_us: Some(300), input_tokens: Some(5), cost, ..Measures::default() };
    let plain = Row {
        series,
        timestamp: timestamp(999_999),
        late: false,
        measures: Measures::default(),
        id: "",
        payload: 0,
        job_id: "",
        error: "",
    };
    let payload = 0x0102_0304_0506_0708;
    columns
        .push(&Row { timestamp: timestamp(1_000_000), late: true, measures, id: "a", payload, error: "é", ..plain });
    columns.push(&plain);
    let key = Some(("k".to_owned(), 2));
    let record = Record { writer: "w".into(), key, rejected: [1, 0, 0, 300], duplicates: 4, columns };
    let expected: &[&[u8]] = &[
        &[1],
        b"\x01w",
        b"\x01\x01k\x02\0\0\0\0\0\0\0",
        &[1, 0, 0, 0xac, 2, 4],
        b"\x06\x02\x02\x01k1m",
        &[1, 1, 0, 2, 1, 0, 0],
        &[2],
        &[0x80, 0x89, 0x7a, 1],
        &[0, 0],
        &[2, 1],
        &[2, 1, 0xac, 2],
        &[0],
        &[2, 1, 5],
        &[0, 0, 0, 0, 0],
        b"\x02\x01\x01USD\x07",
        b"\x02\x01\x01a\x08\x07\x06\x05\x04\x03\x02\x01",
        &[0],
        &[2, 1, 2, 0xc3, 0xa9],
    ];
    assert_eq!(record.encode(), expected.concat());
    assert_eq!(Record::decode(&expected.concat()), Ok(record));
}
