//! The page without a pointer.

use crate::office::Hour;
use crate::office::office;
use crate::office::send;
use crate::support::Server;
use crate::tab::Tab;
use serde_json::Value;
use serde_json::json;

const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";

/// What a key can reach: of a group of radio buttons one, the others by arrows.
const CONTROLS: &str = "[...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')]
    .filter((e) => e.tabIndex >= 0 && !e.disabled && e.checkVisibility({ visibilityProperty: true }))";

fn open() -> (Server, Hour) {
    let (server, hour) = (Server::start(), Hour::past());
    send(&server, &office(&hour));
    (server, hour)
}

#[test]
fn tab_reaches_every_control_and_each_has_a_name_and_a_visible_focus() {
    let Some(tab) = Tab::new("tab_reaches_every_control_and_each_has_a_name_and_a_visible_focus") else { return };
    let (server, hour) = open();
    tab.open(&server, &format!("/?{}&f.user=ann&f.user=bo", hour.page()));
    let count = tab.js(&format!("{CONTROLS}.map((e, i) => (e.dataset.reached = 'no', e)).length")).as_u64().unwrap();
    assert!(count > 30, "{count}");
    let nameless = tab.js(&format!(
        "{CONTROLS}.filter((e) => !(e.innerText?.trim() || e.getAttribute('aria-label') || e.labels?.length || e.title
            || e.getAttribute('aria-labelledby'))).map((e) => e.outerHTML.slice(0, 120))"
    ));
    assert_eq!(nameless, json!([]), "controls without a name");
    tab.js("document.activeElement.blur()");
    for _ in 0..count + 5 {
        tab.press(TAB);
        tab.js("document.activeElement.dataset.reached = 'yes'");
    }
    let missed = tab.js("[...document.querySelectorAll('[data-reached=no]')].map((e) => e.outerHTML.slice(0, 160))");
    assert_eq!(missed, json!([]), "controls that Tab does not reach");

    tab.js("document.querySelector('[data-panel=top] [data-row] button').focus()");
    tab.press(TAB);
    let ring = tab.js(
        "((style) => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== 'none')
            (getComputedStyle(document.activeElement))",
    );
    assert_eq!(ring, true, "who uses keys sees where they are");
    tab.quiet(false);
}

#[test]
fn enter_space_arrows_and_escape_do_what_a_pointer_does() {
    let Some(tab) = Tab::new("enter_space_arrows_and_escape_do_what_a_pointer_does") else { return };
    let (server, hour) = open();
    tab.open(&server, &format!("/?{}", hour.page()));
    let focus = |selector: &str| {
        tab.js(&format!("document.querySelector({})?.focus({{ focusVisible: true }})", json!(selector)))
    };

    focus("[data-panel=top] [data-row=bo] button");
    tab.press(ENTER);
    tab.until_figure("requests", 4);
    tab.settle();
    focus("[data-chip=user] .chip-close");
    tab.press(" ");
    tab.until_figure("requests", 12);
    tab.settle();

    focus("[data-control=compare]");
    tab.press(" ");
    tab.until(
        "the comparison",
        "document.querySelector('[data-control=compare]').getAttribute('aria-pressed') === 'true'",
    );
    tab.settle();

    focus("[data-control=top] [aria-checked=true]");
    tab.press("\u{e014}"); // →
    tab.until(
        "the next of the choices",
        "!document.querySelector('[data-panel=top] [data-row=ann]') && document.activeElement.role === 'radio'",
    );
    tab.settle();

    focus("[data-control=zone]");
    tab.press(ENTER);
    tab.until("the search has the focus", "document.activeElement.dataset.control === 'zone-search'");
    tab.press(ESCAPE);
    tab.until("the focus is back", "document.activeElement.dataset.control === 'zone'");
    tab.quiet(false);
}

#[test]
fn a_chart_is_read_and_zoomed_with_keys() {
    let Some(tab) = Tab::new("a_chart_is_read_and_zoomed_with_keys") else { return };
    let (server, hour) = open();
    tab.open(&server, &format!("/?{}", hour.page()));
    tab.js("document.querySelector('[data-chart=requests]').focus()");
    tab.press("\u{e011}"); // Home
    let spoken = tab.until(
        "it says what it shows",
        "document.querySelector('[data-chart=requests] [aria-live]')?.textContent || false",
    );
    assert_ne!(spoken, Value::Null);
    // With Shift the steps take a part with them, which Enter zooms into.
    tab.press("\u{e008}\u{e014}\u{e014}\u{e014}\u{e014}");
    tab.press(ENTER);
    tab.until("another range", &format!("!location.search.includes('to={}')", hour.to() * 1_000));
    tab.settle();
    tab.quiet(false);
}
