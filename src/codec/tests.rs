//! What is written is read, and bytes that nobody wrote are refused.

use super::*;
use proptest::prelude::*;

fn bins(lens: &[u128]) -> PlainBins {
    let total = usize::try_from(lens.iter().sum::<u128>()).unwrap();
    PlainBins {
        many: Box::new([]),
        min: PlainColumn::Const(0),
        max: PlainColumn::Const(0),
        lens: PlainColumn::pack(lens.iter().copied()),
        bins: (0..total).map(|bin| bin as u16).collect(),
        counts: PlainColumn::Const(1),
    }
}

fn slice(lens: &[u128]) -> PlainSlice {
    PlainSlice {
        ids: (0..lens.len() as u32).collect(),
        columns: std::array::from_fn(|place| PlainColumn::Const(place as u64)),
        costs: vec![PlainCosts {
            currency: Currency::USD,
            nanos: PlainColumn::pack([u128::MAX, 1].into_iter()),
            calls: PlainColumn::Const(1),
        }],
        times: [bins(lens), bins(&vec![0; lens.len()])],
    }
}

proptest! {
    #[test]
    fn a_slice_comes_back(lens in proptest::collection::vec(0_u128..5, 0..300)) {
        let slice = slice(&lens);
        let bytes = encode(&slice);
        let read: PlainSlice = decode(&bytes).unwrap();
        prop_assert_eq!(format!("{slice:?}"), format!("{read:?}"));
    }

    #[test]
    fn any_bytes_are_refused_or_read(mut bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode::<PlainSlice>(&bytes);
        let _ = decode::<Vec<Piece>>(&bytes);
        let _ = decode::<Manifest>(&bytes);
        let _ = decode::<Names>(&bytes);
        // Small lengths, so that more of it is reached.
        bytes.iter_mut().skip(1).for_each(|byte| *byte &= 1);
        let _ = decode::<PlainSlice>(&bytes);
        let _ = decode::<Vec<Id>>(&bytes);
    }

    #[test]
    fn a_changed_byte_never_panics(lens in proptest::collection::vec(0_u128..5, 0..70), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = encode(&slice(&lens));
        let at = at.index(bytes.len());
        bytes[at] = to;
        let _ = decode::<PlainSlice>(&bytes);
    }
}

#[test]
fn left_over_and_missing_bytes_are_refused() {
    let mut bytes = encode(&slice(&[1, 2, 3]));
    assert!(decode::<PlainSlice>(&bytes[..bytes.len() - 1]).is_err());
    bytes.push(0);
    assert_eq!(decode::<PlainSlice>(&bytes).unwrap_err(), "1 bytes too many");
}

#[test]
fn a_length_beyond_the_limit_takes_no_room() {
    for len in [u64::MAX, 1 << 40, 1 << 27] {
        let bytes = len.to_le_bytes();
        assert!(decode::<Vec<u8>>(&bytes).is_err());
        assert!(decode::<Vec<Id>>(&bytes).is_err());
        assert!(decode::<Vec<Piece>>(&bytes).is_err());
        assert!(decode::<PlainSlice>(&bytes).is_err());
    }
}

#[test]
fn bins_that_do_not_add_up_are_refused() {
    assert!(tells(&PlainColumn::U8(Box::new([1, 2])), 2, 3));
    assert!(!tells(&PlainColumn::U8(Box::new([1, 2])), 2, 4));
    assert!(!tells(&PlainColumn::U8(Box::new([1, 2])), 3, 3));
    assert!(!tells(&PlainColumn::U8(Box::new([1, 2])), 1, 1));
    assert!(!tells(&PlainColumn::Const(u64::MAX), 2, 0));
    assert!(!tells(&PlainColumn::Const(u64::from(u32::MAX)), 2, 0));
}

#[test]
fn a_currency_is_its_three_capital_letters() {
    assert_eq!(encode(&Currency::USD), b"USD");
    assert_eq!(decode::<Currency>(b"CNY").map(|currency| currency.code().to_owned()), Ok("CNY".into()));
    for other in [b"usd", b"RMB", b"XXX", b"US ", &[0xff; 3]] {
        assert!(decode::<Currency>(other).is_err());
    }
}

#[test]
fn the_bytes_are_those_of_the_format() {
    let names = Names::Series { rows: 2, columns: vec![PlainColumn::U16(Box::new([1, 256]))] };
    let expected = [
        &[1, 0, 0, 0][..],         // the second variant
        &[2, 0, 0, 0],             // rows
        &[1, 0, 0, 0, 0, 0, 0, 0], // one column
        &[2, 0, 0, 0],             // U16
        &[2, 0, 0, 0, 0, 0, 0, 0], // of two values
        &[1, 0, 0, 1],
    ];
    assert_eq!(encode(&names), expected.concat());
}

#[test]
fn a_list_made_bit_by_bit_is_the_same_list() {
    let ids: Vec<Id> = (0..5).map(|n| ([n; 16], u64::from(n))).collect();
    let mut list = List::new();
    ids.iter().for_each(|id| list.push(id));
    assert_eq!((list.count(), list.len()), (5, 8 + 5 * 24));
    assert_eq!(list.take(), encode(&ids));
    assert_eq!(list.take(), encode(&Vec::<Id>::new()));
}
