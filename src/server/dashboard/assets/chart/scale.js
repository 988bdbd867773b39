// Marks of the axes: round numbers, round times on the zone's clocks.

import { DAY } from "../time.js";
import { HOUR } from "../time.js";
import { MINUTE } from "../time.js";
import { SECOND } from "../time.js";
import { clock } from "../time.js";
import { day } from "../time.js";
import { dayStart } from "../time.js";
import { offsetAt } from "../time.js";

/** The end of an axis from 0 and up to `most` marks on it. */
export function numberMarks(max, most = 4) {
  if (!(max > 0)) return { max: 1, marks: [0] };
  const rough = max / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough * 0.999);
  const marks = [];
  for (let i = 0; i * step < max * 1.001; i++) marks.push(i * step);
  const end = Math.max(max * 1.04, marks.at(-1));
  return { max: end, marks };
}

const STEPS = [
  5 * SECOND,
  10 * SECOND,
  15 * SECOND,
  30 * SECOND,
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  3 * DAY,
  7 * DAY,
  14 * DAY,
  30 * DAY,
  90 * DAY,
];

/** Up to `most` marks between two instants: `{at, text, major}`, where a major one begins a day. */
export function timeMarks(from, to, zone, most) {
  const step = STEPS.find((one) => (to - from) / one <= most + 0.5) ?? STEPS.at(-1);
  return step >= DAY ? dayMarks(from, to, zone, step / DAY) : clockMarks(from, to, zone, step);
}

function clockMarks(from, to, zone, step) {
  const marks = [];
  const first = Math.ceil((from + offsetAt(from, zone)) / step) * step;
  for (let wall = first; ; wall += step) {
    const at = wall - offsetAt(wall - offsetAt(wall, zone), zone);
    if (at > to) return marks;
    const major = wall % DAY === 0;
    marks.push({ at, major, text: major ? day(at, zone) : clock(at, zone, step < MINUTE) });
  }
}

function dayMarks(from, to, zone, days) {
  const marks = [];
  for (let at = dayStart(from, zone, 0); at <= to; at = dayStart(at, zone, days)) {
    if (at >= from) marks.push({ at, major: false, text: day(at, zone) });
  }
  return marks;
}
