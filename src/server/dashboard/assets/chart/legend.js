// Names of what is drawn, as switches: a click hides one, a click with Alt or a second one shows it alone.

import { fill } from "../dom.js";
import { h } from "../dom.js";
import { color } from "./palette.js";
import { t } from "../i18n/index.js";

export class Legend {
  /** `changed()` is called after a switch. What is hidden stays so by name when new figures come. */
  constructor(changed) {
    this.changed = changed;
    this.hidden = new Set();
    this.root = h("ul", { class: "legend", "aria-label": t("legend") });
  }

  /** `items`: `{name, node, color, figure}`; `name` tells them apart. */
  show(items) {
    this.items = items;
    fill(
      this.root,
      items.map((item) => this.item(item)),
    );
  }

  item({ name, node, color: swatch, figure, fixed }) {
    const dot = h("i", { class: "swatch" });
    dot.style.background = color(swatch);
    const content = [dot, node, figure !== undefined && h("b", { text: figure })];
    if (fixed) return h("li", { class: "legend-item is-fixed" }, content);
    const click = (event) => this.toggle(name, event.altKey || event.metaKey);
    const pressed = String(!this.hidden.has(name));
    return h(
      "li",
      {},
      h(
        "button",
        {
          class: "legend-item",
          "aria-pressed": pressed,
          data: { legend: name },
          title: t("legend.help"),
          on: { click },
        },
        content,
      ),
    );
  }

  toggle(name, alone) {
    const others = this.items.filter((item) => item.name !== name && !item.fixed).map((item) => item.name);
    const isAlone = !this.hidden.has(name) && others.every((other) => this.hidden.has(other));
    if (alone) this.hidden = new Set(isAlone ? [] : others);
    else if (this.hidden.has(name)) this.hidden.delete(name);
    else this.hidden.add(name);
    this.refresh();
  }

  refresh() {
    const focused = document.activeElement?.dataset?.legend;
    if (this.items) this.show(this.items);
    if (focused !== undefined)
      [...this.root.querySelectorAll("button")].find((one) => one.dataset.legend === focused)?.focus();
    this.changed();
  }
}
