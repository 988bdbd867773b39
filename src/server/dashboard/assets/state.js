// What is shown, and the address that says so. A link shows another reader the same.

import { isZone } from "./time.js";
import { localZone } from "./time.js";

export const WINDOWS = ["5m", "15m", "1h", "6h", "24h", "7d", "30d"];
export const CALENDAR = ["today", "yesterday", "month"];

const FILTER = "f.";
const DEFAULTS = {
  range: "1h", // one of the above, or "custom" with `from` and `to` in ms
  from: null,
  to: null,
  tz: "", // empty: the zone of the browser
  by: "status", // how the requests are stacked
  top: "user",
  sort: "requests",
  rows: 10,
  code: "", // the status of the keys that need attention; empty: the one with most failures
  view: "lines", // of the latency: lines or heat
  compare: false,
  live: true,
  failures: false, // of the calls
  at: null, // the part of the range that "what changed" looks at: [from, to] in ms
  filters: {}, // values by dimension; null is "without one"
};
const PAGE = ["lang", "theme"]; // read elsewhere, and kept
const LOCAL = ["by", "top", "sort", "rows", "code", "view", "live", "failures"];

let current = read(location.search);
const listeners = new Set();

export const state = () => current;

/** The zone of days and clocks. */
export const zone = () => current.tz || localZone();

/** Whether the range ends now and moves on. */
export const moves = (of = current) => WINDOWS.includes(of.range) || of.range === "today" || of.range === "month";

/** Takes over what is new and tells everyone which names changed. Steps through the page can be undone with "back". */
export function change(patch) {
  const next = { ...current, ...patch };
  const names = Object.keys(patch).filter((name) => JSON.stringify(next[name]) !== JSON.stringify(current[name]));
  if (names.length === 0) return;
  current = next;
  const step = names.every((name) => LOCAL.includes(name)) ? "replaceState" : "pushState";
  history[step](null, "", address(current));
  tell(names);
}

export function onChange(listener) {
  listeners.add(listener);
}

function tell(names) {
  for (const listener of listeners) listener(names);
}

addEventListener("popstate", () => {
  const before = current;
  current = read(location.search);
  tell(Object.keys(DEFAULTS).filter((name) => JSON.stringify(before[name]) !== JSON.stringify(current[name])));
});

/** The choice among those there are: a link may name a label that this server does not count by. */
export const among = (choices, name) => (choices.includes(current[name]) ? current[name] : choices[0]);

/** Adds a value to a dimension's filter, or takes it away where it is there. */
export function toggleFilter(dimension, value) {
  const values = valuesOf(dimension);
  const next = values.includes(value) ? values.filter((one) => one !== value) : [...values, value];
  setFilter(dimension, next);
}

export function setFilter(dimension, values) {
  const filters = { ...current.filters, [dimension]: values };
  if (values.length === 0) delete filters[dimension];
  change({ filters, at: null });
}

export const isFiltered = (dimension, value) => valuesOf(dimension).includes(value);

/** The values a dimension is filtered by. A dimension may be called `constructor`, so only own names count. */
export function valuesOf(dimension) {
  return Object.hasOwn(current.filters, dimension) ? current.filters[dimension] : [];
}

/** The address of a state: what is as by default is left out. */
export function address(of) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(of)) {
    if (name === "filters" || JSON.stringify(value) === JSON.stringify(DEFAULTS[name])) continue;
    query.set(name, Array.isArray(value) ? value.join("-") : typeof value === "boolean" ? (value ? "1" : "0") : value);
  }
  for (const [dimension, values] of Object.entries(of.filters)) {
    for (const value of values) query.append(FILTER + dimension, value ?? "");
  }
  const asked = new URLSearchParams(location.search);
  for (const name of PAGE) if (asked.has(name)) query.set(name, asked.get(name));
  const text = query.toString().replaceAll("%2F", "/").replaceAll("%3A", ":");
  return text ? `?${text}` : location.pathname;
}

/** The state of an address. What makes no sense is as by default: a mistyped link still shows something. */
export function read(search) {
  const query = new URLSearchParams(search);
  const found = structuredClone(DEFAULTS);
  const take = (name, right, convert = (text) => text) => {
    const text = query.get(name);
    if (text !== null && right(text)) found[name] = convert(text);
  };
  const word = (text) => /^[\w.-]{1,64}$/.test(text);
  const whole = (text) => /^\d{10,14}$/.test(text);
  take("tz", isZone);
  for (const name of ["by", "top"]) take(name, word);
  take("sort", (text) => /^(requests|failures|latency_ms\.p95|total_tokens|cost:[A-Z]{3})$/.test(text));
  take("rows", (text) => ["10", "25", "50", "100"].includes(text), Number);
  take("code", (text) => text.length <= 256);
  take("view", (text) => text === "heat");
  for (const name of ["compare", "live", "failures"])
    take(
      name,
      (text) => text === "1" || text === "0",
      (text) => text === "1",
    );
  take("from", whole, Number);
  take("to", whole, Number);
  take(
    "at",
    (text) => /^\d{10,14}-\d{10,14}$/.test(text),
    (text) => text.split("-").map(Number),
  );
  const custom = found.from !== null && found.to !== null && found.to > found.from;
  take("range", (text) => [...WINDOWS, ...CALENDAR].includes(text) || (text === "custom" && custom));
  if (found.range !== "custom") [found.from, found.to] = [null, null];
  found.filters = filtersOf(query);
  return found;
}

function filtersOf(query) {
  const filters = new Map(); // where `__proto__` is a name like any other
  for (const [name, value] of query) {
    if (!name.startsWith(FILTER) || name.length === FILTER.length) continue;
    const dimension = name.slice(FILTER.length);
    filters.set(dimension, [...(filters.get(dimension) ?? []), value === "" ? null : value]);
  }
  return Object.fromEntries(filters);
}
