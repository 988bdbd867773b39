// What changed: which model, endpoint, key … the slow calls come from, against the span before, or, where a moment of
// the latency chart is picked, against the rest of the range.

import { Panel } from "../panel.js";
import { rising } from "./reasons.js";
import { risen } from "./reasons.js";
import { slow } from "./reasons.js";
import { standing } from "./reasons.js";
import { blame } from "./blame.js";
import { groupsOf } from "./blame.js";
import { totalsOf } from "./blame.js";
import { without } from "./blame.js";
import { fill } from "../dom.js";
import { h } from "../dom.js";
import { duration } from "../format.js";
import { percent } from "../format.js";
import { ICONS } from "../icons.js";
import { t } from "../i18n/index.js";
import { overview } from "../queries.js";
import { usageParams } from "../queries.js";
import { change } from "../state.js";
import { state } from "../state.js";
import { valuesOf } from "../state.js";
import { zone } from "../state.js";
import { between } from "../time.js";
import { rfc3339 } from "../time.js";
import { zoomTo } from "../zoom.js";

const MOST_GROUPS = 200;
const ROWS = 6;
// It takes a question for each dimension, so it moves on less often than the rest.
const EVERY_MS = 30_000;

export class Changes extends Panel {
  constructor(dimensions) {
    super("changes", { everyMs: EVERY_MS, needs: ["at"], csv: false });
    this.dimensions = dimensions;
  }

  async load(cycle) {
    const whole = await overview(cycle);
    const { at } = state();
    const { latency_ms: now } = whole.totals;
    if (!now.count) return { at, parts: [] };
    const past = at ? now : whole.previous?.latency_ms;
    const limit = Math.max(past?.count ? past.p99 : now.p99, 1);
    const names = this.dimensions.filter((name) => valuesOf(name).length !== 1);
    return {
      at,
      limit,
      parts: await Promise.all(names.map((name) => this.part(cycle, name, limit, at, whole))),
    };
  }

  /** One dimension: its groups now and before. */
  async part(cycle, name, limit, at, whole) {
    const more = {
      group_by: name,
      metrics: "latency_ms",
      quantiles: "0.5,0.95,0.99",
      bins: String(limit),
      limit: MOST_GROUPS,
    };
    this.question("/v1/usage", usageParams({ ...more, compare: "previous" }, at ? spanOf(at) : undefined));
    if (!at) {
      const answer = await cycle.get("/v1/usage", usageParams({ ...more, compare: "previous" }));
      return {
        name,
        totals: totalsOf(answer),
        latency: [answer.totals.latency_ms, answer.previous.latency_ms],
        ...blame(groupsOf(answer, name), totalsOf(answer)),
      };
    }
    const range = { from: whole.from, to: whole.to };
    const [answer, around] = await Promise.all([
      cycle.get("/v1/usage", usageParams(more, spanOf(at))),
      cycle.get("/v1/usage", usageParams(more, range)),
    ]);
    return { name, ...against(answer, around, name) };
  }

  show({ at, limit, parts }) {
    this.heading.textContent = t(at ? "changes.at" : "panel.changes");
    if (parts.length === 0) return this.empty(t("latency.empty"), t("latency.empty.detail"));
    const { totals, latency, certain } = parts[0];
    const rows = parts.flatMap((part) =>
      part.rows.map((row) => ({ ...row, dimension: part.name, groups: part.rows.length })),
    );
    const [now, before] = [latency[0]?.p99, latency[1]?.p99];
    const list = certain ? rising(rows) : standing(rows);
    fill(
      this.body,
      this.headline(now, before, totals, limit),
      at && this.moment(at),
      h("p", { class: "changes-lead", text: list.length === 0 ? t("changes.calm") : t(lead(parts[0])) }),
      h(
        "ol",
        { class: "changes" },
        list.slice(0, ROWS).map((row) => (certain ? risen(row, at) : slow(row))),
      ),
    );
  }

  headline(now, before, totals, limit) {
    if (totals.before.calls === 0) return alone(now, totals, limit);
    const direction = now > before * 1.02 ? "rose" : now < before * 0.98 ? "fell" : "steady";
    return h(
      "div",
      { class: `changes-headline is-${direction}`, data: { figure: "p99_change", value: now } },
      h(
        "p",
        { class: "changes-big" },
        h("span", { text: t(`changes.${direction}`) }),
        " ",
        h("span", { class: "was", text: duration(before) }),
        ICONS.arrow(),
        h("b", { text: duration(now) }),
      ),
      h("p", {
        class: "changes-sub",
        text: t("changes.slow", { limit: duration(limit), before: shareOf(totals.before), now: shareOf(totals.now) }),
      }),
    );
  }

  moment(at) {
    const zoom = h(
      "button",
      { class: "button small", data: { control: "zoom-at" }, on: { click: () => zoomTo(at[0], at[1]) } },
      ICONS.search(),
      t("changes.zoom"),
    );
    const clear = h(
      "button",
      { class: "button small quiet", data: { control: "clear-at" }, on: { click: () => change({ at: null }) } },
      ICONS.close(),
      t("changes.clear"),
    );
    return h("div", { class: "changes-moment" }, h("span", { text: between(at[0], at[1], zone()) }), zoom, clear);
  }
}

const shareOf = (of) => percent(of.slow / (of.calls || 1));

/** Nothing came before, so there is nothing to compare with. */
function alone(now, totals, limit) {
  const big = h("p", { class: "changes-big" }, h("span", { text: t("changes.is") }), h("b", { text: duration(now) }));
  return h(
    "div",
    { class: "changes-headline", data: { figure: "p99_change", value: now } },
    big,
    h("p", { class: "changes-sub", text: t("changes.over", { limit: duration(limit), now: shareOf(totals.now) }) }),
  );
}

/** What the list below is of. */
function lead({ certain, totals }) {
  if (certain) return "changes.more";
  if (totals.before.calls === 0) return "changes.only";
  const rate = (of) => of.slow / (of.calls || 1);
  return rate(totals.now) > rate(totals.before) * 1.1 ? "changes.unsure" : "changes.standing";
}

const spanOf = ([from, to]) => ({ from: rfc3339(from), to: rfc3339(to) });

/** A moment against the rest of its range. */
function against(answer, around, name) {
  const [part, whole] = [totalsOf(answer).now, totalsOf(around).now];
  const totals = { now: part, before: without(whole, part) };
  const wide = groupsOf(around, name);
  const groups = new Map();
  for (const [value, { now }] of groupsOf(answer, name)) {
    const all = wide.get(value)?.now ?? now;
    groups.set(value, { now, before: { ...without(all, now), p99: all.p99 } });
  }
  return { totals, latency: [answer.totals.latency_ms, around.totals.latency_ms], ...blame(groups, totals) };
}
