// How long calls take: quantiles as lines, or the whole distribution as a heat map.

import { Panel } from "../panel.js";
import { caveats } from "../caveats.js";
import { drawHeat } from "../chart/heat.js";
import { heatMarks } from "../chart/heat.js";
import { rowAt } from "../chart/heat.js";
import { rowsOf } from "../chart/heat.js";
import { dots } from "../chart/lines.js";
import { drawLines } from "../chart/lines.js";
import { color } from "../chart/palette.js";
import { Plot } from "../chart/plot.js";
import { tooltipRow } from "../chart/tooltip.js";
import { segments } from "../controls/choice.js";
import { fill } from "../dom.js";
import { h } from "../dom.js";
import { count } from "../format.js";
import { duration } from "../format.js";
import { percent } from "../format.js";
import { roundDuration } from "../format.js";
import { t } from "../i18n/index.js";
import { buckets } from "../queries.js";
import { isCut } from "../queries.js";
import { overview } from "../queries.js";
import { overviewParams } from "../queries.js";
import { previousCourse } from "../queries.js";
import { usageParams } from "../queries.js";
import { change } from "../state.js";
import { state } from "../state.js";
import { zone } from "../state.js";
import { between } from "../time.js";
import { zoomTo } from "../zoom.js";

const QUANTILES = ["p99", "p95", "p50"];
const TINTS = { p99: "quantile-99", p95: "quantile-95", p50: "quantile-50" };

export class Latency extends Panel {
  constructor() {
    const view = segments(
      "view",
      ["lines", "heat"].map((value) => ({ value, text: t(`latency.${value}`) })),
      () => state().view,
      (value) => change({ view: value }),
      t("latency.view"),
    );
    super("latency", { needs: ["view", "at"], controls: [view.root] });
    this.view = view;
    const shared = { height: 236, zoom: zoomTo, pick: (bucket) => pick(bucket), say: (i, data) => say(i, data) };
    this.lines = new Plot("latency", {
      ...shared,
      draw: drawLines,
      format: roundDuration,
      tip: lineTip,
      point: (frame, ctx, data, i) => dots(frame, ctx, data, i),
    });
    this.heat = new Plot("latency-heat", {
      ...shared,
      draw: drawHeat,
      format: String,
      marks: heatMarks,
      tip: (i, data) => heatTip(i, data, this.heat),
    });
  }

  heatParams() {
    return usageParams({ interval: "auto", bins: "auto", metrics: "latency_ms" });
  }

  async load(cycle) {
    if (state().view === "heat") return { view: "heat", answer: await cycle.get("/v1/usage", this.heatParams()) };
    const answer = await overview(cycle);
    return { view: "lines", answer, before: await previousCourse(cycle, answer) };
  }

  show({ view, answer, before }) {
    this.view.refresh();
    this.question("/v1/usage", view === "heat" ? this.heatParams() : overviewParams());
    if (answer.totals.latency_ms.count === 0) return this.empty(t("latency.empty"), t("latency.empty.detail"));
    const plot = view === "heat" ? this.heat : this.lines;
    if (!plot.root.isConnected) fill(this.body, plot.root, h("p", { class: "chart-hint", text: t("latency.hint") }));
    const shown = buckets(answer);
    const step = Math.max(...shown.map((bucket) => bucket.to - bucket.from));
    const common = {
      buckets: shown,
      cut: shown.map((bucket) => isCut(bucket, answer, step)),
      from: Date.parse(answer.from),
      to: Date.parse(answer.to),
      zone: zone(),
      at: state().at,
      summary: summary(answer),
    };
    plot.set({ ...common, ...(view === "heat" ? heatData(answer, shown) : lineData(shown, before)) });
    this.partial(...caveats(answer));
  }
}

/** A second click on the same point lets it go. */
function pick(bucket) {
  const same = state().at?.[0] === bucket.from && state().at?.[1] === bucket.to;
  change({ at: same ? null : [bucket.from, bucket.to] });
}

const of = (bucket, name) => (bucket.latency_ms.count > 0 ? bucket.latency_ms[name] : null);

function lineData(shown, before) {
  const series = QUANTILES.map((name) => ({
    label: name,
    color: TINTS[name],
    values: shown.map((bucket) => of(bucket, name)),
    width: name === "p99" ? 2 : 1.6,
  }));
  const past = before && [{ color: TINTS.p99, points: before.map((bucket) => ({ bucket, value: of(bucket, "p99") })) }];
  const all = [...series.flatMap((one) => one.values), ...(past?.[0].points ?? []).map((point) => point.value)];
  return { series, before: past, max: Math.max(...all.filter((value) => value !== null), 0) };
}

function heatData(answer, shown) {
  const columns = shown.map((bucket) => bucket.latency_ms.bins);
  const rows = rowsOf(answer.bins_ms, columns);
  const most = Math.max(...columns.flatMap((column) => column ?? [0]), 1);
  return { columns, rows, most, quantile: shown.map((bucket) => of(bucket, "p99")), max: rows.length };
}

function summary(answer) {
  const { p50, p95, p99, count: n } = answer.totals.latency_ms;
  const span = between(Date.parse(answer.from), Date.parse(answer.to), zone());
  return t("latency.summary", { span, n: count(n), p50: duration(p50), p95: duration(p95), p99: duration(p99) });
}

function lineTip(i, { buckets: all, before }) {
  const bucket = all[i];
  const past = before?.[0].points.find(
    (point) => point.bucket.from <= bucket.from && bucket.from < point.bucket.to,
  )?.value;
  return [
    h("p", { class: "tooltip-title", text: between(bucket.from, bucket.to, zone()) }),
    QUANTILES.map((name) => tooltipRow(color(TINTS[name]), name, duration(of(bucket, name)))),
    h(
      "div",
      { class: "tooltip-sum" },
      tooltipRow(null, t("calls"), count(bucket.latency_ms.count)),
      tooltipRow(null, t("slowest"), duration(of(bucket, "max"))),
      past !== undefined && tooltipRow(null, `p99 ${t("before")}`, duration(past)),
    ),
    h("p", { class: "tooltip-note", text: t("latency.pick") }),
  ];
}

/** The row under the pointer, or the one of the median where the keys moved. */
function heatTip(i, { buckets: all, columns, rows }, plot) {
  const bucket = all[i];
  const { top, bottom } = plot.frame;
  const share = (bottom - (plot.pointerY ?? -1)) / (bottom - top);
  const r =
    share >= 0 && share <= 1
      ? Math.min(Math.floor(share * rows.length), rows.length - 1)
      : Math.floor(rowAt(rows, of(bucket, "p50")) ?? 0);
  const row = rows[r];
  const n = columns[i]?.[row.bin] ?? 0;
  const range = Number.isFinite(row.upper)
    ? `${duration(row.lower)} – ${duration(row.upper)}`
    : `> ${duration(row.lower)}`;
  return [
    h("p", { class: "tooltip-title", text: between(bucket.from, bucket.to, zone()) }),
    tooltipRow(null, range, count(n), percent(n / (bucket.latency_ms.count || 1))),
    h(
      "div",
      { class: "tooltip-sum" },
      tooltipRow(null, t("calls"), count(bucket.latency_ms.count)),
      QUANTILES.map((name) => tooltipRow(null, name, duration(of(bucket, name)))),
    ),
  ];
}

function say(i, { buckets: all }) {
  const bucket = all[i];
  const parts = QUANTILES.map((name) => `${name} ${duration(of(bucket, name))}`).reverse();
  return `${between(bucket.from, bucket.to, zone())}. ${parts.join(", ")}, ${t("calls")} ${count(bucket.latency_ms.count)}`;
}
