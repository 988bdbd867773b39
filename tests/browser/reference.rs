//! The reference page tells every operation, fits a phone, and asks the server on the reader's behalf.

use crate::support::Server;
use crate::tab::Tab;
use serde_json::Value;
use serde_json::json;

const HOSTILE: &str = r#"<img src=x onerror=alert(1)>"#;

/// What is asked about a user in the form of `GET /v1/events`.
const ASK: &str = "(() => {
    const form = document.querySelector('#calls form');
    const field = [...form.querySelectorAll('label')].find((label) => label.innerText.trim() === 'limit');
    field.querySelector('input').value = '1';
    form.requestSubmit();
    return true;
})()";

#[test]
fn every_operation_is_told() {
    let Some(tab) = Tab::new("every_operation_is_told") else { return };
    let server = Server::start();
    tab.go(&server, "/reference");
    tab.until("the document is drawn", "document.querySelectorAll('.card').length > 20");
    let document = server.get("/openapi.json").json();
    let paths = document["paths"].as_object().unwrap().values();
    let told: usize = paths.map(|methods| methods.as_object().unwrap().len()).sum();
    for list in [".card", ".entry"] {
        assert_eq!(tab.js(&format!("document.querySelectorAll('{list}').length")), told, "{list}");
    }
    for width in [1440, 390] {
        tab.size(width, 900);
        let fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth";
        assert_eq!(tab.js(fits), true, "something sticks out at {width} px");
    }
    tab.click(".menu");
    tab.until("the list is open", "document.querySelector('.index').checkVisibility()");
    tab.quiet(false);
}

#[test]
fn a_question_is_asked_and_its_answer_is_text() {
    let Some(tab) = Tab::new("a_question_is_asked_and_its_answer_is_text") else { return };
    let server = Server::start();
    let event = json!({ "user": HOSTILE, "model": "m", "status": 200 });
    assert_eq!(server.post("/v1/events", event.to_string()).status, 200);
    tab.go(&server, "/reference#calls");
    tab.until("the form is there", "!!document.querySelector('#calls form')");
    tab.js(ASK);
    tab.until("it is answered", "document.querySelector('#calls .verdict')?.innerText.startsWith('200')");
    let shown = |place: &str| tab.text(&format!("#calls .answer > .code:{place} pre"));
    assert_eq!(shown("first-child"), format!("curl -s 'http://{}/v1/events?limit=1'", server.address));
    let answer: Value = serde_json::from_str(&shown("last-child")).unwrap();
    assert_eq!(answer["calls"][0]["user"], HOSTILE);
    tab.quiet(false);
}
