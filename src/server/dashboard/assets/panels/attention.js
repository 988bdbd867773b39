// Keys that need attention: which keys meet a failing status most, and how much of their calls it takes.

import { Panel } from "../panel.js";
import { statusColor } from "../chart/palette.js";
import { color } from "../chart/palette.js";
import { Spark } from "../chart/spark.js";
import { fill } from "../dom.js";
import { h } from "../dom.js";
import { compact } from "../format.js";
import { count } from "../format.js";
import { percent } from "../format.js";
import { keepFocus } from "../focus.js";
import { t } from "../i18n/index.js";
import { buckets } from "../queries.js";
import { usageParams } from "../queries.js";
import { spanParams } from "../span.js";
import { change } from "../state.js";
import { isFiltered } from "../state.js";
import { state } from "../state.js";
import { toggleFilter } from "../state.js";
import { clean } from "../text.js";
import { valueNode } from "../text.js";
import { valueText } from "../text.js";

const ROWS = 7;
// Of a key's calls so many meet the status: that is more than a bad moment.
const HIGH = 0.1;
const FIRST = "429";

export class Attention extends Panel {
  constructor() {
    super("attention", { needs: ["code"] });
    this.tabs = h("div", { class: "codes", role: "group", "aria-label": t("attention.codes") });
    this.list = h("ol", { class: "attention" });
    this.sparks = new Map();
  }

  async load(cycle) {
    const statuses = await cycle.get(
      "/v1/usage",
      usageParams({ group_by: "status", metrics: "requests,failures", order_by: "-failures", limit: 12 }),
    );
    const failing = statuses.data.filter((row) => row.failures > 0);
    const code = chosen(failing.map((row) => row.group.status));
    if (code === undefined) return { statuses, failing, code, keys: null, calls: null };
    const keys = await cycle.get("/v1/usage", this.params(code));
    const shown = keys.data.map((row) => row.group.key);
    return {
      statuses,
      failing,
      code,
      keys,
      calls: shown.length > 0 ? await cycle.get("/v1/usage", totals(shown)) : null,
    };
  }

  /** The keys with that status, in place of whatever statuses the filters name. */
  params(code) {
    const filters = { ...state().filters, status: [code] };
    return usageParams({ group_by: "key", interval: "auto", metrics: "requests", limit: ROWS }, spanParams(), filters);
  }

  show(data) {
    this.aside.textContent = data.code === undefined ? "" : codeName(data.code);
    if (data.statuses.totals.requests === 0) return this.empty();
    if (data.code === undefined) return this.empty(t("attention.none"), t("attention.none.detail"));
    this.question("/v1/usage", this.params(data.code));
    if (!this.list.isConnected) fill(this.body, this.tabs, this.list);
    keepFocus(this.body, () => {
      fill(
        this.tabs,
        data.failing.map((row) => tab(row, data.code)),
      );
      fill(this.list, this.rows(data));
    });
    const { other } = data.keys;
    if (other?.groups > 0)
      this.remark(t("attention.more", { keys: count(other.groups), calls: count(other.requests) }));
  }

  rows({ keys, calls, code }) {
    const all = new Map((calls?.data ?? []).map((row) => [row.group.key, row.requests]));
    const most = Math.max(...keys.data.map((row) => row.requests), 1);
    return keys.data.map((row) => this.row(row, all.get(row.group.key), most, code));
  }

  row({ group: { key }, requests, series }, all, most, code) {
    const bar = h("span", { class: "meter-fill" });
    bar.style.width = `${(requests / most) * 100}%`;
    bar.style.background = color(statusColor(code));
    const spark = this.spark(key, code);
    spark.set(buckets({ series }).map((bucket) => bucket.requests));
    const pressed = String(isFiltered("key", key));
    const props = {
      class: "link",
      title: t("filter.add"),
      "aria-pressed": pressed,
      data: { focus: `key:${key}` },
      on: { click: () => toggleFilter("key", key) },
    };
    const share = all ? requests / all : null;
    return h(
      "li",
      { class: "attention-row", data: { row: key ?? "", value: requests } },
      h(
        "div",
        { class: "attention-line" },
        h("button", props, valueNode("key", key)),
        spark.root,
        h("b", { text: count(requests) }),
      ),
      h("span", { class: "meter", "aria-hidden": "true" }, bar),
      h("p", {
        class: `attention-share ${share >= HIGH ? "is-high" : ""}`,
        text: share === null ? "" : t("attention.share", { share: percent(share), calls: compact(all) }),
      }),
    );
  }

  /** A small course for a key; kept, because a canvas and its watcher are not thrown away with every answer. */
  spark(key, code) {
    const name = `${code}\u0000${key}`;
    if (this.sparks.size > 60) this.sparks.clear();
    if (!this.sparks.has(name)) this.sparks.set(name, new Spark({ height: 18, tint: statusColor(code), kind: "bars" }));
    return this.sparks.get(name);
  }
}

/** The status asked for, or rate limits, or what fails most. */
function chosen(codes) {
  if (codes.includes(state().code)) return state().code;
  return codes.includes(FIRST) ? FIRST : codes[0];
}

function totals(keys) {
  const filters = { ...state().filters, key: keys };
  delete filters.status;
  return usageParams({ group_by: "key", metrics: "requests", limit: ROWS }, spanParams(), filters);
}

/** `429 Rate limited` */
function codeName(status) {
  const known = t(`code.${status}`);
  return known === `code.${status}` ? valueText("status", status) : known;
}

function tab({ group: { status }, failures }, code) {
  const dot = h("i", { class: "swatch" });
  dot.style.background = color(statusColor(status));
  const props = {
    class: "code",
    title: codeName(status),
    "aria-pressed": String(status === code),
    data: { control: "code", code: status ?? "", focus: `code:${status}` },
    on: { click: () => change({ code: status ?? "" }) },
  };
  return h(
    "button",
    props,
    dot,
    h("span", { text: clean(status ?? t("none")).slice(0, 24) }),
    h("b", { text: compact(failures) }),
  );
}
