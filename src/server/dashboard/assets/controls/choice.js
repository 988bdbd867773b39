// Choices among a few: side by side, or in a list of the browser's own.

import { fill } from "../dom.js";
import { h } from "../dom.js";

/** A list to choose from. `options()` gives `{value, text}`; `current()` what is chosen. */
export function choice(name, options, current, choose, label) {
  const select = h("select", {
    class: "select",
    "aria-label": label,
    data: { control: name },
    on: { change: () => choose(select.value) },
  });
  const refresh = () => {
    fill(
      select,
      options().map(({ value, text }) => h("option", { value }, text)),
    );
    select.value = current();
  };
  refresh();
  return { root: h("span", { class: "select-frame" }, select), refresh };
}

/** All choices side by side; the arrow keys move among them, as among radio buttons. */
export function segments(name, options, current, choose, label) {
  const root = h("div", { class: "segments", role: "radiogroup", "aria-label": label, data: { control: name } });
  const buttons = options.map(({ value, text, title }) =>
    h("button", { class: "segment", role: "radio", data: { value }, title, on: { click: () => choose(value) } }, text),
  );
  fill(root, buttons);
  root.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    const at = buttons.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    const next = buttons[(at + step + buttons.length) % buttons.length];
    next.focus();
    choose(next.dataset.value);
  });
  const refresh = () => {
    const now = current();
    const known = options.some(({ value }) => value === now);
    buttons.forEach((button, i) => {
      const on = button.dataset.value === now;
      button.setAttribute("aria-checked", String(on));
      button.tabIndex = on || (!known && i === 0) ? 0 : -1;
    });
  };
  refresh();
  return { root, refresh };
}
