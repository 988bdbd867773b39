//! Small screens, both themes, both languages.

use crate::office::Hour;
use crate::office::office;
use crate::office::send;
use crate::support::Server;
use crate::tab::Tab;
use serde_json::Value;

fn open() -> (Server, Hour) {
    let (server, hour) = (Server::start(), Hour::past());
    let mut calls = office(&hour);
    calls[0]["user"] = Value::from("a user whose name is very long and has_no_place_to_break".repeat(3));
    calls[1]["model"] = Value::from("W".repeat(250));
    send(&server, &calls);
    (server, hour)
}

/// What is wider than the window, outside of what scrolls by itself.
const WIDER: &str = "document.documentElement.scrollWidth <= document.documentElement.clientWidth ? []
    : [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
        .map((e) => `${e.tagName}.${e.className}`).slice(0, 5)";

#[test]
fn nothing_is_wider_than_the_window() {
    let Some(tab) = Tab::new("nothing_is_wider_than_the_window") else { return };
    let (server, hour) = open();
    for width in [320, 390, 768, 1024, 1440, 2560] {
        tab.size(width, 844);
        for language in ["en", "zh"] {
            tab.open(&server, &format!("/?{}&lang={language}&f.user=ann&f.user=bo", hour.page()));
            assert_eq!(tab.js(WIDER), Value::Array(Vec::new()), "{width} px, {language}");
            tab.open(&server, &format!("/?{}&lang={language}&view=heat&compare=1", hour.page()));
            assert_eq!(tab.js(WIDER), Value::Array(Vec::new()), "{width} px, {language}, heat");
        }
    }
    tab.quiet(false);
}

#[test]
fn the_other_language_shows_the_same() {
    let Some(tab) = Tab::new("the_other_language_shows_the_same") else { return };
    let (server, hour) = open();
    tab.open(&server, &format!("/?{}&f.user=bo", hour.page()));
    let english = tab.js("document.body.innerText");
    tab.click("[data-control=language]");
    tab.until("Chinese", "document.documentElement.lang === 'zh-CN'");
    tab.settle();
    assert_eq!(tab.figure("requests"), "4", "the rest of the view stays");
    let chinese = tab.js("document.body.innerText");
    assert_ne!(english, chinese);
    assert!(chinese.as_str().unwrap().chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)));
    tab.reload();
    assert_eq!(tab.js("document.documentElement.lang"), "zh-CN", "it is remembered");
    tab.click("[data-control=language]");
    tab.until("English", "document.documentElement.lang === 'en'");
    tab.settle();
    tab.quiet(false);
}

#[test]
fn the_theme_follows_the_system_until_it_is_chosen() {
    let Some(tab) = Tab::new("the_theme_follows_the_system_until_it_is_chosen") else { return };
    let (server, hour) = open();
    tab.open(&server, &format!("/?{}", hour.page()));
    let paper = "getComputedStyle(document.body).backgroundColor";
    tab.scheme("light");
    let light = tab.js(paper);
    tab.scheme("dark");
    tab.until("the dark of the system", &format!("{paper} !== {light}"));
    tab.click("[data-control=theme]");
    tab.until("light, because it was chosen", &format!("{paper} === {light}"));
    tab.reload();
    assert_eq!(tab.js(paper), light, "it is remembered");
    tab.scheme("");
    tab.quiet(false);
}
