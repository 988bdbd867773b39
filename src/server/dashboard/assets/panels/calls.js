// The latest calls: live while the range ends now, with all of a call's fields on request. While someone points at
// the list or has opened a call, new ones wait: nothing moves away under the pointer.

import { Panel } from "../panel.js";
import { COLUMNS } from "./call.js";
import { detail } from "./call.js";
import { isNumber } from "./call.js";
import { line } from "./call.js";
import { nameOf } from "./call.js";
import { address } from "../api.js";
import { get } from "../api.js";
import { fill } from "../dom.js";
import { h } from "../dom.js";
import { saveTable } from "../download.js";
import { keepFocus } from "../focus.js";
import { count } from "../format.js";
import { t } from "../i18n/index.js";
import { filterParams } from "../span.js";
import { spanEdges } from "../span.js";
import { spanParams } from "../span.js";
import { change } from "../state.js";
import { moves } from "../state.js";
import { state } from "../state.js";
import { zone } from "../state.js";
import { rfc3339 } from "../time.js";

const PAGE = 25;
const MOST = 400;

export class Calls extends Panel {
  constructor() {
    super("calls", { needs: ["failures"] });
    this.only = h(
      "button",
      {
        class: "button small quiet",
        data: { control: "failures" },
        on: { click: () => change({ failures: !state().failures }) },
      },
      t("calls.failures"),
    );
    this.tools.prepend(this.only);
    this.table = h("table", { class: "table calls-table" });
    this.waiting = h("button", {
      class: "calls-waiting",
      data: { control: "show-new" },
      hidden: true,
      on: { click: () => this.release() },
    });
    this.more = h(
      "button",
      { class: "button small quiet", data: { control: "more" }, on: { click: () => this.older() } },
      t("calls.more"),
    );
    this.frame = h(
      "div",
      { class: "scroll-x", tabindex: "0", role: "region", "aria-label": t("panel.calls") },
      this.table,
    );
    this.open = null;
    this.held = [];
    this.pointed = false;
    this.frame.addEventListener("pointerenter", () => this.point(true));
    this.frame.addEventListener("pointerleave", () => this.point(false));
  }

  params(cursor = null) {
    const outcome = state().failures ? "failure" : null;
    return [...Object.entries({ ...spanParams(), tz: zone(), outcome, limit: PAGE, cursor }), ...filterParams()].filter(
      ([, value]) => value !== null,
    );
  }

  /** Once the stream brings the calls, the list need not be asked for again and again. */
  async run(cycle) {
    if (!cycle.fresh && this.streams) return cycle.leave(this);
    await super.run(cycle);
  }

  async load(cycle) {
    const answer = await cycle.get("/v1/events", this.params());
    return { calls: answer.calls, complete: answer.complete, next: answer.next_cursor };
  }

  show(data) {
    this.held = [];
    this.question("/v1/events", this.params());
    this.only.setAttribute("aria-pressed", String(state().failures));
    if (data.calls.length === 0)
      return this.empty(t(state().failures ? "calls.nofailures" : "empty.title"), t("empty.detail"));
    this.draw();
  }

  draw() {
    const { calls, next, complete } = this.data;
    if (!this.frame.isConnected)
      fill(this.body, this.waiting, this.frame, h("div", { class: "panel-foot" }, this.more));
    const head = h(
      "thead",
      {},
      h(
        "tr",
        {},
        COLUMNS.map((name) =>
          h("th", {
            scope: "col",
            class: `column-${name} ${isNumber(name) ? "number" : ""}`,
            text: t(`column.${name}`),
          }),
        ),
      ),
    );
    const rows = calls.flatMap((call) => {
      const open = this.open === nameOf(call);
      return [line(call, open, () => this.toggle(call)), open && detail(call)];
    });
    keepFocus(this.body, () => fill(this.table, head, h("tbody", {}, rows)));
    this.more.hidden = next === null;
    this.waiting.hidden = this.held.length === 0;
    this.waiting.textContent = t("calls.waiting", { n: count(this.held.length) });
    fill(this.note);
    if (next === null && !complete) this.partial(t("calls.incomplete"));
  }

  toggle(call) {
    this.open = this.open === nameOf(call) ? null : nameOf(call);
    if (this.open === null && !this.pointed) this.release();
    else this.draw();
  }

  point(on) {
    this.pointed = on;
    if (!on && this.open === null && this.held.length > 0) this.release();
  }

  /** New calls of the stream, newest last. */
  arrive({ calls, skipped }) {
    this.streams = true;
    if (this.data === null || !moves() || !state().live || this.state === "error") return;
    const wanted = state().failures ? calls.filter((call) => call.status === "failure") : calls;
    const known = new Set(this.data.calls.concat(this.held).map(nameOf));
    const fresh = wanted.filter((call) => !known.has(nameOf(call))).reverse();
    if (fresh.length === 0) return;
    this.held = [...fresh, ...this.held].slice(0, MOST);
    if (this.data.calls.length === 0) this.state = "ready";
    if (this.pointed || this.open !== null) this.draw();
    else this.release();
    if (skipped > 0) fill(this.note, h("span", { text: t("calls.skipped", { n: count(skipped) }) }));
  }

  /** Puts what waited on top; as many go at the end, unless the reader had asked for more. */
  release() {
    const length = Math.max(this.data.calls.length, PAGE);
    const calls = [...this.held, ...this.data.calls];
    // What goes at the end is older than the cursor's page knows; so the next page begins after the last one shown.
    const cut = calls.length > length;
    this.data.calls = calls.slice(0, length);
    if (cut && this.held.length > 0) this.data.moved = true;
    this.held = [];
    this.draw();
  }

  async older() {
    this.more.disabled = true;
    try {
      await this.fetchOlder();
    } catch (error) {
      this.failed(error);
    } finally {
      this.more.disabled = false;
    }
  }

  async fetchOlder() {
    const { data } = this;
    const moved = data.moved ? this.since(data.calls.at(-1).timestamp) : this.params(data.next);
    const answer = await get(address("/v1/events", moved));
    const known = new Set(data.calls.map(nameOf));
    const older = answer.calls.filter((call) => !known.has(nameOf(call)));
    this.data = {
      calls: [...data.calls, ...older].slice(0, MOST),
      complete: answer.complete,
      next: answer.next_cursor,
      moved: false,
    };
    this.draw();
  }

  /** From the last call shown backwards; those of the same instant are known already. */
  since(timestamp) {
    const to = new Date(Date.parse(timestamp) + 1).toISOString();
    const named = this.params().filter(([name]) => !["window", "from", "to"].includes(name));
    return [["from", rfc3339(spanEdges()[0])], ["to", to], ...named];
  }

  /** The calls shown: this route answers in JSON only. */
  csv() {
    if (!this.data) return;
    const { calls } = this.data;
    const names = Object.keys(calls[0] ?? {}).filter((name) => name !== "labels");
    const labels = [...new Set(calls.flatMap((call) => Object.keys(call.labels ?? {})))];
    const rows = calls.map((call) => [
      ...names.map((name) => call[name]),
      ...labels.map((name) => call.labels?.[name]),
    ]);
    saveTable([[...names, ...labels], ...rows], "calls");
  }
}
