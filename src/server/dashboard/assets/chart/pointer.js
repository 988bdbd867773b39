// What the pointer and the keys do with a chart: look at a point, pick it, drag over a part to zoom into it.

import { tellHover } from "./hover.js";
import { hideTooltip } from "./tooltip.js";
import { showTooltip } from "./tooltip.js";

const DRAG_PX = 6;

export function steer(plot) {
  const { root } = plot;
  let start = null;
  root.addEventListener("pointermove", (event) => {
    if (!plot.frame) return;
    const at = instant(plot, event);
    if (start && Math.abs(event.clientX - start.x) > DRAG_PX && plot.zoom) plot.drag = edges(plot, start.at, at);
    point(plot, indexAt(plot, at), event.clientX, event.clientY);
  });
  root.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !plot.frame) return;
    start = { x: event.clientX, at: instant(plot, event) };
    if (event.pointerType !== "touch") root.setPointerCapture(event.pointerId);
  });
  root.addEventListener("pointerup", () => {
    const dragged = plot.drag;
    const picked = start && !dragged;
    start = null;
    plot.drag = null;
    if (dragged) plot.zoom(dragged.from, dragged.to);
    else if (picked && plot.pick && plot.index !== null) plot.pick(plot.data.buckets[plot.index]);
    plot.overlay();
  });
  root.addEventListener("pointercancel", () => {
    start = null;
    plot.drag = null;
    leave(plot);
  });
  root.addEventListener("pointerleave", () => !start && leave(plot));
  root.addEventListener("blur", () => leave(plot));
  root.addEventListener("keydown", (event) => key(plot, event));
}

/** The instant under the pointer. */
function instant(plot, event) {
  const { left, width } = plot.frame;
  const share = (event.clientX - plot.root.getBoundingClientRect().left - left) / width;
  const { from, to } = plot.data;
  return from + Math.min(Math.max(share, 0), 1) * (to - from);
}

/** The bucket that holds the instant, or the nearest one. */
export function indexAt(plot, at) {
  const { buckets } = plot.data;
  if (buckets.length === 0) return null;
  const found = buckets.findIndex((bucket) => at < bucket.to);
  return found < 0 ? buckets.length - 1 : found;
}

/** Whole buckets from one instant to the other. */
function edges(plot, a, b) {
  const { buckets } = plot.data;
  const [first, last] = [indexAt(plot, Math.min(a, b)), indexAt(plot, Math.max(a, b))];
  return first === null ? null : { from: buckets[first].from, to: buckets[last].to };
}

function point(plot, index, x, y) {
  plot.index = index;
  plot.overlay();
  if (index === null) return;
  const bucket = plot.data.buckets[index];
  tellHover((bucket.from + bucket.to) / 2, plot);
  plot.pointerY = y - plot.root.getBoundingClientRect().top;
  showTooltip(x, y, plot.tip(index, plot.data));
}

function leave(plot) {
  plot.index = null;
  plot.pointerY = null;
  if (plot.data) plot.overlay();
  tellHover(null, plot);
  hideTooltip();
}

const STEPS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };

function key(plot, event) {
  const count = plot.data?.buckets.length ?? 0;
  if (count === 0 || !plot.frame) return;
  if (event.key in STEPS) step(plot, event, count);
  else if (event.key === "Enter" || event.key === " ") choose(plot);
  else if (event.key === "Escape") {
    plot.drag = null;
    leave(plot);
  } else return;
  event.preventDefault();
}

/** With Shift the steps take a part with them, which Enter zooms into. */
function step(plot, event, count) {
  const before = plot.index ?? (STEPS[event.key] > 0 ? -1 : count);
  const index = Math.min(Math.max(before + STEPS[event.key], 0), count - 1);
  const { buckets } = plot.data;
  if (event.shiftKey && plot.zoom) {
    plot.anchor ??= Math.min(Math.max(before, 0), count - 1);
    const [first, last] = [Math.min(plot.anchor, index), Math.max(plot.anchor, index)];
    plot.drag = { from: buckets[first].from, to: buckets[last].to };
  } else {
    plot.anchor = null;
    plot.drag = null;
  }
  const box = plot.root.getBoundingClientRect();
  const middle = (buckets[index].from + buckets[index].to) / 2;
  point(plot, index, box.left + plot.frame.x(middle), box.top + box.height / 2);
  plot.voice.textContent = plot.say(index, plot.data);
}

function choose(plot) {
  const { drag, index } = plot;
  plot.drag = null;
  plot.anchor = null;
  if (drag) plot.zoom(drag.from, drag.to);
  else if (plot.pick && index !== null) plot.pick(plot.data.buckets[index]);
}
