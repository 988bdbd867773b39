//! The same calls as JSON and as a batch.

use crate::kit::Site;
use crate::kit::batch;
use crate::kit::config;
use crate::kit::ndjson;
use crate::kit::told;
use proptest::prelude::*;
use tallyring::batch::MEDIA_TYPE;
use tallyring::engine::config::Config;
use tallyring::engine::time::Timestamp;
use tallyring::store::Settings;
use tallyring::store::Store;

const JSON: (&str, &str) = ("content-type", "application/x-ndjson");
const BATCH: (&str, &str) = ("content-type", MEDIA_TYPE);

/// Two requests, each as JSON to the one and as a batch to the other, then the other way round: the
/// same receipts, and the same is counted.
fn agree(config: &Config, first: &[crate::kit::Told], second: &[crate::kit::Told], path: &str, key: bool) {
    let (left, right) = (Site::new(config.clone()), Site::new(config.clone()));
    let key = if key { &[("idempotency-key", "k")][..] } else { &[] };
    let send = |site: &Site, kind, body| site.post(path, &[&[kind][..], key].concat(), body);
    for (calls, kinds) in [(first, [JSON, BATCH]), (second, [BATCH, JSON]), (first, [JSON, BATCH])] {
        let body = |kind: (&str, &str)| if kind == JSON { ndjson(calls) } else { batch(calls) };
        let answers = (send(&left, kinds[0], body(kinds[0])), send(&right, kinds[1], body(kinds[1])));
        assert_eq!(answers.0, answers.1);
    }
    assert_eq!(left.state(), right.state());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn receipts_and_what_is_counted_are_the_same(
        first in prop::collection::vec(told(), 1..60),
        second in prop::collection::vec(told(), 1..20),
        atomic in prop::bool::weighted(0.2),
    ) {
        agree(&config(), &first, &second, if atomic { "/v1/events?atomic=true" } else { "/v1/events" }, false);
    }

    #[test]
    fn limits_are_met_at_the_same_call(
        first in prop::collection::vec(told(), 1..60),
        second in prop::collection::vec(told(), 1..60),
        max_series in 16_u32..28,
        max_values in 4_u32..8,
    ) {
        agree(&Config { max_series, max_values, max_identities: 4, ..config() }, &first, &second, "/v1/events", false);
    }

    /// What is on the disk is read again to the same.
    #[test]
    fn what_was_kept_is_found_again(calls in prop::collection::vec(told(), 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings { engine: config(), snapshot_every_secs: 0, ..Settings::default() };
        settings.journal.ack = tallyring::store::Ack::Write;
        let open = || Store::open(folder.path(), settings.clone(), Timestamp::from_secs(crate::kit::NOW), &mut |_| {});
        let site = Site::of(open().unwrap().0);
        let (status, receipt) = site.post_batch(batch(&calls));
        prop_assert_eq!(status, 200, "{}", receipt);
        let (before, position) = (site.app.store.engine().canonical_bytes(), site.app.store.position());
        drop(site);
        let again = open().unwrap().0;
        prop_assert_eq!((again.engine().canonical_bytes(), again.position()), (before, position));
    }
}

/// An `Idempotency-Key` names the body as it came: the other format is another body.
#[test]
fn a_batch_under_a_key_counts_once() {
    let site = Site::new(config());
    let calls = [crate::kit::Told { names: std::array::from_fn(|_| "a".to_owned()), ..Default::default() }];
    let send = |kind, body| site.post("/v1/events", &[kind, ("idempotency-key", "k")], body);
    assert_eq!(send(BATCH, batch(&calls)).1["accepted"], 1);
    assert_eq!(send(BATCH, batch(&calls)).1["duplicates"], 1);
    assert_eq!(send(JSON, ndjson(&calls)).0, 409);
}
