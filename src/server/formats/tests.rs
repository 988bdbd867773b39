//! Both formats as tables: what a text becomes, and which field a fault names.

use super::*;
use crate::engine::event::Dimension;
use crate::engine::money::Currency;
use crate::engine::money::Money;
use proptest::prelude::*;
use serde_json::json;

const LONG: &str = "sk-canary-0123456789abcdef-a1b2";

fn reader() -> Reader {
    Reader::new(Arc::new(Keyring::new([7; 32])), &["region".to_owned()], 8_192)
}

fn now() -> Timestamp {
    Timestamp::from_secs(1_795_324_556)
}

/// Reads a text and looks at the event.
fn with<T>(format: Format, text: &str, look: impl FnOnce(&Event<'_>) -> T) -> T {
    let reader = reader();
    let draft = reader.read(format, text).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
    look(&draft.event(now()))
}

fn measures(format: Format, text: &str) -> Measures {
    with(format, text, |event| event.measures)
}

/// The pointer of the fault in a text: found on reading, or by the event's own check.
fn fault(format: Format, text: &str) -> String {
    match reader().read(format, text) {
        Err(fault) => {
            assert!(!fault.detail.is_empty() && !fault.detail.contains("canary"), "{fault:?}");
            fault.pointer.into_owned()
        }
        Ok(draft) => format.pointers()(draft.event(now()).check().expect_err(text).pointer).to_owned(),
    }
}

#[test]
fn a_full_event_is_read_field_by_field() {
    let text = json!({
        "id": "c-1", "timestamp": "2026-11-22T13:15:56.25+08:00", "key": LONG, "user": "ann", "model": "m",
        "provider": "p", "endpoint": "/v1/chat", "status": 200, "latency_ms": 1094.83, "ttft_ms": "210",
        "input_tokens": 1, "output_tokens": "2", "cache_read_tokens": 3, "cache_write_tokens": 4,
        "reasoning_tokens": 5, "total_tokens": 6, "cost": "0.00421", "currency": "eur", "job_id": "j",
        "error": "e", "labels": {"region": "eu", "other": 1}, "unheard_of": {"a": [1]}
    });
    with(Format::Native, &text.to_string(), |event| {
        let key = Keyring::new([7; 32]).public_name(LONG);
        assert_eq!(event.dimensions.0[..7], [key.as_str(), "ann", "m", "p", "/v1/chat", "200", "eu"]);
        assert_eq!((event.id, event.job_id, event.error), ("c-1", "j", "e"));
        assert_eq!(event.timestamp.to_string(), "2026-11-22T05:15:56.25Z");
        let expected = Measures {
            latency_us: Some(1_094_830),
            ttft_us: Some(210_000),
            input_tokens: Some(1),
            output_tokens: Some(2),
            cache_read_tokens: Some(3),
            cache_write_tokens: Some(4),
            reasoning_tokens: Some(5),
            total_tokens: Some(6),
            cost: Money::parse("0.00421", Currency::parse("EUR").unwrap()).ok(),
        };
        assert_eq!(event.measures, expected);
    });
}

#[test]
fn absent_and_null_are_the_same_and_not_zero() {
    let nulls = r#"{"id":null,"timestamp":null,"key":null,"user":null,"model":"m","status":null,"status_code":null,
        "latency_ms":null,"input_tokens":null,"cost":null,"currency":null,"job_id":null,"error":null,"labels":null}"#;
    let reader = reader();
    for text in [r#"{"model":"m"}"#, nulls] {
        let draft = reader.read(Format::Native, text).unwrap();
        assert!(!draft.timed());
        let event = draft.event(now());
        let plain = Event {
            timestamp: now(),
            dimensions: Dimensions::default().with(Dimension::Model, "m"),
            ..Event::default()
        };
        assert_eq!(event, plain, "{text}");
    }
    assert_eq!(measures(Format::Native, r#"{"model":"m","input_tokens":0,"cost":0}"#).input_tokens, Some(0));
    assert_eq!(measures(Format::Native, r#"{"model":"m","cost":0}"#).cost.map(|cost| cost.nanos), Some(0));
}

#[test]
fn numbers_are_read_exactly() {
    let latency =
        |number: &str| measures(Format::Native, &format!(r#"{{"model":"m","latency_ms":{number}}}"#)).latency_us;
    for (number, us) in [
        ("0", 0),
        ("-0.0", 0),
        ("0.001", 1),
        ("0.0004", 0),
        ("0.0005", 1),
        ("\"12.3456\"", 12_346),
        ("1e3", 1_000_000),
        ("1.5E-2", 15),
        ("86400000", 86_400_000_000),
        ("9007199254740993e-10", 900_719_925),
    ] {
        assert_eq!(latency(number), Some(us), "{number}");
    }
    let tokens =
        |number: &str| measures(Format::Native, &format!(r#"{{"model":"m","input_tokens":{number}}}"#)).input_tokens;
    for (number, count) in [("0", 0), ("12.0", 12), ("\" 7 \"", 7), ("100000000", 100_000_000)] {
        assert_eq!(tokens(number), Some(count), "{number}");
    }
    let cost =
        |number: &str| measures(Format::Native, &format!(r#"{{"model":"m","cost":{number}}}"#)).cost.unwrap().nanos;
    for (number, nanos) in
        [("0.1", 100_000_000), ("\"0.000000001\"", 1), ("1.2e-5", 12_000), ("9223372036", 9_223_372_036_000_000_000)]
    {
        assert_eq!(cost(number), nanos, "{number}");
    }
}

#[test]
fn a_status_is_a_code_or_a_word_and_never_better_than_told() {
    for (fields, status) in [
        (r#""status":429"#, "429"),
        (r#""status":"429""#, "429"),
        (r#""status":"OK""#, "success"),
        (r#""status":"succeed\u0065d""#, "success"),
        (r#""status":"cancelled""#, "cancelled"),
        (r#""status":"failure","status_code":429"#, "429"),
        (r#""status":"success","status_code":499"#, "499"),
        (r#""status":"success","status_code":"201""#, "201"),
        (r#""status":"failed","status_code":200"#, "failed"),
        (r#""status":500,"status_code":200"#, "500"),
        (r#""status_code":503"#, "503"),
        (r#""status":null"#, ""),
    ] {
        with(Format::Native, &format!(r#"{{"model":"m",{fields}}}"#), |event| {
            assert_eq!(event.dimensions.get(Dimension::Status), status, "{fields}");
        });
    }
}

#[test]
fn every_fault_names_its_field() {
    let long = format!("\"{}\"", "x".repeat(257));
    let cases = [
        ("timestamp", vec!["\"yesterday\"", "-1", "true", "{}", "\"\"", "1e20"]),
        ("key", vec!["7", "[]", &long]),
        ("user", vec!["7", "false", &long, r#""\ud800""#]),
        ("model", vec!["7", &long]),
        ("provider", vec!["{}", &long]),
        ("endpoint", vec!["7", &long]),
        ("status", vec!["true", "-1", "2.5", "1000", "[]", &long]),
        ("status_code", vec!["99", "600", "\"abc\"", "20", "true"]),
        ("latency_ms", vec!["-1", "\"\"", "\"nan\"", "\"fast\"", "true", "1e999", "86400001", "[]"]),
        ("ttft_ms", vec!["-0.5", "1e300"]),
        ("input_tokens", vec!["-1", "1.5", "\"\"", "\"NaN\"", "100000001", "1e3", "99999999999999999999", "true"]),
        ("output_tokens", vec!["-1"]),
        ("cache_read_tokens", vec!["-1"]),
        ("cache_write_tokens", vec!["{}"]),
        ("reasoning_tokens", vec!["\"x\""]),
        ("total_tokens", vec!["100000001"]),
        ("cost", vec!["-0.1", "\"\"", "\"nan\"", "\"inf\"", "\"1,5\"", "1e999", "9223372037", "true", "[1]"]),
        ("currency", vec!["\"\"", "\"0.001\"", "\"ZZZ\"", "7"]),
        ("id", vec!["7", &long]),
        ("job_id", vec!["{}", &long]),
        ("error", vec!["7", "{}"]),
        ("labels", vec!["7", "[]", "\"x\""]),
    ];
    for (field, values) in cases {
        for value in values {
            let rest = if field == "model" { "\"user\":\"u\"" } else { "\"model\":\"m\"" };
            let text = format!("{{{rest},\"{field}\":{value}}}");
            assert_eq!(fault(Format::Native, &text), format!("/{field}"), "{text}");
        }
    }
    for labels in [r#"{"region":7}"#, &format!(r#"{{"region":{long}}}"#), r#"{"region":"a","region":"b"}"#] {
        assert_eq!(fault(Format::Native, &format!(r#"{{"model":"m","labels":{labels}}}"#)), "/labels/region");
    }
}

#[test]
fn what_is_no_object_is_at_fault_as_a_whole() {
    for text in [
        "7",
        "\"x\"",
        "null",
        "[]",
        "{",
        r#"{"model":"m""#,
        r#"{"model":"m"} x"#,
        r#"{"model":"m",}"#,
        r#"{"model":"m","cost":NaN}"#,
        r#"{"model":"m","input_tokens":01}"#,
        "{model:1}",
        "{}",
        r#"{"labels":{}}"#,
    ] {
        assert_eq!(fault(Format::Native, text), "", "{text}");
    }
    let nested = |arrays: usize| format!(r#"{{"model":"m","x":{}{}}}"#, "[".repeat(arrays), "]".repeat(arrays));
    with(Format::Native, &nested(127), |event| assert_eq!(event.dimensions.get(Dimension::Model), "m"));
    for arrays in [128, 4_000] {
        assert_eq!(fault(Format::Native, &nested(arrays)), "", "{arrays}");
    }
    let long = format!(r#"{{"model":"m","x":"{}"}}"#, "y".repeat(8_192));
    assert_eq!(fault(Format::Native, &long), "");
}

#[test]
fn a_known_field_given_twice_is_a_fault_and_an_unknown_one_is_not() {
    assert_eq!(fault(Format::Native, r#"{"model":"m","cost":1,"cost":2}"#), "/cost");
    assert_eq!(fault(Format::Native, r#"{"model":"m","cost":null,"c\u006fst":2}"#), "/cost");
    with(Format::Native, r#"{"x":1,"model":"m","x":2}"#, |event| {
        assert_eq!(event.dimensions.get(Dimension::Model), "m");
    });
}

#[test]
fn no_key_survives_reading() {
    let text = json!({"key": LONG, "error": format!("bad key {LONG}, or sk-canary-another-0123")}).to_string();
    with(Format::Native, &text, |event| assert!(!format!("{event:?}").contains("canary-"), "{event:?}"));
    let text = json!({"key": LONG, "error_message": format!("bad key {LONG}")}).to_string();
    with(Format::Dify, &text, |event| assert!(!format!("{event:?}").contains("canary-"), "{event:?}"));
}

#[test]
fn strings_keep_whatever_they_hold() {
    for value in ["a/b", "a b", "🔑", "<script>alert(1)</script>", "a\nb\t\u{0}", "\u{202e}abc", "\"quoted\\\""] {
        with(Format::Native, &json!({"user": value}).to_string(), |event| {
            assert_eq!(event.dimensions.get(Dimension::User), value);
        });
    }
}

/// A Dify call with this `usage`.
fn dify(usage: &str) -> String {
    format!(
        r#"{{"user_id":"u","api_endpoint":"/chat","metadata":{{"usage":{usage}}},"response_time_ms":5,"success":true}}"#
    )
}

#[test]
fn a_dify_call_is_read_field_by_field() {
    let text = r#"{"user_id":42,"job_id":7,"api_endpoint":"/v1/chat-messages","response_time_ms":"1830.5","success":false,
        "error_message":"boom","timestamp":1795324556,"model":"m","key":"k","id":9,"metadata":{"usage":{
        "prompt_tokens":1033,"prompt_unit_price":"0.001","prompt_price_unit":"0.001","prompt_price":"0.0010330",
        "completion_tokens":128,"completion_price":"0.0002560","total_tokens":1161,"total_price":"0.0012890",
        "currency":"USD","latency":1.83},"retriever_resources":[]}}"#;
    with(Format::Dify, text, |event| {
        assert_eq!(event.dimensions.0[1..6], ["42", "m", "", "/v1/chat-messages", "failed"]);
        assert_eq!((event.id, event.job_id, event.error, event.timestamp), ("9", "7", "boom", now()));
        let expected = Measures {
            latency_us: Some(1_830_500),
            input_tokens: Some(1033),
            output_tokens: Some(128),
            total_tokens: Some(1161),
            cost: Money::parse("0.001289", Currency::USD).ok(),
            ..Measures::default()
        };
        assert_eq!(event.measures, expected);
    });
}

#[test]
fn dify_prices_follow_their_rule() {
    for (usage, nanos) in [
        (r#"{"total_price":"0.0012890"}"#, Some(1_289_000)),
        (r#"{"total_price":"0.00004"}"#, Some(40_000)),
        (r#"{"total_price":"0","prompt_price":"1"}"#, Some(0)),
        (r#"{"total_price":0.1,"prompt_price":"1"}"#, Some(100_000_000)),
        (r#"{"prompt_price":"0.1","completion_price":"0.2"}"#, Some(300_000_000)),
        (r#"{"total_price":null,"prompt_price":"0.000000001","completion_price":0.000000002}"#, Some(3)),
        (r#"{"completion_price":"0.2"}"#, Some(200_000_000)),
        (r#"{"total_price":"1e9"}"#, Some(1_000_000_000_000_000_000)),
        (r#"{"total_price":null}"#, None),
        ("{}", None),
        ("null", None),
    ] {
        let found = measures(Format::Dify, &dify(usage)).cost;
        assert_eq!(found.map(|cost| cost.nanos), nanos, "{usage}");
        assert!(found.is_none_or(|cost| cost.currency == Currency::USD));
    }
    let yuan = measures(Format::Dify, &dify(r#"{"total_price":"1","currency":"RMB","prompt_price_unit":"0.001"}"#));
    assert_eq!(yuan.cost.unwrap().currency.code(), "CNY");
}

#[test]
fn dify_tokens_tell_zero_from_absent() {
    let told = |usage: &str| {
        let found = measures(Format::Dify, &dify(usage));
        (found.input_tokens, found.output_tokens, found.total())
    };
    assert_eq!(told(r#"{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}"#), (Some(0), Some(0), Some(0)));
    assert_eq!(told(r#"{"prompt_tokens":3,"completion_tokens":"4"}"#), (Some(3), Some(4), Some(7)));
    assert_eq!(
        told(r#"{"prompt_tokens":3,"completion_tokens":4,"total_tokens":0}"#).2,
        Some(0),
        "an explicit zero stands"
    );
    assert_eq!(told(r#"{"prompt_tokens":3,"total_tokens":null}"#), (Some(3), None, Some(3)));
    for usage in ["null", "{}"] {
        assert_eq!(told(usage), (None, None, None), "{usage}");
    }
    for text in [r#"{"user_id":"u"}"#, r#"{"user_id":"u","metadata":null}"#, r#"{"user_id":"u","metadata":{}}"#] {
        assert_eq!(measures(Format::Dify, text), Measures::default(), "{text}");
    }
}

#[test]
fn dify_seconds_count_only_without_milliseconds() {
    let latency = |fields: &str| measures(Format::Dify, &format!(r#"{{"user_id":"u",{fields}}}"#)).latency_us;
    let usage = r#""metadata":{"usage":{"latency":1.83}}"#;
    assert_eq!(latency(usage), Some(1_830_000));
    assert_eq!(latency(&format!(r#""response_time_ms":null,{usage}"#)), Some(1_830_000));
    assert_eq!(latency(&format!(r#""response_time_ms":0,{usage}"#)), Some(0));
}

#[test]
fn dify_success_has_a_default_and_null_is_unknown() {
    for (fields, status) in [
        (r#""success":true"#, "success"),
        (r#""success":"True""#, "success"),
        (r#""success":1"#, "success"),
        (r#""success":false"#, "failed"),
        (r#""success":0"#, "failed"),
        (r#""error_message":null"#, "success"),
        (r#""error_message":"boom""#, "failed"),
        (r#""success":true,"error_message":"retried""#, "success"),
        (r#""success":null"#, ""),
    ] {
        with(Format::Dify, &format!(r#"{{"user_id":"u",{fields}}}"#), |event| {
            assert_eq!(event.dimensions.get(Dimension::Status), status, "{fields}");
        });
    }
}

#[test]
fn every_dify_fault_names_its_field() {
    for (usage, pointer) in [
        (r#"{"total_price":""}"#, "/total_price"),
        (r#"{"total_price":"nan"}"#, "/total_price"),
        (r#"{"total_price":"-0.1"}"#, "/total_price"),
        (r#"{"total_price":-1}"#, "/total_price"),
        (r#"{"total_price":"1e10"}"#, "/total_price"),
        (r#"{"total_price":[]}"#, "/total_price"),
        (r#"{"prompt_price":"x","completion_price":"1"}"#, "/prompt_price"),
        (r#"{"prompt_price":"9e9","completion_price":"9e9"}"#, "/completion_price"),
        (r#"{"prompt_tokens":-1}"#, "/prompt_tokens"),
        (r#"{"prompt_tokens":1e9}"#, "/prompt_tokens"),
        (r#"{"prompt_tokens":1000000000}"#, "/prompt_tokens"),
        (r#"{"completion_tokens":"1.5"}"#, "/completion_tokens"),
        (r#"{"total_tokens":true}"#, "/total_tokens"),
        (r#"{"currency":"0.001"}"#, "/currency"),
        (r#"{"latency":"slow"}"#, "/latency"),
        (r#"{"latency":90000}"#, ""),
        ("[]", ""),
        ("\"x\"", ""),
    ] {
        let text = dify(usage).replace(r#""response_time_ms":5,"#, "");
        let expected = match usage {
            r#"{"latency":90000}"# => "/response_time_ms".to_owned(),
            _ => format!("/metadata/usage{pointer}"),
        };
        assert_eq!(fault(Format::Dify, &text), expected, "{usage}");
    }
    let long = "x".repeat(257);
    for (text, pointer) in [
        (r#"{"user_id":"u","metadata":[]}"#, "/metadata"),
        (r#"{"user_id":"u","metadata":{"usage":null,"usage":null}}"#, "/metadata/usage"),
        (r#"{"user_id":1.5}"#, "/user_id"),
        (&format!(r#"{{"user_id":"{long}"}}"#), "/user_id"),
        (&format!(r#"{{"api_endpoint":"{long}"}}"#), "/api_endpoint"),
        (r#"{"user_id":"u","success":"maybe"}"#, "/success"),
        (r#"{"user_id":"u","response_time_ms":-1}"#, "/response_time_ms"),
        (r#"{"user_id":"u","response_time_ms":86400001}"#, "/response_time_ms"),
        (r#"{"user_id":"u","timestamp":"never"}"#, "/timestamp"),
    ] {
        assert_eq!(fault(Format::Dify, text), pointer, "{text}");
    }
}

/// A text, or none.
fn texts() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("\\PC{0,40}|[\\x00-\\x20\"\\\\/]{1,8}")
}

proptest! {
    /// Whatever a sender says comes back as it was, however its JSON is written.
    #[test]
    fn any_valid_event_survives_reading(
        strings in proptest::array::uniform6(texts()),
        numbers in proptest::array::uniform6(proptest::option::of(0..=MAX)),
        us in proptest::option::of(0..=86_400_000_000_u64),
        nanos in proptest::option::of(0..=i64::MAX),
        secs in 0..=4_000_000_000_i64,
        (pretty, quoted) in any::<(bool, bool)>(),
    ) {
        let number = |n: Option<u64>| n.map(|n| if quoted { json!(n.to_string()) } else { json!(n) });
        let decimal = |nanos: i64| format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
        let event = json!({
            "user": strings[0], "model": strings[1], "provider": strings[2], "endpoint": strings[3],
            "id": strings[4], "job_id": strings[5], "timestamp": secs,
            "latency_ms": us.map(|us| format!("{}.{:03}", us / 1_000, us % 1_000)),
            "input_tokens": number(numbers[0]), "output_tokens": number(numbers[1]),
            "cache_read_tokens": number(numbers[2]), "cache_write_tokens": number(numbers[3]),
            "reasoning_tokens": number(numbers[4]), "total_tokens": number(numbers[5]),
            "cost": nanos.map(decimal), "currency": "CNY",
        });
        let text = if pretty { serde_json::to_string_pretty(&event) } else { serde_json::to_string(&event) }.unwrap();
        let (reader, told) = (reader(), |place: usize| strings[place].as_deref().unwrap_or(""));
        let draft = reader.read(Format::Native, &text).unwrap();
        let read = draft.event(now());
        prop_assert_eq!(&read.dimensions.0[..6], &["", told(0), told(1), told(2), told(3), ""][..]);
        prop_assert_eq!((read.id, read.job_id), (told(4), told(5)));
        prop_assert_eq!(read.timestamp, Timestamp::from_secs(secs));
        let cny = Currency::parse("CNY").unwrap();
        let expected = Measures {
            latency_us: us, ttft_us: None, input_tokens: numbers[0], output_tokens: numbers[1],
            cache_read_tokens: numbers[2], cache_write_tokens: numbers[3], reasoning_tokens: numbers[4],
            total_tokens: numbers[5], cost: nanos.map(|nanos| Money { nanos, currency: cny }),
        };
        prop_assert_eq!(read.measures, expected);
    }

    /// Nothing a sender can write makes a reader panic.
    #[test]
    fn no_text_panics(text in "\\PC{0,200}", structured in "[{}\\[\\]\",:0-9a-z\\\\ .eE+-]{0,200}") {
        for text in [text, structured.clone(), format!("{{\"cost\":{structured}}}"), format!("{{\"timestamp\":\"{structured}\"}}")] {
            let _ = reader().read(Format::Native, &text).map(|_| ());
            let _ = reader().read(Format::Dify, &text).map(|_| ());
            if let Ok(pieces) = framing::Pieces::of(text.as_bytes(), false) {
                let _ = pieces.count();
            }
        }
    }
}

const MAX: u64 = crate::engine::event::MAX_TOKENS;
