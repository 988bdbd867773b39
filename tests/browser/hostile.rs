//! Values that would be code if a page let them: through JSON, the journal and a restart onto the
//! page, in every place where a call says something. Nothing is run, and each is shown as it is.

use crate::hostile_texts::STRINGS;
use crate::office::Hour;
use crate::office::call;
use crate::office::send;
use crate::skipping;
use crate::support::Server;
use crate::support::now;
use crate::tab::Tab;
use serde_json::Value;
use serde_json::json;
use std::path::Path;

/// What a value looks like on the page: what could not be seen is made visible.
fn shown(value: &str) -> String {
    let visible = |c: char| match u32::from(c) {
        code @ 0..0x20 => char::from_u32(0x2400 + code).unwrap(),
        0x202e => '\u{fffd}',
        _ => c,
    };
    value.chars().map(visible).collect()
}

/// A call that says one thing everywhere. Its key says more: where another field repeats a raw key,
/// the server writes the key's public name.
fn says(hour: &Hour, place: usize, text: &str) -> Value {
    let key = format!("{text} is the key of call {place} {text}");
    call(
        hour.from + place as u64,
        &json!({
            "id": format!("{place} {text}"), "key": key, "user": text, "model": text, "provider": text, "endpoint": text,
            "status": text, "error": text, "job_id": text, "labels": { "team": text }, "latency_ms": 10, "cost": "0.01",
        }),
    )
}

/// A server that took all of them, and has started again.
fn served(folder: &Path, hour: &Hour) -> Server {
    let config = folder.join("config.toml");
    std::fs::write(&config, "labels = [\"team\"]\n").unwrap();
    let args = ["--config", config.to_str().unwrap()];
    let data = folder.join("data");
    let server = Server::start_in(&data, &args, None);
    let long = "A".repeat(64 << 10);
    assert_eq!(server.post("/v1/events", json!([says(hour, 99, &long)]).to_string()).counts(200), (0, 0, 1));
    let calls: Vec<_> = STRINGS.iter().enumerate().map(|(place, text)| says(hour, place, text)).collect();
    send(&server, &calls);
    server.kill();
    Server::start_in(&data, &args, None)
}

/// Elements that are none of the page's own.
const FOREIGN: &str = "document.querySelectorAll('iframe, frame, object, embed, img, math, base, form form, style, \
    svg foreignObject, a[href^=\"data:\"], a[href^=\"javascript:\"], [onerror], [onload]').length \
    + [...document.scripts].filter((script) => !script.src.startsWith(`${location.origin}/assets/`)).length";

#[track_caller]
fn harmless(tab: &Tab, what: &str) {
    assert_eq!(tab.js(FOREIGN), 0, "{what}");
    assert_eq!(tab.js("({}).polluted ?? Object.keys(Object.prototype).length"), 0, "{what}");
    tab.quiet(false);
}

/// The texts of the values of a panel, in no order.
fn texts(tab: &Tab, panel: &str, within: &str) -> Vec<String> {
    let texts = tab.js(&format!(
        "[...document.querySelectorAll('[data-panel={panel}] {within} .said')].map((e) => e.textContent)"
    ));
    let mut texts: Vec<String> = serde_json::from_value(texts).unwrap();
    texts.sort_unstable();
    texts
}

