//! The quick way beside the general one, which is the dullest there is.

use super::*;
use crate::engine::event::Event;
use crate::engine::time::Timestamp;
use crate::privacy::Keyring;
use proptest::prelude::*;
use proptest::test_runner::Config;
use std::sync::Arc;

fn reader() -> Reader {
    Reader::new(Arc::new(Keyring::new([7; 32])), &["region".to_owned(), "team".to_owned()], 8_192)
}

/// How many cases: `TALLYRING_CASES` asks for more.
fn cases(usual: u32) -> u32 {
    std::env::var("TALLYRING_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

/// Reads texts as of one sender, each both ways; how many the quick way took.
fn compare(reader: &Reader, texts: &[String]) -> usize {
    let (mut shape, mut quickly, now) = (Shape::default(), 0, Timestamp::from_secs(1_795_324_556));
    for text in texts {
        let mut draft = Draft::default();
        quickly += usize::from(quick::read(reader, &mut shape, text, &mut draft).is_some());
        let mut draft = Draft::default();
        let read = read(reader, &mut shape, text, &mut draft).map(|()| draft);
        match (&read, &read_any(reader, text)) {
            (Ok(read), Ok(general)) => {
                let (read, timed): (Event<'_>, bool) = (read.event(now), read.timed());
                assert_eq!((read, timed), (general.event(now), general.timed()), "{text}");
            }
            (Err(read), Err(general)) => assert_eq!(read, general, "{text}"),
            (read, _) => panic!("{text}: quickly {}", if read.is_ok() { "read" } else { "refused" }),
        }
    }
    quickly
}

const STRINGS: [&str; 18] = [
    "\"\"",
    "\"ann\"",
    "\"gpt-4o-mini\"",
    "\"/v1/chat/completions\"",
    "\"a name of exactly 24 b\"",
    "\"ünïcödé 🔑\"",
    "\"a\\\"b\"",
    "\"\\u0061\"",
    "\"tab\there\"",
    "\"success\"",
    "\"OK\"",
    "\"429\"",
    "\"null\"",
    "null",
    "true",
    "[]",
    "{}",
    "\"sk-canary-0123456789abcdef-a1b2\"",
];
const NUMBERS: [&str; 30] = [
    "0",
    "7",
    "812",
    "1094.83",
    "0.004210000",
    "\"0.004210000\"",
    "12.5",
    "99999999",
    "100000000",
    "100000001",
    "123456789012345",
    "1234567890123456",
    "86400000",
    "86400000.001",
    "999999999.999999999",
    "1000000000.0",
    "0.0005",
    "0.00049999",
    "0.1234567891",
    "01",
    "00",
    "-1",
    "-0.0",
    "1e3",
    "1.",
    ".5",
    "\" 7 \"",
    "\"12.0\"",
    "\"\"",
    "null",
];
const TIMES: [&str; 14] = [
    "\"2026-11-22T05:15:56.250Z\"",
    "\"2026-11-22T05:15:56Z\"",
    "\"2026-11-22T13:15:56.25+08:00\"",
    "1795324556",
    "1795324556.5",
    "\"1795324556000\"",
    "\"2026-11-22T05:15:60Z\"",
    "\"2026-02-29T05:15:56Z\"",
    "\"yesterday\"",
    "null",
    "\"9999-12-31T23:59:59Z\"",
    "\"1969-12-31T23:59:59Z\"",
    "\" 2026-11-22T05:15:56Z \"",
    "-1",
];
const OTHERS: [&str; 12] = [
    "200",
    "\"200\"",
    "429",
    "1000",
    "2.5",
    "\"EUR\"",
    "\"rmb\"",
    "\"ZZZ\"",
    "{\"region\":\"eu\",\"x\":[1,{\"y\":null}]}",
    "{\"region\":\"\",\"region\":\"us\"}",
    "{ \"team\" : \"core\" , \"region\" : null }",
    "{\"region\":7}",
];
const STYLES: [(&str, &str, &str, &str); 3] =
    [("{", ":", ",", "}"), ("{ ", ": ", ", ", " }"), ("\t{\n", " : ", ",\r\n  ", "\n}  ")];
const UNKNOWN_NAMES: [&str; 5] = ["x", "custom_llm_provider", "", "timestamp_ms", "us\\u0065r"];

fn values() -> impl Strategy<Value = String> {
    let of = |all: &'static [&'static str]| proptest::sample::select(all).prop_map(str::to_owned);
    prop_oneof![
        4 => of(&STRINGS), 6 => of(&NUMBERS), 2 => of(&TIMES), 2 => of(&OTHERS),
        2 => "[0-9]{1,17}(\\.[0-9]{0,12})?", 2 => "\"[0-9]{1,11}(\\.[0-9]{0,12})?\"", 2 => "\"\\PC{0,40}\"",
    ]
}

/// A value that its field mostly has.
fn usual(place: usize) -> impl Strategy<Value = String> {
    match place {
        at::TIMESTAMP => "\"20[0-9]{2}-1[0-2]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?Z\"".boxed(),
        at::LATENCY | at::TTFT => "[1-9][0-9]{0,7}(\\.[0-9]{1,9})?".boxed(),
        at::INPUT..=at::TOTAL => "[1-9][0-9]{0,7}".boxed(),
        at::COST => "\"?(0|[1-9][0-9]{0,8})(\\.[0-9]{1,9})?\"?".boxed(),
        at::CURRENCY => "\"(USD|EUR|CNY)\"".boxed(),
        at::STATUS | at::STATUS_CODE => "[1-5][0-9]{2}".boxed(),
        at::LABELS => "\\{\"region\":\"[a-z]{0,9}\"(, \"team\":\"[a-z]{0,9}\")?\\}".boxed(),
        _ => "\"[ -!#-\\[\\]-~é]{0,40}\"".boxed(),
    }
}

fn member() -> impl Strategy<Value = (String, String)> {
    let known = (0..TABLE.names.len()).prop_flat_map(|place| {
        let name = TABLE.names[place].to_owned();
        (Just(name), prop_oneof![6 => usual(place).boxed(), 1 => values().boxed()])
    });
    let other = (proptest::sample::select(&UNKNOWN_NAMES[..]), values());
    prop_oneof![12 => known, 1 => other.prop_map(|(name, value)| (name.to_owned(), value))]
}

/// An event by its members, written in one of several styles.
fn event() -> impl Strategy<Value = String> {
    let members = proptest::collection::vec(member(), 0..16);
    (members, proptest::sample::select(&STYLES[..]), any::<bool>()).prop_map(|(mut members, style, unique)| {
        if unique {
            members.sort();
            members.dedup_by(|one, other| one.0 == other.0);
        }
        let (open, colon, comma, close) = style;
        let members: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\"{colon}{value}")).collect();
        format!("{open}{}{close}", members.join(comma))
    })
}

