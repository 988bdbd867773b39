// Tokens over time: read fresh, read from a cache, written.

import { Panel } from "../panel.js";
import { drawBars } from "../chart/bars.js";
import { Legend } from "../chart/legend.js";
import { color } from "../chart/palette.js";
import { Plot } from "../chart/plot.js";
import { tooltipRow } from "../chart/tooltip.js";
import { fill } from "../dom.js";
import { h } from "../dom.js";
import { compact } from "../format.js";
import { count } from "../format.js";
import { percent } from "../format.js";
import { t } from "../i18n/index.js";
import { buckets } from "../queries.js";
import { isCut } from "../queries.js";
import { overview } from "../queries.js";
import { overviewParams } from "../queries.js";
import { zone } from "../state.js";
import { between } from "../time.js";
import { zoomTo } from "../zoom.js";

/** Input includes what a cache gave, so the parts that are stacked leave it out. */
const PARTS = [
  { name: "output", color: "tokens-output", read: (of) => of.output_tokens },
  { name: "cached", color: "tokens-cached", read: (of) => of.cache_read_tokens },
  { name: "input", color: "tokens-input", read: (of) => Math.max(of.input_tokens - of.cache_read_tokens, 0) },
];

export class Tokens extends Panel {
  constructor() {
    super("tokens");
    this.legend = new Legend(() => this.data && this.draw());
    this.plot = new Plot("tokens", { height: 148, margin: 4, draw: drawBars, format: compact, tip, say, zoom: zoomTo });
  }

  load(cycle) {
    return overview(cycle);
  }

  show(answer) {
    this.question("/v1/usage", overviewParams());
    this.aside.textContent = "";
    if (answer.totals.requests === 0) return this.empty();
    if (answer.totals.total_tokens === 0) return this.empty(t("tokens.empty"), t("tokens.empty.detail"));
    if (!this.plot.root.isConnected) fill(this.body, this.plot.root, this.legend.root);
    this.draw();
    const { unmetered } = answer.completeness;
    if (unmetered > 0)
      this.remark(t("tokens.unmetered", { n: count(unmetered), share: percent(unmetered / answer.totals.requests) }));
  }

  draw() {
    const answer = this.data;
    const shown = buckets(answer);
    const parts = PARTS.filter((part) => !this.legend.hidden.has(part.name)).map((part) => ({
      ...part,
      values: shown.map(part.read),
    }));
    const step = Math.max(...shown.map((bucket) => bucket.to - bucket.from));
    this.plot.set({
      buckets: shown,
      from: Date.parse(answer.from),
      to: Date.parse(answer.to),
      max: Math.max(...shown.map((_, i) => parts.reduce((sum, part) => sum + part.values[i], 0))),
      zone: zone(),
      series: parts,
      cut: shown.map((bucket) => isCut(bucket, answer, step)),
      summary: t("tokens.summary", { n: count(answer.totals.total_tokens) }),
    });
    this.legend.show(
      [...PARTS].reverse().map((part) => ({
        name: part.name,
        node: h("span", { text: t(`tokens.${part.name}`) }),
        color: part.color,
        figure: compact(part.read(answer.totals)),
      })),
    );
  }
}

function tip(i, { buckets: all, series }) {
  const total = series.reduce((sum, part) => sum + part.values[i], 0);
  return [
    h("p", { class: "tooltip-title", text: between(all[i].from, all[i].to, zone()) }),
    [...series]
      .reverse()
      .map((part) =>
        tooltipRow(
          color(part.color),
          t(`tokens.${part.name}`),
          count(part.values[i]),
          percent(part.values[i] / (total || 1)),
        ),
      ),
    h(
      "div",
      { class: "tooltip-sum" },
      tooltipRow(null, t("total"), count(total)),
      tooltipRow(null, t("tokens.minute"), compact(total / ((all[i].to - all[i].from) / 60_000))),
    ),
  ];
}

function say(i, { buckets: all, series }) {
  const parts = series.map((part) => `${t(`tokens.${part.name}`)} ${count(part.values[i])}`);
  return `${between(all[i].from, all[i].to, zone())}. ${parts.join(", ")}`;
}
