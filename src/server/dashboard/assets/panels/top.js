// Who and what the calls are of: the largest keys, users, models, endpoints, providers, labels; the rest as "other".

import { Panel } from "../panel.js";
import { caveats } from "../caveats.js";
import { segments } from "../controls/choice.js";
import { fill } from "../dom.js";
import { h } from "../dom.js";
import { NOTHING } from "../format.js";
import { change as changeOf } from "../format.js";
import { compact } from "../format.js";
import { count } from "../format.js";
import { duration } from "../format.js";
import { percent } from "../format.js";
import { keepFocus } from "../focus.js";
import { t } from "../i18n/index.js";
import { currencies } from "../money.js";
import { drawable } from "../money.js";
import { exact } from "../money.js";
import { money } from "../money.js";
import { usageParams } from "../queries.js";
import { among } from "../state.js";
import { change } from "../state.js";
import { isFiltered } from "../state.js";
import { state } from "../state.js";
import { toggleFilter } from "../state.js";
import { dimensionName } from "../text.js";
import { dimensionWord } from "../text.js";
import { valueNode } from "../text.js";

/** The columns; money has one for each currency, because currencies neither add up nor compare. */
const COLUMNS = [
  { name: "requests", sort: "requests", size: (row) => row.requests, cell: (row) => text(count(row.requests)) },
  {
    name: "share",
    size: (row, totals) => row.requests / (totals.requests || 1),
    cell: (row, totals) => text(percent(row.requests / (totals.requests || 1))),
  },
  {
    name: "change",
    size: (row) => row.previous?.requests,
    cell: (row) => text(row.previous ? changeOf(row.requests, row.previous.requests).text : ""),
  },
  { name: "failures", sort: "failures", size: (row) => row.failures, cell: failures },
  {
    name: "p95",
    sort: "latency_ms.p95",
    size: (row) => row.latency_ms.p95,
    cell: (row) => text(duration(row.latency_ms.p95)),
  },
  {
    name: "tokens",
    sort: "total_tokens",
    size: (row) => row.total_tokens,
    cell: (row) => text(compact(row.total_tokens), count(row.total_tokens)),
  },
];
const HIGH = 0.05;
const MOST_CURRENCIES = 2;

function columnsFor(totals) {
  const names = currencies(totals.cost)
    .map(([name]) => name)
    .slice(0, MOST_CURRENCIES);
  const costIn = (currency) => ({
    name: `cost_${currency}`,
    title: t("column.cost.in", { currency }),
    sort: `cost:${currency}`,
    size: (row) => drawable(row.cost[currency]),
    raw: (row) => row.cost[currency],
    cell: (row) => amount(row, currency),
  });
  return [...COLUMNS, ...names.map(costIn)];
}

const MORE = [10, 25, 50, 100];

const text = (content, title) => h("span", { text: content, title });

export class Top extends Panel {
  constructor(dimensions) {
    const tabs = segments(
      "top",
      dimensions.map((value) => ({ value, text: dimensionName(value, "many") })),
      () => among(dimensions, "top"),
      (value) => change({ top: value, rows: 10 }),
      t("top.tabs"),
    );
    super("top", { needs: ["top", "sort", "rows", "filters"] });
    Object.assign(this, { tabs, dimensions });
    this.table = h("table", { class: "table top-table" });
    this.root.querySelector(".panel-head").after(h("div", { class: "panel-tabs" }, tabs.root));
    this.more = h(
      "button",
      {
        class: "button small quiet",
        data: { control: "more-rows" },
        on: { click: () => change({ rows: MORE.find((n) => n > state().rows) ?? 100 }) },
      },
      t("top.more"),
    );
  }

  params() {
    const { sort, rows } = state();
    const metrics = "requests,failures,error_rate,total_tokens,cost,latency_ms";
    return usageParams({
      group_by: among(this.dimensions, "top"),
      order_by: `-${sort}`,
      limit: rows,
      compare: "previous",
      metrics,
      quantiles: "0.95",
    });
  }

