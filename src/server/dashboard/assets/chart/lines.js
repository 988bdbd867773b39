// Lines over time, each with its name at its end.

import { color } from "./palette.js";

/**
 * `data.series`: `{color, values, label, width}`; `null` is a gap. What leads to a bucket that is not whole (`data.cut`)
 * is pale: a few calls say little.
 */
export function drawLines(frame, { buckets, series, before, cut = [] }) {
  const { ctx, x, y } = frame;
  ctx.lineJoin = "round";
  const middle = (bucket) => x((bucket.from + bucket.to) / 2);
  for (const one of before ?? [])
    path(
      ctx,
      one.points.map(({ bucket, value }) => [middle(bucket), value === null ? null : y(value)]),
      one,
      true,
    );
  for (const one of series) {
    const places = one.values.map((value, i) => [middle(buckets[i]), value === null ? null : y(value)]);
    path(
      ctx,
      places.map(([px, py], i) => [px, cut[i] ? null : py]),
      one,
      false,
    );
    ctx.globalAlpha = 0.35;
    path(
      ctx,
      places.map(([px, py], i) => [px, cut[i] || cut[i - 1] || cut[i + 1] ? py : null]),
      one,
      false,
    );
    ctx.globalAlpha = 1;
  }
  labels(frame, series, cut);
}

function path(ctx, places, one, dashed) {
  ctx.strokeStyle = color(one.color, dashed ? 0.6 : 1);
  ctx.fillStyle = color(one.color);
  ctx.lineWidth = dashed ? 1.25 : (one.width ?? 1.75);
  ctx.setLineDash(dashed ? [3, 3] : []);
  ctx.beginPath();
  let drawing = false;
  places.forEach(([px, py], i) => {
    if (py === null) {
      drawing = false;
      return;
    }
    if (drawing) ctx.lineTo(px, py);
    else ctx.moveTo(px, py);
    const alone = !drawing && (places[i + 1]?.[1] ?? null) === null;
    if (alone) ctx.rect(px - 1, py - 1, 2, 2);
    drawing = true;
  });
  ctx.stroke();
  ctx.setLineDash([]);
}

/** At the right end of the lines, moved apart where they meet. */
function labels({ ctx, right, top, bottom, y }, series, cut) {
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  const places = [...series]
    .reverse()
    .map((one) => ({ one, at: one.values.findLast((value, i) => value !== null && !cut[i]) }))
    .filter(({ one, at }) => one.label && at !== undefined)
    .map(({ one, at }) => ({ one, y: Math.min(Math.max(y(at), top), bottom - 4) }))
    .sort((a, b) => b.y - a.y);
  let free = Infinity;
  for (const place of places) {
    const at = Math.min(place.y, free - 13);
    free = at;
    ctx.fillStyle = color(place.one.color);
    ctx.font = `600 ${ctx.font.replace(/^\d+ /, "")}`;
    ctx.fillText(place.one.label, right + 6, at);
  }
}

/** Dots where the crosshair meets the lines. */
export function dots({ x, y }, over, { buckets, series }, index) {
  const px = x((buckets[index].from + buckets[index].to) / 2);
  for (const one of series) {
    const value = one.values[index];
    if (value === null || value === undefined) continue;
    over.beginPath();
    over.arc(px, y(value), 3.5, 0, Math.PI * 2);
    over.fillStyle = color(one.color);
    over.fill();
    over.lineWidth = 1.5;
    over.strokeStyle = color("panel");
    over.stroke();
  }
}
