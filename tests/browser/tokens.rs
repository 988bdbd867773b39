//! A server that asks for a token.

use crate::office::Hour;
use crate::office::office;
use crate::support::Server;
use crate::tab::Tab;
use serde_json::json;
use std::path::Path;
use std::process::Command;

/// A new token of the server of this folder.
fn token(data: &Path, args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tallyring"));
    let made = command.args(["token", "create", "--data-dir"]).arg(data).args(args).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

const DIALOG: &str = "document.querySelector('dialog[data-dialog=token]')?.open";
const PLACE: &str = "dialog[data-dialog=token] [data-control=token]";
const ENTER: &str = "\u{e007}";

fn answer(tab: &Tab, token: &str) {
    tab.until("the dialog", DIALOG);
    tab.js(&format!("document.querySelector('{PLACE}').value = ''"));
    tab.click(PLACE);
    tab.press(&format!("{token}{ENTER}"));
}

#[test]
fn the_page_asks_for_a_token_and_shows_what_its_holder_may_see() {
    let Some(tab) = Tab::new("the_page_asks_for_a_token_and_shows_what_its_holder_may_see") else { return };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let all = token(&data, &["--name", "all", "--scope", "admin"]);
    let ann = token(&data, &["--name", "ann", "--scope", "read", "--only", "user=ann"]);
    let mut server = Server::begin_in(&data, &[], None);
    server.wait_until_ready();
    let hour = Hour::past();
    let authorization = format!("Bearer {all}");
    let headers = [("content-type", "application/json"), ("authorization", authorization.as_str())];
    let sent = server.request("POST", "/v1/events", &headers, json!(office(&hour)).to_string().as_bytes());
    assert_eq!(sent.counts(200), (12, 0, 0));

    tab.go(&server, &format!("/?{}", hour.page()));
    answer(&tab, "tr_wrong_0123456789abcdef");
    tab.until("it is refused", "document.querySelector('dialog [role=alert]').textContent !== ''");
    assert_eq!(tab.js(DIALOG), true);
    answer(&tab, &all);
    tab.until_figure("requests", 12);
    tab.settle();
    tab.reload();
    assert_eq!(tab.figure("requests"), "12", "it is asked for once in a tab");
    let kept =
        "`${location.href} ${document.cookie} ${JSON.stringify(localStorage)} ${document.documentElement.outerHTML}`";
    assert!(!tab.js(kept).as_str().unwrap().contains(&all), "the token is in the session of the tab alone");

    tab.click("[data-control=forget]");
    answer(&tab, &ann);
    tab.until_figure("requests", 6);
    tab.settle();
    let rows = tab.rows("top");
    assert!(rows.len() == 1 && (rows[0] == "ann" || rows[0].starts_with("sk-p…ann1.")), "{rows:?}");
    assert_eq!(tab.js("document.querySelectorAll('[data-forced=user]').length"), 1, "and says why");
    assert!(!tab.js("document.body.innerText").as_str().unwrap().contains("qwen-plus"), "others' calls stay hidden");
    tab.quiet(true);
}
