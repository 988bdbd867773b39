// The one tooltip of the page. It holds nodes, so hostile texts stay texts.

import { fill } from "../dom.js";
import { h } from "../dom.js";

const box = h("div", { class: "tooltip", "aria-hidden": "true", hidden: true });
document.body.append(box);

/** Shows it beside a point of the window, on the side with room. */
export function showTooltip(x, y, ...children) {
  fill(box, children);
  box.hidden = false;
  const { width, height } = box.getBoundingClientRect();
  const right = x + 16 + width < innerWidth - 8;
  const left = right ? x + 16 : Math.max(8, x - 16 - width);
  box.style.left = `${left}px`;
  box.style.top = `${Math.max(8, Math.min(y - height / 2, innerHeight - height - 8))}px`;
}

export function hideTooltip() {
  box.hidden = true;
}

/** A line of it: a colour, a name (a text or a node), a figure. */
export function tooltipRow(swatch, name, figure, more = "") {
  const dot = h("i", { class: "swatch" });
  if (swatch) dot.style.background = swatch;
  return h(
    "div",
    { class: "tooltip-row" },
    swatch ? dot : h("i"),
    h("span", { class: "tooltip-name" }, name),
    h("b", { text: figure }),
    h("span", { class: "tooltip-more", text: more }),
  );
}
