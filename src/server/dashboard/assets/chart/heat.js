// A heat map of latencies: a column a bucket of time, a row a bin, darker where more calls lie.

import { color } from "./palette.js";
import { heat } from "./palette.js";
import { roundDuration } from "../format.js";

/** The rows in use: `{lower, upper}` in ms; the last bin has no upper edge. */
export function rowsOf(bounds, columns) {
  const used = bounds.concat(Infinity).map((_, bin) => columns.some((column) => (column?.[bin] ?? 0) > 0));
  const first = used.indexOf(true);
  if (first < 0) return [];
  const last = used.lastIndexOf(true);
  const rows = [];
  for (let bin = first; bin <= last; bin++)
    rows.push({ bin, lower: bin === 0 ? 0 : bounds[bin - 1], upper: bounds[bin] ?? Infinity });
  return rows;
}

/** The axis: a number at every second or third edge. Rows are all as high, so the axis is about logarithmic. */
export function heatMarks({ rows }) {
  const every = Math.max(1, Math.ceil(rows.length / 8));
  const marks = rows
    .map((row, i) => ({ at: i, text: roundDuration(row.lower), i }))
    .filter(({ i }) => i > 0 && i % every === 0);
  return { marks, y: (row) => row / Math.max(rows.length, 1) };
}

/**
 * How strong a count is: roots, because a few slow calls must be seen beside thousands of quick ones; and mostly within
 * its own column, because how calls are spread matters in quiet hours too.
 */
export function strength(n, ofColumn, most) {
  return n > 0 ? 0.08 + 0.92 * Math.sqrt(n / ofColumn) * (ofColumn / most) ** 0.15 : 0;
}

export function drawHeat({ ctx, x, y }, { buckets, columns, rows, most, quantile }) {
  const tall = Math.abs(y(1) - y(0));
  buckets.forEach((bucket, i) => {
    const [left, right] = [x(bucket.from), x(bucket.to)];
    const ofColumn = Math.max(...(columns[i] ?? []), 1);
    rows.forEach((row, r) => {
      const n = columns[i]?.[row.bin] ?? 0;
      if (n === 0) return;
      ctx.fillStyle = heat(strength(n, ofColumn, most));
      ctx.fillRect(left, y(r + 1), Math.max(right - left - (right - left > 5 ? 1 : 0), 1), Math.max(tall - 1, 1));
    });
  });
  if (quantile) trace({ ctx, x, y }, buckets, rows, quantile);
}

/** A quantile over the map, so the map and the lines can be told together. */
function trace({ ctx, x, y }, buckets, rows, quantile) {
  ctx.strokeStyle = color("text", 0.85);
  ctx.lineWidth = 1.25;
  ctx.beginPath();
  let drawing = false;
  buckets.forEach((bucket, i) => {
    const place = rowAt(rows, quantile[i]);
    if (place === null) return;
    const at = [x((bucket.from + bucket.to) / 2), y(place)];
    if (drawing) ctx.lineTo(...at);
    else ctx.moveTo(...at);
    drawing = true;
  });
  ctx.stroke();
}

/** Where a latency lies among the rows, within its row by the logarithm. */
export function rowAt(rows, ms) {
  if (ms === null || ms === undefined) return null;
  const r = rows.findIndex((row) => ms <= row.upper);
  if (r < 0) return rows.length;
  const { lower, upper } = rows[r];
  if (!Number.isFinite(upper)) return r + 0.5;
  const low = Math.max(lower, upper / 10, 0.001);
  return r + Math.min(Math.max(Math.log(Math.max(ms, low) / low) / Math.log(upper / low), 0), 1);
}
