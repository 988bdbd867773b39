// What each day cost, by currency, on the days of the zone. A range shorter than two weeks shows two weeks: a day
// says little without those before it.

import { Panel } from "../panel.js";
import { drawBars } from "../chart/bars.js";
import { Legend } from "../chart/legend.js";
import { category } from "../chart/palette.js";
import { color } from "../chart/palette.js";
import { Plot } from "../chart/plot.js";
import { tooltipRow } from "../chart/tooltip.js";
import { fill } from "../dom.js";
import { h } from "../dom.js";
import { compact } from "../format.js";
import { count } from "../format.js";
import { percent } from "../format.js";
import { t } from "../i18n/index.js";
import { currencies } from "../money.js";
import { drawable } from "../money.js";
import { exact } from "../money.js";
import { money } from "../money.js";
import { buckets } from "../queries.js";
import { usageParams } from "../queries.js";
import { spanEdges } from "../span.js";
import { zone } from "../state.js";
import { DAY } from "../time.js";
import { dateIn } from "../time.js";
import { dayStart } from "../time.js";
import { weekday } from "../time.js";
import { zoomTo } from "../zoom.js";

const LEAST_DAYS = 14;

export class Cost extends Panel {
  constructor() {
    super("cost", { title: t("panel.cost") });
    this.legend = new Legend(() => this.data && this.draw());
    this.plot = new Plot("cost", { height: 148, margin: 4, draw: drawBars, format: compact, tip, say, zoom: zoomTo });
  }

  params() {
    const [from, to] = spanEdges();
    const days = Math.max(Math.ceil((to - from) / DAY), LEAST_DAYS);
    const ends = Date.now() - to < DAY ? {} : { to: dateIn(dayStart(to - 1, zone(), 1), zone()) };
    return usageParams(
      { interval: "1d", metrics: "cost,requests,unpriced" },
      { from: dateIn(dayStart(to - 1, zone(), 1 - days), zone()), ...ends },
    );
  }

  load(cycle) {
    return cycle.get("/v1/usage", this.params());
  }

  show(answer) {
    this.question("/v1/usage", this.params());
    this.names = currencies(answer.totals.cost).map(([name]) => name);
    this.aside.textContent = t("cost.days", { n: (answer.series ?? []).length, zone: zone() });
    if (this.names.length === 0) return this.empty(t("cost.empty"), t("cost.empty.detail"));
    if (!this.plot.root.isConnected) fill(this.body, this.plot.root, this.legend.root);
    this.draw();
    const { unpriced } = answer.completeness;
    if (unpriced > 0)
      this.remark(t("cost.unpriced", { n: count(unpriced), share: percent(unpriced / answer.totals.requests) }));
  }

  /** Currencies can't be added up, so they stand side by side in one bar only as heights; the figures are told apart. */
  draw() {
    const answer = this.data;
    const shown = buckets(answer);
    const series = this.names
      .map((name, i) => ({ name, color: category(i), values: shown.map((bucket) => drawable(bucket.cost[name])) }))
      .filter((one) => !this.legend.hidden.has(one.name));
    const groups = spread(shown, series);
    this.plot.set({
      ...groups,
      days: shown,
      names: this.names,
      from: Date.parse(answer.from),
      to: Math.max(shown.at(-1)?.to ?? 0, dayStart(shown.at(-1)?.from ?? 0, zone(), 1)),
      max: Math.max(...series.flatMap((one) => one.values), 0),
      zone: zone(),
      summary: t("cost.summary", { sum: this.names.map((name) => exact(answer.totals.cost[name], name)).join(", ") }),
    });
    this.legend.show(
      this.names.map((name, i) => ({
        name,
        node: h("span", { text: name }),
        color: category(i),
        figure: money(answer.totals.cost[name], name),
      })),
    );
  }
}

/** Bars of one day beside each other: the day's width is divided among the currencies. */
function spread(shown, series) {
  const n = Math.max(series.length, 1);
  const split = shown.flatMap((bucket, i) => {
    const end = Math.max(bucket.to, i === shown.length - 1 ? dayStart(bucket.from, zone(), 1) : bucket.to);
    const pad = (end - bucket.from) * 0.1;
    const width = (end - bucket.from - 2 * pad) / n;
    return series.map((_, k) => ({
      from: bucket.from + pad + k * width,
      to: bucket.from + pad + (k + 1) * width,
      day: i,
    }));
  });
  const last = shown.length - 1;
  return {
    buckets: split,
    series: series.map((one, k) => ({
      ...one,
      values: split.map((part, j) => (j % n === k ? one.values[part.day] : 0)),
    })),
    cut: split.map(
      (part) =>
        part.day === last &&
        shown[last].to > Date.now() - DAY &&
        shown[last].to < dayStart(shown[last].from, zone(), 1),
    ),
  };
}

function tip(i, { buckets: all, days, names }) {
  const day = days[all[i].day];
  return [
    h("p", { class: "tooltip-title", text: weekday(day.from, zone()) }),
    names.map((name, k) => tooltipRow(color(category(k)), name, money(day.cost[name] ?? "0", name))),
    h(
      "div",
      { class: "tooltip-sum" },
      tooltipRow(null, t("calls"), count(day.requests)),
      day.unpriced > 0 && tooltipRow(null, t("unpriced"), count(day.unpriced)),
    ),
  ];
}

function say(i, { buckets: all, days, names }) {
  const day = days[all[i].day];
  return `${weekday(day.from, zone())}. ${names.map((name) => exact(day.cost[name] ?? "0.00", name)).join(", ")}`;
}
