//! A tab of the browser: what a test does with the page, and what the page shows.

use crate::driver;
use crate::driver::Browser;
use crate::skipping;
use crate::support::Server;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fantoccini::Locator;
use fantoccini::wd::WindowHandle;
use parking_lot::MutexGuard;
use serde_json::Value;
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

/// The longest wait for anything. It is for machines that are busy, not for the page.
const DEADLINE: Duration = Duration::from_secs(90);

/// Before every page: nothing may open a dialog, break the policy or fail unseen, in frames too.
const WATCH: &str = "{
    const seen = (window.top.seen ??= { dialogs: [], violations: [], errors: [] });
    for (const name of ['alert', 'confirm', 'prompt', 'print']) window[name] = (text) => seen.dialogs.push(`${name} ${text}`);
    addEventListener('securitypolicyviolation', (e) => seen.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
    addEventListener('error', (e) => seen.errors.push(String(e.message ?? e.target?.src ?? e.target?.href)), true);
    addEventListener('unhandledrejection', (e) => seen.errors.push(String(e.reason)));
}";

/// No panel waits for its first answer or for a new one.
const SETTLED: &str = "document.documentElement.dataset.ready === 'true'
    && document.querySelectorAll('[data-panel]').length > 5
    && !document.querySelector('[data-state=loading], [data-panel][aria-busy=true]')";

/// Closed when it is dropped.
pub(crate) struct Tab {
    browser: MutexGuard<'static, Option<Browser>>,
    first: WindowHandle,
}