  async load(cycle) {
    return {
      answer: await cycle.get("/v1/usage", this.params()),
      dimension: among(this.dimensions, "top"),
      sort: state().sort,
    };
  }

  show({ answer, dimension, sort }) {
    this.tabs.refresh();
    this.question("/v1/usage", this.params());
    this.heading.textContent = t("panel.top.of", { what: dimensionWord(dimension, "many") });
    this.aside.textContent = t("top.count", { n: count(answer.groups) });
    if (answer.totals.requests === 0) return this.empty();
    if (!this.table.isConnected)
      fill(
        this.body,
        h("div", { class: "scroll-x", tabindex: "0", role: "region", "aria-label": t("panel.top") }, this.table),
        this.more,
      );
    this.more.hidden = answer.next_cursor === null || state().rows >= 100;
    const columns = columnsFor(answer.totals);
    const by = columns.find((column) => column.sort === sort) ?? columns[0];
    keepFocus(this.body, () => fill(this.table, head(columns, by), body(answer, dimension, columns, by)));
    this.partial(...caveats(answer));
  }
}

function head(columns, by) {
  const title = (column) => {
    const { name, sort } = column;
    const word = column.title ?? t(`column.${name}`);
    const click = () => change({ sort });
    const content = sort
      ? h("button", { class: "sort", data: { control: "sort", sort, focus: `sort:${sort}` }, on: { click } }, word)
      : word;
    return h(
      "th",
      { scope: "col", class: `number column-${name}`, "aria-sort": column === by ? "descending" : null },
      content,
    );
  };
  return h(
    "thead",
    {},
    h("tr", {}, h("th", { scope: "col", class: "column-name", text: t("column.name") }), columns.map(title)),
  );
}

function body(answer, dimension, columns, by) {
  const { totals } = answer;
  const size = (row) => by.size(row, totals) ?? 0;
  const most = Math.max(...answer.data.map(size), 0);
  const rows = answer.data.map((row) => line(row, dimension, columns, size(row) / (most || 1), totals));
  return h("tbody", {}, rows, answer.other?.groups > 0 && rest(answer.other, columns, totals));
}

function line(row, dimension, columns, part, totals) {
  const value = row.group[dimension];
  const pressed = String(isFiltered(dimension, value));
  const props = {
    class: "link",
    title: t("filter.add"),
    "aria-pressed": pressed,
    data: { focus: `top:${value}` },
    on: { click: () => toggleFilter(dimension, value) },
  };
  const bar = h("span", { class: "row-bar", "aria-hidden": "true" });
  bar.style.width = `${part * 100}%`;
  const name = h("th", { scope: "row", class: "column-name" }, bar, h("button", props, valueNode(dimension, value)));
  return h(
    "tr",
    { class: "top-row", data: { row: value ?? "" } },
    name,
    columns.map((column) => cell(column, row, totals)),
  );
}

function rest(other, columns, totals) {
  const name = h(
    "th",
    { scope: "row", class: "column-name" },
    h("span", { class: "none", text: t("other", { n: count(other.groups) }) }),
  );
  return h(
    "tr",
    { class: "top-other", data: { row: "__rest__" } },
    name,
    columns.map((column) => cell(column, other, totals)),
  );
}

function cell({ name, size, raw, cell: content }, row, totals) {
  const value = raw ? raw(row) : size(row, totals);
  return h("td", { class: `number column-${name}`, data: { metric: name, value: value ?? "" } }, content(row, totals));
}

function failures(row) {
  const title = t("failed.of", { failed: count(row.failures), n: count(row.requests) });
  return [
    h("span", { class: row.error_rate >= HIGH ? "is-high" : "", text: percent(row.error_rate), title }),
    h("small", { text: compact(row.failures) }),
  ];
}

function amount(row, currency) {
  const sum = row.cost[currency];
  return sum === undefined ? text(NOTHING) : text(money(sum, currency), exact(sum, currency));
}
