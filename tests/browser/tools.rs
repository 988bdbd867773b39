//! What the page hands out: the question as a command, the answer as a file.

use crate::office::Hour;
use crate::office::office;
use crate::office::send;
use crate::skipping;
use crate::support::Server;
use crate::tab::Tab;
use serde_json::Value;
use serde_json::json;
use std::fs;
use std::process::Command;

/// What the page copied for a panel.
fn copied(tab: &Tab, panel: &str) -> String {
    tab.click(&format!("[data-panel={panel}] [data-control=curl]"));
    tab.until("it is copied", &format!("document.querySelector('[data-panel={panel}] [data-control=curl].is-done')"));
    tab.promised("navigator.clipboard.readText()").as_str().unwrap().to_owned()
}

#[test]
fn the_copied_command_asks_what_the_page_asked_and_the_file_holds_it() {
    let test = "the_copied_command_asks_what_the_page_asked_and_the_file_holds_it";
    if !skipping::have(&["curl"], test) {
        return;
    }
    let Some(tab) = Tab::new(test) else { return };
    let (server, hour) = (Server::start(), Hour::past());
    // A quote in a value would end the quotes of the command.
    let mut calls = office(&hour);
    calls[0]["user"] = json!("o'neil $(id) `id`");
    send(&server, &calls);
    let downloads = tempfile::tempdir().unwrap();
    tab.devtools(
        "Browser.grantPermissions",
        &json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] }),
    );
    let folder = json!({ "behavior": "allow", "downloadPath": downloads.path() });
    tab.devtools("Browser.setDownloadBehavior", &folder);

    for filter in ["", "&f.user=o%27neil+%24%28id%29+%60id%60"] {
        tab.open(&server, &format!("/?{}{filter}", hour.page()));
        let command = copied(&tab, "top");
        let ran = Command::new("bash").args(["-c", &command]).output().unwrap();
        let told: Value =
            serde_json::from_slice(&ran.stdout).unwrap_or_else(|fault| panic!("{command}: {fault}: {ran:?}"));
        assert_eq!(told["totals"]["requests"].as_f64(), tab.number("requests"), "{command}");
        assert_eq!(told["data"].as_array().unwrap().len(), tab.rows("top").len());

        tab.click("[data-panel=top] [data-control=csv]");
        let file = tab.wait_for("a file", || {
            let mut files = fs::read_dir(downloads.path()).unwrap().map(|entry| entry.unwrap().path());
            files.find(|file| file.extension().is_some_and(|kind| kind == "csv"))
        });
        let saved = fs::read_to_string(&file).unwrap();
        // The table on the page compares with the time before; the file is about the range alone.
        let command = command.replace("curl -s ", "curl -s -H 'accept: text/csv' ").replace("&compare=previous", "");
        let ran = Command::new("bash").args(["-c", &command]).output().unwrap();
        assert_eq!(saved, String::from_utf8(ran.stdout).unwrap());
        assert_eq!(saved.lines().count(), tab.rows("top").len() + 1);
        fs::remove_file(file).unwrap();
    }
    tab.quiet(false);
}

#[test]
fn without_scripts_the_page_says_where_the_figures_are() {
    let Some(tab) = Tab::new("without_scripts_the_page_says_where_the_figures_are") else { return };
    let server = Server::start();
    tab.devtools("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
    tab.go(&server, "/");
    let page = tab.source();
    assert!(page.contains("/v1/usage"), "{page}");
    tab.devtools("Emulation.setScriptExecutionDisabled", &json!({ "value": false }));
}