/// Texts of one sender: events alike, others among them, some with a few characters changed.
fn sender() -> impl Strategy<Value = Vec<String>> {
    let edit = (any::<prop::sample::Index>(), 0..3_usize, "[ -~\n\té🔑]{0,2}");
    let edits = prop_oneof![3 => Just(Vec::new()), 1 => proptest::collection::vec(edit, 1..3)];
    let one = (event(), edits).prop_map(|(mut text, edits)| {
        for (at, drop, put) in edits {
            let mut chars: Vec<char> = text.chars().collect();
            let at = at.index(chars.len() + 1);
            let end = (at + drop).min(chars.len());
            chars.splice(at..end, put.chars());
            text = chars.into_iter().collect();
        }
        text
    });
    (proptest::collection::vec(one, 1..4), 1..3_usize).prop_map(|(texts, times)| vec![texts; times].concat())
}

proptest! {
    #![proptest_config(Config::with_cases(cases(4_000)))]

    #[test]
    fn what_is_read_quickly_is_read_alike(texts in sender()) {
        compare(&reader(), &texts);
    }
}

const ORDINARY: &str = r#"{"timestamp":"2026-11-22T05:15:56.007Z","key":"key-0000001","user":"user-000004","model":"model-07","provider":"provider-1","endpoint":"/v1/chat/completions","status":200,"latency_ms":1094.83,"ttft_ms":210.05,"input_tokens":812,"output_tokens":96,"cache_read_tokens":5,"cache_write_tokens":6,"reasoning_tokens":7,"total_tokens":908,"cost":"0.004210000","currency":"USD","id":"c-1","job_id":"j","error":null,"status_code":200,"labels":{"region":"eu"},"x":{"y":[1,2]}}"#;

#[test]
fn ordinary_events_take_the_quick_way() {
    let spaced = ORDINARY.replace("\":", "\": ").replace(",\"", ", \"");
    let texts =
        [ORDINARY, &spaced, ORDINARY, r#"{"model":"m"}"#, ORDINARY, " { \"model\" : \"m\" } "].map(str::to_owned);
    for text in &texts {
        assert_eq!(compare(&reader(), std::slice::from_ref(text)), 1, "{text}");
    }
    assert_eq!(compare(&reader(), &texts), texts.len());
}

/// Every text within an edit of an ordinary one, after it and on its own, and every beginning of it.
#[test]
fn an_edit_makes_no_difference_between_the_ways() {
    let (reader, mut quickly) = (reader(), 0);
    for (at, _) in ORDINARY.char_indices() {
        let (before, after) = ORDINARY.split_at(at);
        let mut check = |text: String| {
            quickly += compare(&reader, &[ORDINARY.to_owned(), text.clone(), ORDINARY.to_owned()]) - 2;
            compare(&reader, &[text]);
        };
        check(before.to_owned());
        check(format!("{before}{}", &after[1..]));
        for put in ["\"", "\\", "0", ".", "-", "e", ",", ":", "{", "}", "]", " ", "\n", "\u{1}", "n", "é", "Z"] {
            check(format!("{before}{put}{after}"));
            check(format!("{before}{put}{}", &after[1..]));
        }
    }
    assert!(quickly > 2_000, "{quickly}");
}
