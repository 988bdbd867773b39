// The questions of the panels. Those that ask for the same thing must spell it the same, so that one request does.

import { filterParams } from "./span.js";
import { spanParams } from "./span.js";
import { state } from "./state.js";
import { zone } from "./state.js";

const OVERVIEW = [
  "requests",
  "successes",
  "failures",
  "error_rate",
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "reasoning_tokens",
  "total_tokens",
  "cost",
  "unpriced",
  "latency_ms",
  "ttft_ms",
].join(",");

/** The parameters of `/v1/usage` for the range and the filters shown, and more. */
export function usageParams(more, span = spanParams(), filters = state().filters) {
  const named = Object.entries({ ...span, tz: zone(), ...more });
  return [...named, ...filterParams(filters)];
}

/** Totals and course of all metrics, with the totals of the span before: most panels live on it. */
export const overviewParams = () => usageParams({ interval: "auto", compare: "previous", metrics: OVERVIEW });

export const overview = (cycle) => cycle.get("/v1/usage", overviewParams());

/** The course of the span before, at the same interval, moved onto this one; null where it can't be had. */
export async function previousCourse(cycle, answer) {
  const step = stepOf(answer.series);
  if (!state().compare || !answer.previous_from || !step) return null;
  const span = { from: answer.previous_from, to: answer.from };
  const params = usageParams({ interval: step, metrics: OVERVIEW }, span);
  try {
    const before = await cycle.get("/v1/usage", params);
    const shift = Date.parse(answer.from) - Date.parse(answer.previous_from);
    const all = buckets(before);
    const longest = Math.max(...all.map((bucket) => bucket.to - bucket.from));
    // Buckets cut short at its edges would look like a fall.
    const whole = all.filter((bucket) => bucket.to - bucket.from >= longest * 0.999);
    return whole.map((bucket) => ({ ...bucket, from: bucket.from + shift, to: bucket.to + shift }));
  } catch (error) {
    // What is older may be kept at a coarser step only. The chart then has no second line.
    if (error.status === 400) return null;
    throw error;
  }
}

const STEPS = { 86_400: "1d", 43_200: "12h" };

/** The interval of a series as a parameter, told by its longest bucket. */
export function stepOf(series) {
  const seconds = Math.max(...(series ?? []).map((point) => (Date.parse(point.to) - Date.parse(point.from)) / 1000), 0);
  if (seconds === 0) return null;
  if (seconds > 86_400) return seconds < 100_000 ? "1d" : "1mo";
  return STEPS[seconds] ?? `${seconds}s`;
}

/** The points of a series with edges in ms. */
export function buckets(answer) {
  return (answer.series ?? []).map((point) => ({ ...point, from: Date.parse(point.from), to: Date.parse(point.to) }));
}

/** Questions in groups: the largest first. */
export const groupsParams = (dimension, more) => usageParams({ group_by: dimension, ...more });

/** How much of a bucket has gone by: of the newest, a part only; so it is drawn as unfinished. */
export function isCut(bucket, answer, step) {
  const whole = bucket.to - bucket.from >= step * 0.999;
  return !whole && (bucket.to >= Date.parse(answer.to) || bucket.from <= Date.parse(answer.from));
}