#[test]
fn hostile_values_are_shown_and_never_run() {
    let Some(tab) = Tab::new("hostile_values_are_shown_and_never_run") else { return };
    let (folder, hour) = (tempfile::tempdir().unwrap(), Hour::past());
    let server = served(folder.path(), &hour);
    let mut expected: Vec<_> = STRINGS.iter().map(|text| shown(text)).collect();
    expected.sort_unstable();

    for dimension in ["user", "model", "endpoint", "provider", "team", "key"] {
        tab.open(&server, &format!("/?{}&rows=100&top={dimension}&by={dimension}", hour.page()));
        if dimension == "key" {
            assert_eq!(tab.rows("top").len(), STRINGS.len(), "keys have names of their own");
        } else {
            let mut rows = tab.rows("top");
            rows.sort_unstable();
            let mut raw: Vec<_> = STRINGS.iter().map(ToString::to_string).collect();
            raw.sort_unstable();
            assert_eq!(rows, raw, "{dimension}");
            assert_eq!(texts(&tab, "top", "tr[data-row] th"), expected, "{dimension}");
        }
        harmless(&tab, dimension);
    }

    // Every call with all that it says: ids, errors, jobs, labels.
    let calls = tab.rows("calls");
    assert!(calls.len() >= 20, "{calls:?}");
    for (place, name) in calls.iter().enumerate() {
        let row = "[...document.querySelectorAll('[data-panel=calls] tr[data-row]')].find((row) => row.dataset.row === arguments[0])";
        tab.js_with(&format!("{row}.querySelector('button').click()"), vec![json!(name)]);
        let text = name.split_once(' ').unwrap().1;
        let told = tab.until("its error", "document.querySelector('.call-detail .call-error')?.textContent ?? false");
        // Lines of an error stay lines.
        assert_eq!(told.as_str().unwrap().replace('\n', "\u{240a}"), shown(text), "call {place}");
        tab.js_with(&format!("{row}.querySelector('button').click()"), vec![json!(name)]);
    }
    harmless(&tab, "calls");

    // As filters, which stand in the address too.
    for some in STRINGS.chunks(8) {
        let filters: String = some.iter().map(|text| format!("&f.user={}&f.team={0}", escaped(text))).collect();
        tab.open(&server, &format!("/?{}{filters}", hour.page()));
        tab.until_figure("requests", some.len() as u64);
        harmless(&tab, "filters");
    }
}

/// Every byte escaped that is not a letter or a digit.
fn escaped(text: &str) -> String {
    let byte = |b: u8| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") };
    text.bytes().map(byte).collect()
}

#[test]
fn hostile_addresses_show_a_page_all_the_same() {
    let Some(tab) = Tab::new("hostile_addresses_show_a_page_all_the_same") else { return };
    let server = Server::start();
    for text in STRINGS {
        let text = escaped(text);
        let path = format!(
            "/?range={text}&from={text}&to={text}&tz={text}&by={text}&top={text}&sort={text}&code={text}&view={text}\
             &lang={text}&at={text}&{text}={text}#{text}"
        );
        tab.open(&server, &path);
        assert_eq!(tab.js(FOREIGN), 0, "{path}");
    }
    // Names such as `constructor` may be those of labels: whether there are any, the API says.
    tab.quiet(true);
    // A filter by a dimension that there is not is refused by the API; the page says so.
    send(&server, &[call(now(), &json!({ "user": "ann" }))]);
    tab.go(&server, "/?f.%3Cscript%3Ealert(1)%3C/script%3E=%3Cimg%20src=x%20onerror=alert(1)%3E&f.__proto__=x");
    tab.until("it says so", "document.querySelector('[data-state=error]')");
    assert_eq!(tab.js(FOREIGN), 0);
    tab.quiet(true);
}

#[test]
fn a_planted_injection_would_be_noticed() {
    let test = "a_planted_injection_would_be_noticed";
    if !skipping::have(&["chromium", "chromedriver"], test) {
        return;
    }
    let Some(tab) = Tab::new(test) else { return };
    let server = Server::start();
    tab.open(&server, "/");
    tab.js("document.getElementById('main').innerHTML = '<img src=x onerror=alert(1)><script>alert(2)</script>'");
    assert_ne!(tab.js(FOREIGN), 0);
    tab.until("the policy refuses the handler", "window.seen.violations.length > 0");
    assert_eq!(tab.js("window.seen.dialogs"), json!([]), "the second line holds");
    tab.js("alert('as a script of the page would')");
    assert_eq!(tab.js("window.seen.dialogs.length"), 1);
}
