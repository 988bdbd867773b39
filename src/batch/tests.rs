//! What is encoded is read back, value by value.

use super::*;
use crate::engine::event::Dimension;
use crate::engine::event::Dimensions;
use crate::engine::event::Event;
use crate::engine::event::Measures;
use crate::engine::money::Currency;
use crate::engine::money::Money;
use crate::engine::time::Timestamp;
use proptest::prelude::*;

/// Names, time, tokens, cost, id.
type Row = ([String; 3], Option<i64>, Option<u64>, Option<i64>, String);

fn row() -> impl Strategy<Value = Row> {
    let tokens = prop_oneof![0_u64..300, any::<u64>()];
    let time = prop_oneof![0_i64..1_000, Just(253_402_207_199_999_999)];
    let names = [Just(String::new()).boxed(), "[abé]{0,2}".boxed(), "[ab]{0,2}".boxed()];
    (names, prop::option::of(time), prop::option::of(tokens), prop::option::of(0..i64::MAX), "[xyé]{0,3}")
}

fn encode(rows: &[Row]) -> Vec<u8> {
    let mut batch = Encoder::new(&["region"]);
    for (names, time, tokens, cost, id) in rows {
        let dimensions = Dimensions::default().with(Dimension::Key, &names[0]).with(Dimension::User, &names[1]);
        let cost = cost.map(|nanos| Money { nanos, currency: Currency::USD });
        let event = Event {
            timestamp: Timestamp::from_micros(time.unwrap_or(0)).unwrap(),
            dimensions: dimensions.with(Dimension::Label(0), &names[2]),
            measures: Measures { total_tokens: *tokens, cost, ..Measures::default() },
            id,
            ..Event::default()
        };
        if time.is_some() { batch.push(&event) } else { batch.push_untimed(&event) }
    }
    assert_eq!(batch.len(), rows.len());
    let bytes = batch.take();
    assert!(batch.is_empty());
    bytes
}

/// A batch as the rows it was made of.
fn rows(batch: &Decoded<'_>) -> Vec<Row> {
    let (mut times, mut tokens) = (batch.offsets.iter(), batch.figures[7].iter());
    let (mut costs, mut ids) = (batch.costs.1.iter(), batch.ids.iter());
    let named = [Named::Fixed(Dimension::Key), Named::Fixed(Dimension::User), Named::Label("region")];
    let row = |(number, shape): (&u32, &u16)| {
        let has = |tag: u8| shape >> tag & 1 != 0;
        let names = named.map(|named| {
            let column = batch.dimensions.iter().position(|known| *known == named);
            column.map_or("", |column| batch.texts[batch.series[column][*number as usize] as usize]).to_owned()
        });
        (
            names,
            has(column::TIMESTAMP).then(|| batch.base + times.next().unwrap().cast_signed()),
            has(7).then(|| *tokens.next().unwrap()),
            has(column::COST).then(|| costs.next().unwrap().cast_signed()),
            if has(column::ID) { ids.next().unwrap().to_owned() } else { String::new() },
        )
    };
    batch.numbers.iter().zip(&batch.shapes).map(row).collect()
}

proptest! {
    #[test]
    fn what_is_encoded_is_read_back(told in prop::collection::vec(row(), 0..50)) {
        let bytes = encode(&told);
        prop_assert_eq!(Decoded::told(&bytes), Ok(told.len()));
        let batch = Decoded::read(&bytes).unwrap();
        prop_assert_eq!(rows(&batch), told);
    }

    #[test]
    fn a_batch_that_is_cut_or_goes_on_is_refused(told in prop::collection::vec(row(), 1..10), cut: prop::sample::Index) {
        let bytes = encode(&told);
        prop_assert!(Decoded::read(&bytes[..cut.index(bytes.len())]).is_err());
        prop_assert!(Decoded::read(&[&bytes[..], &[0]].concat()).is_err());
    }

    #[test]
    fn integers_of_every_width_are_read_back(values in prop::collection::vec(any::<u64>(), 0..20), shift in 0_u32..64) {
        let values: Vec<u64> = values.into_iter().map(|value| value >> shift).collect();
        let mut bytes = Vec::new();
        bytes::put_integers(&mut bytes, &values);
        let mut reader = bytes::Reader::new(&bytes);
        prop_assert_eq!(reader.integers(values.len()), Ok(values.clone()));
        prop_assert_eq!(reader.finish(), Ok(()));
        let most = values.iter().copied().max().unwrap_or(0);
        let numbers = bytes::Reader::new(&bytes).numbers(values.len(), u32::MAX as usize);
        prop_assert_eq!(numbers.is_ok(), most <= u64::from(u32::MAX));
    }
}
