// A chart over time: axes, and marks drawn by a function (bars, lines, heat). What the pointer and the keys do is
// told in pointer.js.
//
//   gutter |  plot area                | margin
//    numbers, one grid line each       | direct labels
//   -------+---------------------------+--------
//            times on the zone's clocks

import { followHover } from "./hover.js";
import { color } from "./palette.js";
import { numberMarks } from "./scale.js";
import { timeMarks } from "./scale.js";
import { steer } from "./pointer.js";
import { h } from "../dom.js";
import { onTheme } from "../theme.js";
import { t } from "../i18n/index.js";

const FONT =
  '11px "Segoe UI", Inter, Roboto, "Helvetica Neue", "Liberation Sans", Arial, "PingFang SC", "Noto Sans CJK SC", sans-serif';
const AXIS = 20;
const TOP = 10;
// Charts above each other begin at the same place, so a moment is in one line.
const GUTTER = 37;

export class Plot {
  /**
   * `margin` at the right is the same for charts above each other, so that times are in one line.
   * `height` is the least: a chart takes the room its panel has, unless it is `fixed`. `draw(frame, data)` draws the marks; `format(value)` writes the numbers of the axis; `tip(index, data)` gives the
   * nodes of the tooltip and `say(index, data)` the same as a sentence; `zoom(from, to)` and `pick(bucket)` are told
   * of what was dragged and clicked; `point` marks the bucket under the crosshair.
   */
  constructor(
    name,
    {
      height = 220,
      margin = 32,
      draw,
      format,
      tip,
      say,
      zoom = null,
      pick = null,
      marks = null,
      point = null,
      fixed = false,
    },
  ) {
    Object.assign(this, {
      name,
      height,
      least: height,
      margin,
      draw,
      format,
      tip,
      say,
      zoom,
      pick,
      ownMarks: marks,
      mark: point,
    });
    Object.assign(this, { data: null, index: null, ghost: null, drag: null });
    this.base = h("canvas", { class: "chart-base", "aria-hidden": "true" });
    this.over = h("canvas", { class: "chart-over", "aria-hidden": "true" });
    this.voice = h("span", { class: "offscreen", "aria-live": "polite" });
    const keys = zoom ? t("chart.keys") : t("chart.keys.plain");
    const props = {
      class: "chart",
      tabindex: "0",
      role: "application",
      "aria-roledescription": t("chart.role"),
      "aria-description": keys,
      data: { chart: name },
    };
    this.root = h("div", props, this.base, this.over, this.voice);
    this.root.style[fixed ? "height" : "minHeight"] = `${height}px`;
    this.root.classList.toggle("is-fixed", fixed);
    new ResizeObserver(() => this.redraw()).observe(this.root);
    onTheme(() => this.redraw());
    followHover(this);
    steer(this);
  }

  /** `{buckets, from, to, max, zone, summary}`: `max` is the top of the number axis. */
  set(data) {
    this.data = data;
    this.root.dataset.points = data.buckets.length;
    this.root.setAttribute("aria-label", data.summary ?? "");
    if (this.index !== null && this.index >= data.buckets.length) this.index = null;
    this.redraw();
  }

  redraw() {
    const width = this.root.clientWidth;
    if (!this.data || width < 40) return;
    this.height = Math.max(this.root.clientHeight, this.least);
    this.frame = this.layout(width);
    sharpen(this.base, width, this.height);
    sharpen(this.over, width, this.height);
    this.axes();
    this.frame.ctx.save();
    this.frame.ctx.beginPath();
    this.frame.ctx.rect(this.frame.left, 0, this.frame.width + this.margin, this.frame.bottom + 1);
    this.frame.ctx.clip();
    this.draw(this.frame, this.data);
    this.frame.ctx.restore();
    this.overlay();
  }