impl Tab {
    /// An empty tab, once no other test has the browser; `None` where there is no browser.
    pub(crate) fn new(test: &str) -> Option<Self> {
        if !skipping::have(&["chromium", "chromedriver"], test) {
            return None;
        }
        let browser = driver::take();
        let one = browser.as_ref().unwrap();
        let first = one.wait(one.client.window());
        let opened = one.wait(one.client.new_window(true));
        one.wait(one.client.switch_to_window(opened.handle));
        one.log();
        let tab = Self { browser, first };
        tab.devtools("Page.enable", &json!({}));
        tab.devtools("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": WATCH }));
        tab.size(1440, 900);
        Some(tab)
    }

    fn one(&self) -> &Browser {
        self.browser.as_ref().unwrap()
    }

    pub(crate) fn devtools(&self, command: &str, params: &Value) -> Value {
        self.one().devtools(command, params)
    }

    /// The size of the window's inside.
    pub(crate) fn size(&self, width: u32, height: u32) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// `light`, `dark`, or `""` for the browser's own.
    pub(crate) fn scheme(&self, word: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": word });
        self.devtools("Emulation.setEmulatedMedia", &json!({ "features": [feature] }));
    }

    /// The whole page as a PNG.
    pub(crate) fn picture(&self, file: &Path) {
        let whole = json!({ "format": "png", "captureBeyondViewport": true });
        let told = self.devtools("Page.captureScreenshot", &whole);
        let bytes = BASE64_STANDARD.decode(told["data"].as_str().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }

    /// Goes to a page and waits for its figures.
    pub(crate) fn open(&self, server: &Server, path: &str) {
        self.go(server, path);
        self.settle();
    }

    /// Goes to a page that may have no figures.
    pub(crate) fn go(&self, server: &Server, path: &str) {
        self.visit(&format!("http://{}{path}", server.address));
    }

    pub(crate) fn visit(&self, url: &str) {
        self.one().wait(self.one().client.goto(url));
    }

    pub(crate) fn reload(&self) {
        self.one().wait(self.one().client.refresh());
        self.settle();
    }

    /// One step back in what was looked at.
    pub(crate) fn back(&self) {
        self.one().wait(self.one().client.back());
    }

    pub(crate) fn settle(&self) {
        self.until("the figures are there", SETTLED);
    }

    /// The value of an expression.
    pub(crate) fn js(&self, expression: &str) -> Value {
        self.js_with(expression, Vec::new())
    }

    /// The same with `arguments`.
    pub(crate) fn js_with(&self, expression: &str, arguments: Vec<Value>) -> Value {
        self.one().wait(self.one().client.execute(&format!("return ({expression});"), arguments))
    }

    /// The value of a promise.
    pub(crate) fn promised(&self, expression: &str) -> Value {
        let script = format!("({expression}).then(arguments[0], (fault) => arguments[0](String(fault)));");
        self.one().wait(self.one().client.execute_async(&script, Vec::new()))
    }

    /// Waits until an expression is true, and answers it.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, expression: &str) -> Value {
        self.wait_for(&format!("{what}\n{expression}"), || {
            Some(self.js(expression)).filter(|value| !matches!(value, Value::Null | Value::Bool(false)))
        })
    }

    /// Waits until there is something.
    #[track_caller]
    pub(crate) fn wait_for<T>(&self, what: &str, found: impl Fn() -> Option<T>) -> T {
        let since = Instant::now();
        loop {
            if let Some(value) = found() {
                return value;
            }
            assert!(since.elapsed() < DEADLINE, "waited for: {what}\n{}", self.whole());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The page as it is now, as HTML.
    pub(crate) fn source(&self) -> String {
        self.one().wait(self.one().client.source())
    }

    /// Everything that can be read, for a test that fails.
    fn whole(&self) -> String {
        let text = self.js("`${location.href}\\n${document.body.innerText}`");
        format!("{}\n{:?}", text.as_str().unwrap_or_default(), self.js("window.seen"))
    }

    /// Clicks on the first element, as a pointer would: what lies over it is in the way.
    #[track_caller]
    pub(crate) fn click(&self, selector: &str) {
        self.until(selector, &format!("!!document.querySelector({})", json!(selector)));
        let client = &self.one().client;
        self.one().wait(async { client.find(Locator::Css(selector)).await?.click().await });
    }

    /// Presses keys wherever the focus is. `\u{e004}` is Tab, see `fantoccini::key::Key`.
    pub(crate) fn press(&self, keys: &str) {
        let client = &self.one().client;
        self.one().wait(async { client.active_element().await?.send_keys(keys).await });
    }

    /// The text of the first element, `""` without one.
    pub(crate) fn text(&self, selector: &str) -> String {
        let text = self.js(&format!("document.querySelector({})?.innerText ?? ''", json!(selector)));
        text.as_str().unwrap().trim().to_owned()
    }

    /// `data-value` of a card.
    pub(crate) fn figure(&self, name: &str) -> Value {
        self.js(&format!("document.querySelector('[data-figure={name}]')?.dataset.value"))
    }

    /// The same as a number.
    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        self.figure(name).as_str().map(|text| text.parse().unwrap())
    }

    /// Waits until a card tells a number.
    #[track_caller]
    pub(crate) fn until_figure(&self, name: &str, value: u64) {
        let expression = format!("document.querySelector('[data-figure={name}]')?.dataset.value === '{value}'");
        self.until(&format!("{name} is {value}"), &expression);
    }

    /// `data-row` of every row of a panel.
    pub(crate) fn rows(&self, panel: &str) -> Vec<String> {
        let rows = self.js(&format!(
            "[...document.querySelectorAll('[data-panel={panel}] [data-row]')].map((row) => row.dataset.row)"
        ));
        serde_json::from_value(rows).unwrap()
    }

    /// Nothing was run, refused, thrown or complained about since the tab was opened. Where a server
    /// goes away or refuses, the browser itself logs each answer that failed: `network` is for that.
    #[track_caller]
    pub(crate) fn quiet(&self, network: bool) {
        assert_eq!(self.js("window.seen"), json!({ "dialogs": [], "violations": [], "errors": [] }));
        let ignored = |entry: &Value| network && entry["source"] == "network";
        let loud = |entry: &Value| matches!(entry["level"].as_str(), Some("SEVERE" | "WARNING"));
        let log: Vec<_> = self.one().log().into_iter().filter(|entry| loud(entry) && !ignored(entry)).collect();
        assert_eq!(log, Vec::<Value>::new());
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        let one = self.browser.as_ref().unwrap();
        // A test that fails with a dialog open or in the middle of something else must not take the
        // others with it: what can't be closed is left behind.
        let closing = async {
            drop(one.client.close_window().await);
            one.client.switch_to_window(self.first.clone()).await
        };
        if !std::thread::panicking() {
            return one.wait(closing);
        }
        drop(one.try_wait(closing));
    }
}
