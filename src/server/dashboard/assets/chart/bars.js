// Stacked bars over time.

import { color } from "./palette.js";
import { line } from "./plot.js";

/** `data.series`: `{color, values}` from the bottom up; `data.cut[i]` says that a bucket is not over yet. */
export function drawBars({ ctx, x, y, bottom }, { buckets, series, cut, before }) {
  const gap = gapOf(buckets, x);
  buckets.forEach((bucket, i) => {
    const left = x(bucket.from) + gap / 2;
    const width = Math.max(x(bucket.to) - x(bucket.from) - gap, 1);
    ctx.globalAlpha = cut?.[i] ? 0.5 : 1;
    let sum = 0;
    for (const one of series) {
      const value = one.values[i] ?? 0;
      if (value <= 0) continue;
      const [from, to] = [y(sum), y(sum + value)];
      sum += value;
      ctx.fillStyle = color(one.color);
      // What is there at all is seen: a handful of failures on thousands of calls are at least a pixel.
      ctx.fillRect(left, Math.min(to, from - 1), width, Math.max(from - to, 1));
    }
  });
  ctx.globalAlpha = 1;
  if (before) steps(ctx, x, y, before, bottom);
}

function gapOf(buckets, x) {
  const widths = buckets.map((bucket) => x(bucket.to) - x(bucket.from));
  const widest = Math.max(...widths, 0);
  return widest > 14 ? 3 : widest > 5 ? 1.5 : widest > 3 ? 1 : 0;
}

/** The span before as a dashed outline. */
function steps(ctx, x, y, before, bottom) {
  ctx.strokeStyle = color("text", 0.55);
  ctx.lineWidth = 1.25;
  ctx.setLineDash([3, 3]);
  let last = null;
  for (const { from, to, value } of before) {
    const at = y(value ?? 0);
    if (last !== null) line(ctx, x(from), last, x(from), at);
    line(ctx, x(from), at, x(to), at);
    last = Math.min(at, bottom);
  }
  ctx.setLineDash([]);
}
