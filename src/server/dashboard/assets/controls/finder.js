// A field to search in and the list of what was found: the arrow keys move, Enter takes, as in a combobox.

import { fill } from "../dom.js";
import { h } from "../dom.js";
import { t } from "../i18n/index.js";

let count = 0;

/**
 * `find(text)` gives, now or later, a list of `{value, node, more, chosen}`; `take(value)` is told what was chosen.
 * Answers that come after a newer question are not shown.
 */
export function finder({ label, find, take, name }) {
  const id = `found-${++count}`;
  const input = h("input", {
    class: "input",
    type: "search",
    autofocus: true,
    placeholder: label,
    "aria-label": label,
    role: "combobox",
    "aria-expanded": "true",
    "aria-controls": id,
    autocomplete: "off",
    spellcheck: "false",
    data: { control: `${name}-search` },
  });
  const list = h("ul", { class: "found", id, role: "listbox", "aria-label": label });
  let [items, at, asked] = [[], 0, 0];

  const point = (next) => {
    at = Math.max(0, Math.min(next, items.length - 1));
    [...list.children].forEach((row, i) => row.setAttribute("aria-selected", String(i === at)));
    const row = list.children[at];
    input.setAttribute("aria-activedescendant", row?.id ?? "");
    row?.scrollIntoView({ block: "nearest" });
  };
  const show = (found) => {
    items = found;
    fill(
      list,
      found.map((one, i) => option(one, `${id}-${i}`, take)),
      found.length === 0 && h("li", { class: "found-none", text: t("found.none") }),
    );
    const chosen = found.findIndex((one) => one.chosen);
    point(chosen < 0 ? 0 : chosen);
  };
  const search = async () => {
    const mine = ++asked;
    try {
      const found = await find(input.value.trim());
      if (mine === asked) show(found);
    } catch (error) {
      if (mine === asked) fill(list, h("li", { class: "found-none", text: error.message }));
    }
  };
  input.addEventListener("input", search);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (step) point(at + step);
    else if (event.key === "Enter" && items[at]) take(items[at].value);
    else return;
    event.preventDefault();
  });
  search();
  return h("div", { class: "finder" }, input, list);
}

function option({ value, node, more }, id, take) {
  const click = () => take(value);
  return h(
    "li",
    { role: "option", id, data: { value: value ?? "" }, on: { click } },
    h("span", { class: "found-name" }, node),
    more && h("span", { class: "faint", text: more }),
  );
}
