// A small window under a button. It closes with Escape, with a click elsewhere, and when the focus leaves.

import { fill } from "../dom.js";
import { h } from "../dom.js";

let count = 0;

/** `content(close)` gives what is inside, anew each time it opens. */
export function menu(button, content, { kind = "dialog", label = "" } = {}) {
  const id = `menu-${++count}`;
  const box = h("div", { class: "menu", id, role: kind, "aria-label": label, hidden: true });
  document.body.append(box);
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-controls", id);
  button.setAttribute("aria-haspopup", kind);

  const close = (back = true) => {
    if (box.hidden) return;
    box.hidden = true;
    button.setAttribute("aria-expanded", "false");
    if (back) button.focus();
  };
  const open = () => {
    fill(box, content(close));
    box.hidden = false;
    place(box, button);
    button.setAttribute("aria-expanded", "true");
    box.querySelector("[autofocus], input, button, select")?.focus();
  };
  button.addEventListener("click", () => (box.hidden ? open() : close()));
  box.addEventListener("keydown", (event) => event.key === "Escape" && close());
  box.addEventListener("focusout", (event) => {
    const to = event.relatedTarget;
    if (to && !box.contains(to) && to !== button) close(false);
  });
  document.addEventListener("pointerdown", (event) => {
    if (!box.contains(event.target) && !button.contains(event.target)) close(false);
  });
  addEventListener("resize", () => close(false));
  return { open, close };
}

/** Below the button, within the window. */
function place(box, button) {
  const { left, bottom } = button.getBoundingClientRect();
  const most = document.documentElement.clientWidth - box.offsetWidth - 8;
  box.style.left = `${Math.max(8, Math.min(left, most))}px`;
  box.style.top = `${bottom + 6}px`;
}
