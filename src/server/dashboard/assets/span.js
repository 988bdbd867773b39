// The range of the state as the parameters of a question.

import { moves } from "./state.js";
import { state } from "./state.js";
import { zone } from "./state.js";
import { WINDOWS } from "./state.js";
import { DAY } from "./time.js";
import { HOUR } from "./time.js";
import { MINUTE } from "./time.js";
import { dateIn } from "./time.js";
import { dayStart } from "./time.js";
import { rfc3339 } from "./time.js";

const UNITS = { m: MINUTE, h: HOUR, d: DAY };

/** A window's length in ms. */
export const windowMs = (text) => Number.parseInt(text, 10) * UNITS[text.at(-1)];

/** `{window}` or `{from, to}`: days go as dates, which the server reads in the zone. */
export function spanParams(now = Date.now()) {
  const { range, from, to } = state();
  const today = dateIn(now, zone());
  if (range === "today") return { from: today };
  if (range === "yesterday") return { from: dateIn(dayStart(now, zone(), -1), zone()), to: today };
  if (range === "month") return { from: `${today.slice(0, 8)}01` };
  if (range === "custom") return { from: rfc3339(from), to: rfc3339(to) };
  return { window: range };
}

/** The edges the range asks for, in ms. */
export function spanEdges(now = Date.now()) {
  const { range, from, to } = state();
  if (WINDOWS.includes(range)) return [now - windowMs(range), now];
  if (range === "today") return [dayStart(now, zone()), now];
  if (range === "yesterday") return [dayStart(now, zone(), -1), dayStart(now, zone())];
  if (range === "month")
    return [dayStart(dayStart(now, zone()), zone(), 1 - Number(dateIn(now, zone()).slice(8))), now];
  return [from, to];
}

/** How often figures of this range are asked for again, in ms; 0 is never. */
export function cadence() {
  if (!moves()) return 0;
  const [from, to] = spanEdges();
  const length = to - from;
  if (length <= 15 * MINUTE) return 3_000;
  if (length <= HOUR) return 5_000;
  if (length <= 6 * HOUR) return 15_000;
  return length <= 2 * DAY ? 30_000 : 120_000;
}

/** The filters as pairs of a query; a value that is null is the empty text. */
export function filterParams(filters = state().filters) {
  return Object.entries(filters).flatMap(([dimension, values]) => values.map((value) => [dimension, value ?? ""]));
}
