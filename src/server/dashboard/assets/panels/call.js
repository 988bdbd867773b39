// One call as a row of the table, and all of it below when the row is opened.

import { statusColor } from "../chart/palette.js";
import { color } from "../chart/palette.js";
import { h } from "../dom.js";
import { NOTHING } from "../format.js";
import { compact } from "../format.js";
import { count } from "../format.js";
import { duration } from "../format.js";
import { ICONS } from "../icons.js";
import { t } from "../i18n/index.js";
import { exact } from "../money.js";
import { money } from "../money.js";
import { isFiltered } from "../state.js";
import { toggleFilter } from "../state.js";
import { valuesOf } from "../state.js";
import { zone } from "../state.js";
import { cleanLines } from "../text.js";
import { dimensionName } from "../text.js";
import { isolated } from "../text.js";
import { valueNode } from "../text.js";
import { clock } from "../time.js";
import { dateIn } from "../time.js";
import { moment } from "../time.js";

export const COLUMNS = ["time", "status", "user", "key", "model", "endpoint", "latency", "ttft", "tokens", "cost"];
const DIMENSIONS = ["key", "user", "model", "provider", "endpoint"];
const MAX_ERROR = 4000;
const NUMBERS = ["latency", "ttft", "tokens", "cost"];
const TOKENS = [
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "reasoning_tokens",
  "total_tokens",
];

export const isNumber = (column) => NUMBERS.includes(column);

/** A call has no name of its own unless its sender gave an id. */
export const nameOf = (call) => call.id ?? `${call.timestamp} ${call.key} ${call.user}`;

export function line(call, open, toggle) {
  const cells = COLUMNS.map((column) =>
    h(
      "td",
      { class: `column-${column} ${isNumber(column) ? "number" : ""}`, data: { column } },
      CELLS[column](call, open, toggle),
    ),
  );
  const click = (event) => event.target.closest("button, a") || toggle();
  return h(
    "tr",
    {
      class: `call-row is-${call.status === "success" ? "success" : "failure"} ${open ? "is-open" : ""}`,
      data: { row: nameOf(call), status: call.status },
      on: { click },
    },
    cells,
  );
}

const CELLS = {
  time: (call, open, toggle) => timeCell(call, open, toggle),
  status: (call) => statusCell(call),
  user: (call) => valueNode("user", call.user),
  key: (call) => valueNode("key", call.key),
  model: (call) => valueNode("model", call.model),
  endpoint: (call) => valueNode("endpoint", call.endpoint),
  latency: (call) => duration(call.latency_ms),
  ttft: (call) => duration(call.ttft_ms),
  tokens: (call) => tokens(call),
  cost: (call) =>
    call.cost === null
      ? NOTHING
      : h("span", { title: exact(call.cost, call.currency), text: money(call.cost, call.currency) }),
};

function timeCell(call, open, toggle) {
  const at = Date.parse(call.timestamp);
  const today = dateIn(at, zone()) === dateIn(Date.now(), zone());
  const text = today ? clock(at, zone(), true) : moment(at, zone());
  const props = {
    class: "expander",
    "aria-expanded": String(open),
    "aria-label": t("call.open", { at: text }),
    data: { focus: `call:${nameOf(call)}` },
    on: { click: toggle },
  };
  return [h("button", props, ICONS.chevron()), h("time", { datetime: call.timestamp, title: call.timestamp, text })];
}

function statusCell(call) {
  const dot = h("i", { class: "swatch" });
  dot.style.background = color(call.status === "success" ? "status-ok" : statusColor(call.status_value));
  return h("span", { class: "status" }, dot, isolated(call.status_value ?? t(call.status)));
}

function tokens(call) {
  if (call.total_tokens === null) return NOTHING;
  const title = t("call.tokens", { input: count(call.input_tokens), output: count(call.output_tokens) });
  return h("span", { title, text: `${compact(call.input_tokens ?? 0)} → ${compact(call.output_tokens ?? 0)}` });
}

/** The row below: every field that was told. */
export function detail(call) {
  const labels = Object.entries(call.labels ?? {});
  const pairs = [
    [t("column.time"), call.timestamp],
    [t("column.status"), statusCell(call)],
    ...DIMENSIONS.map((name) => [dimensionName(name), dimension(name, call[name])]),
    ...labels.map(([name, value]) => [isolated(name), dimension(name, value)]),
    [t("column.latency"), duration(call.latency_ms)],
    [t("column.ttft"), duration(call.ttft_ms)],
    ...TOKENS.filter((name) => call[name] !== null).map((name) => [t(`call.${name}`), count(call[name])]),
    [t("column.cost"), call.cost === null ? t("unpriced") : exact(call.cost, call.currency)],
    ["id", call.id === null ? null : isolated(call.id)],
    ["job_id", call.job_id === null ? null : isolated(call.job_id)],
    [
      t("call.error"),
      call.error === null ? null : h("bdi", { class: "call-error" }, cleanLines(call.error.slice(0, MAX_ERROR))),
    ],
  ];
  const list = h(
    "dl",
    { class: "facts" },
    pairs
      .filter(([, value]) => value !== null)
      .map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
  return h("tr", { class: "call-detail" }, h("td", { colspan: COLUMNS.length }, list));
}

function dimension(name, value) {
  if (value === null) return null;
  const known = DIMENSIONS.includes(name) || valuesOf(name).length > 0;
  if (!known) return isolated(value);
  const props = {
    class: "link",
    title: t("filter.add"),
    "aria-pressed": String(isFiltered(name, value)),
    on: { click: () => toggleFilter(name, value) },
  };
  return h("button", props, isolated(value));
}
