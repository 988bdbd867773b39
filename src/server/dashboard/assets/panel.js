// The frame of a panel: its title, its tools, and what state it is in. The states are told by `data-state`:
// loading (nothing yet), ready, empty (an answer without calls), partial (an answer with a caveat), error.

import { address } from "./api.js";
import { copyCurl } from "./curl.js";
import { saveCsv } from "./download.js";
import { explain } from "./explain.js";
import { fill } from "./dom.js";
import { h } from "./dom.js";
import { ICONS } from "./icons.js";
import { t } from "./i18n/index.js";

export class Panel {
  /**
   * `name` is that of `data-panel`; the class of a panel gives `load(cycle)` and `show(data)`. `everyMs` is how long it
   * rests between two rounds that nobody asked for.
   */
  constructor(name, options = {}) {
    const { title = t(`panel.${name}`), needs = [], csv = true, curl = true, controls = [], everyMs = 0 } = options;
    Object.assign(this, { name, needs, everyMs, data: null, cycle: null, asked: null, stale: true, seen: true });
    this.last = 0;
    this.heading = h("h2", { id: `title-${name}`, text: title });
    this.aside = h("p", { class: "panel-aside" });
    this.note = h("p", { class: "panel-note" });
    this.trouble = h("div", { class: "panel-trouble", role: "status" });
    this.body = h("div", { class: "panel-body" });
    this.tools = h("div", { class: "panel-tools" }, controls, csv && this.csvButton(), curl && this.curlButton());
    const head = h(
      "header",
      { class: "panel-head" },
      h("div", { class: "panel-titles" }, this.heading, this.aside),
      this.tools,
    );
    const data = { panel: name, state: "loading" };
    this.root = h(
      "section",
      { class: `panel panel-${name}`, data, "aria-labelledby": `title-${name}` },
      head,
      this.trouble,
      this.body,
      this.note,
    );
    this.skeleton();
  }

  /** What stands in the body before the first answer; it is as high as what will come. */
  skeleton() {
    fill(this.body, h("div", { class: "skeleton skeleton-block", "aria-hidden": "true" }));
  }

  get state() {
    return this.root.dataset.state;
  }

  set state(word) {
    this.root.dataset.state = word;
  }

  /** Asks and shows. What an older round still brings is not looked at. */
  async run(cycle) {
    if (!cycle.fresh && Date.now() - this.last < this.everyMs) return cycle.leave(this);
    this.last = Date.now();
    this.cycle?.leave(this);
    this.cycle = cycle;
    this.stale = false;
    this.root.setAttribute("aria-busy", "true");
    if (cycle.fresh) this.dim = setTimeout(() => this.root.classList.add("is-dim"), 180);
    try {
      const data = await this.load(cycle);
      if (this.cycle === cycle) this.arrived(data);
    } catch (error) {
      if (this.cycle === cycle && error.name !== "AbortError") this.failed(error);
    } finally {
      if (this.cycle === cycle) this.settle(cycle);
    }
  }

  settle(cycle) {
    this.cycle = null;
    cycle.leave(this);
    clearTimeout(this.dim);
    this.root.classList.remove("is-dim");
    this.root.removeAttribute("aria-busy");
  }

  arrived(data) {
    this.data = data;
    fill(this.trouble);
    fill(this.note);
    this.state = "ready";
    this.show(data);
  }

  /** Without figures the whole body tells what is the matter; old figures stay, with a line above them. */
  failed(error) {
    const { title, detail, retries, calm } = explain(error);
    const again =
      retries && h("button", { class: "button small", on: { click: () => this.retry() } }, ICONS.refresh(), t("retry"));
    const text = h(
      "div",
      { class: "trouble-text" },
      h("strong", { text: title }),
      detail && h("span", { text: detail }),
    );
    this.state = "error";
    if (error.kind === "auth") this.root.dispatchEvent(new CustomEvent("token-needed", { bubbles: true }));
    if (this.data === null) {
      fill(this.trouble);
      fill(this.body, h("div", { class: `panel-message ${calm ? "" : "is-error"}` }, ICONS.alert(), text, again));
    } else {
      this.root.classList.add("is-dim");
      fill(this.trouble, ICONS.alert(), text, again);
    }
  }

  retry() {
    this.root.dispatchEvent(new CustomEvent("panel-retry", { bubbles: true, detail: this }));
  }

  /** Nothing was counted: said in the place of the figures. */
  empty(title = t("empty.title"), detail = t("empty.detail")) {
    this.state = "empty";
    fill(this.body, h("div", { class: "panel-message" }, h("strong", { text: title }), h("span", { text: detail })));
  }

  /** A caveat to figures that are right but not all. */
  partial(...lines) {
    if (lines.length > 0 && this.state === "ready") this.state = "partial";
    this.remark(...lines);
  }

  /** A line below the figures. */
  remark(...lines) {
    for (const line of lines) this.note.append(h("span", {}, line));
  }

  /** Remembers the question shown, for the tools of the panel. */
  question(path, params) {
    this.asked = { path, params };
  }

  csvButton() {
    const click = async (event) => {
      const button = event.currentTarget;
      try {
        await this.csv();
      } catch {
        button.classList.add("is-failed");
        setTimeout(() => button.classList.remove("is-failed"), 2_000);
      }
    };
    return h(
      "button",
      { class: "tool", title: t("tool.csv"), "aria-label": t("tool.csv"), data: { control: "csv" }, on: { click } },
      ICONS.download(),
    );
  }

  /** The same question, answered as CSV. */
  csv() {
    return this.asked && saveCsv(this.asked.path, this.asked.params, this.name);
  }

  curlButton() {
    const click = (event) => this.asked && copyCurl(address(this.asked.path, this.asked.params), event.currentTarget);
    return h(
      "button",
      { class: "tool", title: t("tool.curl"), "aria-label": t("tool.curl"), data: { control: "curl" }, on: { click } },
      ICONS.copy(),
    );
  }
}