  layout(width) {
    const ctx = this.base.getContext("2d");
    ctx.font = FONT;
    const { from, to, max } = this.data;
    const scale = this.ownMarks ? this.ownMarks(this.data) : numberMarks(max, this.height < 150 ? 2 : 4);
    const labels = scale.marks.map((mark) => (typeof mark === "object" ? mark.text : this.format(mark)));
    const left = Math.ceil(Math.max(...labels.map((label) => ctx.measureText(label).width), GUTTER)) + 9;
    const bottom = this.height - AXIS;
    const plotWidth = Math.max(width - left - this.margin, 10);
    const x = (ms) => left + ((ms - from) / (to - from || 1)) * plotWidth;
    const y = scale.y
      ? (value) => TOP + (1 - scale.y(value)) * (bottom - TOP)
      : (value) => bottom - (value / scale.max) * (bottom - TOP);
    return { ctx, left, right: left + plotWidth, top: TOP, bottom, width: plotWidth, x, y, scale, labels };
  }

  axes() {
    const { ctx, left, right, y, scale, labels } = this.frame;
    ctx.font = FONT;
    ctx.lineWidth = 1;
    ctx.textBaseline = "middle";
    scale.marks.forEach((mark, i) => {
      const at = Math.round(y(typeof mark === "object" ? mark.at : mark)) + 0.5;
      ctx.strokeStyle = color(i === 0 && !scale.y ? "axis" : "grid");
      if (!scale.y) line(ctx, left, at, right, at);
      ctx.textAlign = "right";
      ctx.fillStyle = color("muted");
      ctx.fillText(labels[i], left - 7, at);
    });
    this.times();
  }

  times() {
    const { ctx, left, right, bottom, width, x } = this.frame;
    const { from, to, zone } = this.data;
    ctx.textBaseline = "alphabetic";
    let free = left - 30;
    for (const mark of timeMarks(from, to, zone, Math.max(2, Math.floor(width / (width < 400 ? 64 : 80))))) {
      const at = x(mark.at);
      const half = ctx.measureText(mark.text).width / 2;
      const middle = Math.min(Math.max(at, left + half - 6), right - half + this.margin);
      if (middle - half < free) continue;
      ctx.fillStyle = color(mark.major ? "text" : "muted");
      ctx.textAlign = "center";
      ctx.fillText(mark.text, middle, bottom + 16);
      ctx.strokeStyle = color("axis");
      line(ctx, Math.round(at) + 0.5, bottom, Math.round(at) + 0.5, bottom + 3);
      free = middle + half + 12;
    }
  }

  /** The crosshair and what is being dragged, on a canvas of their own: the marks need not be drawn again. */
  overlay() {
    const ctx = this.over.getContext("2d");
    ctx.clearRect(0, 0, this.root.clientWidth, this.height);
    if (!this.frame) return;
    if (this.drag) this.selection(ctx, this.drag.from, this.drag.to, "accent");
    else if (this.data.at) this.selection(ctx, this.data.at[0], this.data.at[1], "accent");
    const bucket = this.index === null ? null : this.data.buckets[this.index];
    const at = bucket ? (bucket.from + bucket.to) / 2 : this.ghost;
    if (at === null || at < this.data.from || at > this.data.to) return;
    ctx.strokeStyle = color(bucket ? "text" : "muted", bucket ? 0.55 : 0.4);
    const place = Math.round(this.frame.x(at)) + 0.5;
    line(ctx, place, this.frame.top - 4, place, this.frame.bottom);
    if (bucket && this.mark) this.mark(this.frame, ctx, this.data, this.index);
  }

  selection(ctx, from, to, name) {
    const { x, top, bottom } = this.frame;
    const [left, right] = [x(Math.min(from, to)), x(Math.max(from, to))];
    ctx.fillStyle = color(name, 0.13);
    ctx.fillRect(left, top - 4, right - left, bottom - top + 4);
    ctx.strokeStyle = color(name, 0.7);
    line(ctx, Math.round(left) + 0.5, top - 4, Math.round(left) + 0.5, bottom);
    line(ctx, Math.round(right) - 0.5, top - 4, Math.round(right) - 0.5, bottom);
  }

  /** Another chart is at that instant. */
  hovered(at) {
    this.ghost = at;
    if (this.data) this.overlay();
  }
}

/** Sizes a canvas in pixels of the screen. Setting a size also clears it. */
export function sharpen(canvas, width, height) {
  const ratio = globalThis.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
}

export function line(ctx, x1, y1, x2, y2) {
  ctx.beginPath();
  ctx.moveTo(x1, y1);
  ctx.lineTo(x2, y2);
  ctx.stroke();
}
