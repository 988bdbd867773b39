// How many calls, stacked by status or by another dimension.

import { Panel } from "../panel.js";
import { drawBars } from "../chart/bars.js";
import { Legend } from "../chart/legend.js";
import { category } from "../chart/palette.js";
import { color } from "../chart/palette.js";
import { statusColors } from "../chart/palette.js";
import { Plot } from "../chart/plot.js";
import { tooltipRow } from "../chart/tooltip.js";
import { choice } from "../controls/choice.js";
import { fill } from "../dom.js";
import { h } from "../dom.js";
import { compact } from "../format.js";
import { count } from "../format.js";
import { percent } from "../format.js";
import { t } from "../i18n/index.js";
import { buckets } from "../queries.js";
import { groupsParams } from "../queries.js";
import { isCut } from "../queries.js";
import { overview } from "../queries.js";
import { previousCourse } from "../queries.js";
import { among } from "../state.js";
import { change } from "../state.js";
import { zone } from "../state.js";
import { dimensionName } from "../text.js";
import { dimensionWord } from "../text.js";
import { valueNode } from "../text.js";
import { valueText } from "../text.js";
import { between } from "../time.js";
import { zoomTo } from "../zoom.js";
import { caveats } from "../caveats.js";

const REST = "\u0000rest";
const SEEN_ANYWAY = 0.2;
const MANY = { status: 16, other: 7 };

export class Requests extends Panel {
  constructor(dimensions) {
    const by = choice(
      "by",
      () => dimensions.map((name) => ({ value: name, text: dimensionName(name) })),
      () => among(dimensions, "by"),
      (value) => change({ by: value }),
      t("by"),
    );
    super("requests", { needs: ["by"], controls: [by.root] });
    Object.assign(this, { by, dimensions });
    this.legend = new Legend(() => this.data && this.draw());
    const shared = {
      draw: drawBars,
      format: compact,
      tip: (i, data) => this.tip(i, data),
      say: (i, data) => this.say(i, data),
      zoom: zoomTo,
    };
    this.plot = new Plot("requests", { ...shared, height: 190 });
    this.failures = new Plot("failures", { ...shared, height: 104, fixed: true });
    this.strip = h(
      "div",
      { class: "strip" },
      h("h3", { class: "strip-title", text: t("requests.failed") }),
      this.failures.root,
    );
  }

  params() {
    const by = among(this.dimensions, "by");
    const metrics = by === "status" ? "requests,failures" : "requests";
    return groupsParams(by, { interval: "auto", metrics, limit: by === "status" ? MANY.status : MANY.other });
  }

  async load(cycle) {
    const [answer, whole] = await Promise.all([cycle.get("/v1/usage", this.params()), overview(cycle)]);
    return { answer, by: among(this.dimensions, "by"), before: await previousCourse(cycle, whole) };
  }

  show(data) {
    this.question("/v1/usage", this.params());
    this.by.refresh();
    this.heading.textContent = t("panel.requests.by", { by: dimensionWord(data.by) });
    if (data.answer.totals.requests === 0) return this.empty();
    if (!this.plot.root.isConnected) fill(this.body, this.plot.root, this.strip, this.legend.root);
    this.groups = groupsOf(data);
    this.draw();
    this.partial(...caveats(data.answer));
  }

  /** A few failures among thousands of calls are a line at best, so they have a strip with a scale of their own. */
  draw() {
    const { hidden } = this.legend;
    const series = this.groups.filter((group) => !hidden.has(group.name));
    const failing = series.filter((group) => group.fails);
    const sum = (groups) => groups.reduce((all, group) => all + group.total, 0);
    this.strip.hidden = failing.length === 0 || sum(failing) > sum(series) * SEEN_ANYWAY;
    this.paint(this.plot, series);
    if (!this.strip.hidden) this.paint(this.failures, failing);
    this.legend.show(
      this.groups.map(({ name, node, color: tint, total }) => ({
        name,
        node: node(),
        color: tint,
        figure: compact(total),
      })),
    );
  }

  paint(plot, series) {
    const { answer, by, before } = this.data;
    const shown = buckets(answer);
    const tops = shown.map((_, i) => series.reduce((sum, one) => sum + (one.values[i] ?? 0), 0));
    const step = Math.max(...shown.map((bucket) => bucket.to - bucket.from));
    const past =
      before && series.length === this.groups.length
        ? before.map((bucket) => ({ ...bucket, value: bucket.requests }))
        : null;
    plot.set({
      buckets: shown,
      from: Date.parse(answer.from),
      to: Date.parse(answer.to),
      max: Math.max(...tops, ...(past ?? []).map((bucket) => bucket.value)),
      zone: zone(),
      series: [...series].reverse(),
      cut: shown.map((bucket) => isCut(bucket, answer, step)),
      before: past,
      summary: t("requests.summary", {
        by: dimensionName(by),
        n: count(answer.totals.requests),
        span: between(Date.parse(answer.from), Date.parse(answer.to), zone()),
      }),
    });
  }

  tip(i, { buckets: all, series, cut, before }) {
    const bucket = all[i];
    const total = series.reduce((sum, one) => sum + (one.values[i] ?? 0), 0);
    const rows = [...series].reverse().filter((one) => one.values[i] > 0);
    const past = before?.find((one) => one.from <= bucket.from && bucket.from < one.to);
    return [
      h("p", { class: "tooltip-title", text: between(bucket.from, bucket.to, zone()) }),
      rows.map((one) => tooltipRow(color(one.color), one.node(), count(one.values[i]), percent(one.values[i] / total))),
      h(
        "div",
        { class: "tooltip-sum" },
        tooltipRow(null, t("total"), count(total)),
        past && tooltipRow(null, t("before"), count(past.value)),
      ),
      cut?.[i] && h("p", { class: "tooltip-note", text: t("bucket.cut") }),
    ];
  }

  say(i, { buckets: all, series }) {
    const parts = series.filter((one) => one.values[i] > 0).map((one) => `${one.text}: ${count(one.values[i])}`);
    return `${between(all[i].from, all[i].to, zone())}. ${parts.join(", ") || t("empty.title")}`;
  }
}

/** The largest groups, and what is in none of them. */
function groupsOf({ answer, by }) {
  const names = answer.data.map((row) => row.group[by]);
  const tints = by === "status" ? statusColors(names) : names.map((_, i) => category(i));
  const groups = answer.data.map((row, i) => ({
    name: names[i] ?? "",
    text: valueText(by, names[i]),
    node: () => valueNode(by, names[i]),
    color: tints[i],
    fails: by === "status" && row.failures > 0,
    total: row.requests,
    values: row.series.map((point) => point.requests),
  }));
  return answer.other?.requests > 0 ? [...groups, rest(answer, groups)] : groups;
}

function rest(answer, groups) {
  const values = answer.series.map((point, i) => point.requests - groups.reduce((sum, one) => sum + one.values[i], 0));
  const text = t("other", { n: count(answer.other.groups) });
  return {
    name: REST,
    text,
    node: () => h("span", { class: "none", text }),
    color: "category-rest",
    fails: false,
    total: answer.other.requests,
    values,
  };
}
