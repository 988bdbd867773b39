// A line as small as a word: the course of a figure beside it.

import { color } from "./palette.js";
import { sharpen } from "./plot.js";
import { h } from "../dom.js";
import { onTheme } from "../theme.js";

export class Spark {
  constructor({ height = 36, tint = "accent", kind = "line" } = {}) {
    Object.assign(this, { height, tint, kind, values: [], before: null });
    this.root = h("canvas", { class: "spark", "aria-hidden": "true" });
    this.root.style.height = `${height}px`;
    new ResizeObserver(() => this.redraw()).observe(this.root);
    onTheme(() => this.redraw());
  }

  /** `values` from left to right; `null` is a gap. `before` is the span before, in the same scale. */
  set(values, before = null) {
    Object.assign(this, { values, before });
    this.redraw();
  }

  redraw() {
    const width = this.root.clientWidth;
    const all = [...this.values, ...(this.before ?? [])].filter((value) => value !== null && Number.isFinite(value));
    if (width < 8) return;
    sharpen(this.root, width, this.height);
    if (all.length === 0) return;
    const top = Math.max(...all) || 1;
    const ctx = this.root.getContext("2d");
    const place = (value, i, n) => [
      n === 1 ? width / 2 : (i / (n - 1)) * width,
      this.height - 2 - (value / top) * (this.height - 5),
    ];
    if (this.kind === "bars") return this.bars(ctx, width, top);
    if (this.before) this.trace(ctx, this.before, place, color("muted", 0.7), [2, 2]);
    this.area(ctx, place, width);
    this.trace(ctx, this.values, place, color(this.tint), []);
  }

  bars(ctx, width, top) {
    const each = width / this.values.length;
    ctx.fillStyle = color(this.tint);
    this.values.forEach((value, i) => {
      const tall = ((value ?? 0) / top) * (this.height - 2);
      if (value > 0)
        ctx.fillRect(
          i * each,
          this.height - Math.max(tall, 1),
          Math.max(each - (each > 3 ? 1 : 0), 0.75),
          Math.max(tall, 1),
        );
    });
  }

  trace(ctx, values, place, stroke, dash) {
    ctx.strokeStyle = stroke;
    ctx.lineWidth = 1.5;
    ctx.lineJoin = "round";
    ctx.setLineDash(dash);
    ctx.beginPath();
    let drawing = false;
    values.forEach((value, i) => {
      if (value === null) return void (drawing = false);
      const at = place(value, i, values.length);
      if (drawing) ctx.lineTo(...at);
      else ctx.moveTo(...at);
      drawing = true;
    });
    ctx.stroke();
    ctx.setLineDash([]);
  }

  area(ctx, place, width) {
    if (this.values.some((value) => value === null)) return;
    ctx.beginPath();
    ctx.moveTo(0, this.height);
    this.values.forEach((value, i) => ctx.lineTo(...place(value, i, this.values.length)));
    ctx.lineTo(width, this.height);
    ctx.fillStyle = color(this.tint, 0.1);
    ctx.fill();
  }
}
