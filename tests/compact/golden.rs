//! The bytes of a batch, written down: they are a promise to clients.

use crate::kit::NOW;
use crate::kit::Site;
use crate::kit::Told;
use crate::kit::batch;
use crate::kit::config;
use tallyring::batch::Decoded;
use tallyring::engine::event::Measures;
use tallyring::engine::money::Currency;
use tallyring::engine::money::Money;

/// docs/BATCH.md shows the same.
const GOLDEN: &str = include_str!("golden.hex");

fn calls() -> Vec<Told> {
    let names = |user: &str, region: &str| {
        let mut names: [String; 10] = Default::default();
        for (place, name) in [(0, "sk-a"), (1, user), (2, "gpt-4o"), (5, "200"), (6, region)] {
            names[place] = name.to_owned();
        }
        names
    };
    let cost = Some(Money { nanos: 4_210_000, currency: Currency::USD });
    let measures = Measures {
        latency_us: Some(1_094_830),
        input_tokens: Some(812),
        output_tokens: Some(96),
        cost,
        ..Measures::default()
    };
    let ann = Told { ago: Some(0), names: names("ann", "eu"), measures, id: "c-1".to_owned(), ..Told::default() };
    let bob = Told {
        ago: Some(1),
        names: names("bob", ""),
        measures: Measures { cost: None, ..measures },
        ..Told::default()
    };
    let again = Told { error: "é".to_owned(), job_id: "j".to_owned(), ..bob.clone() };
    vec![ann, bob, again]
}

fn bytes() -> Vec<u8> {
    let digits: Vec<u8> = GOLDEN
        .lines()
        .flat_map(|line| line.split('#').next().unwrap_or("").bytes())
        .filter(u8::is_ascii_hexdigit)
        .collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn the_bytes_are_as_documented() {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(hex(&batch(&calls())), hex(&bytes()));
}

#[test]
fn the_documented_bytes_are_counted() {
    let site = Site::new(config());
    let (status, receipt) = site.post_batch(bytes());
    assert_eq!((status, &receipt["accepted"], &receipt["rejected"]), (200, &3.into(), &0.into()), "{receipt}");
    let bytes = bytes();
    let batch = Decoded::read(&bytes).unwrap();
    assert_eq!((batch.len(), batch.base / 1_000_000, batch.series.len()), (3, NOW - 1, 5));
}

#[test]
fn the_documentation_shows_them() {
    let page = include_str!("../../docs/BATCH.md");
    for line in GOLDEN.lines() {
        assert!(page.contains(line), "docs/BATCH.md lacks: {line}");
    }
}
