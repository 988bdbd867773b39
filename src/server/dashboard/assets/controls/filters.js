// What is counted: chips for the filters, one more from a list, and what a token narrows by itself.

import { finder } from "./finder.js";
import { menu } from "./menu.js";
import { address } from "../api.js";
import { get } from "../api.js";
import { fill } from "../dom.js";
import { h } from "../dom.js";
import { ICONS } from "../icons.js";
import { t } from "../i18n/index.js";
import { change } from "../state.js";
import { isFiltered } from "../state.js";
import { setFilter } from "../state.js";
import { state } from "../state.js";
import { toggleFilter } from "../state.js";
import { dimensionName } from "../text.js";
import { dimensionWord } from "../text.js";
import { valueNode } from "../text.js";
import { valueText } from "../text.js";

const FOUND = 40;

export function filterControl(dimensions, caller) {
  const chips = h("ul", { class: "chips", "aria-label": t("filters") });
  const add = h("button", { class: "button small", data: { control: "add-filter" } }, ICONS.plus(), t("filter.new"));
  menu(add, (close) => chooser(dimensions, close), { label: t("filter.new") });
  const clear = h(
    "button",
    {
      class: "button small quiet",
      data: { control: "clear-filters" },
      on: { click: () => change({ filters: {}, at: null }) },
    },
    t("filters.clear"),
  );
  const refresh = () => {
    const filters = Object.entries(state().filters);
    fill(
      chips,
      forced(caller),
      filters.map(([name, values]) => chip(name, values)),
    );
    clear.hidden = filters.length === 0;
  };
  refresh();
  return { root: h("div", { class: "filters" }, add, chips, clear), refresh };
}

/** All values of one dimension: any of them. */
function chip(name, values) {
  const parts = values.flatMap((value, i) => [i > 0 && h("span", { class: "or", text: t("or") }), one(name, value)]);
  const remove = h(
    "button",
    {
      class: "chip-close",
      "aria-label": t("filter.remove", { name: dimensionName(name) }),
      on: { click: () => setFilter(name, []) },
    },
    ICONS.close(),
  );
  return h(
    "li",
    { class: "chip", data: { chip: name, value: JSON.stringify(values) } },
    h("span", { class: "chip-name", text: dimensionName(name) }),
    parts,
    remove,
  );
}

function one(name, value) {
  const label = t("filter.remove", { name: valueText(name, value) });
  return h(
    "button",
    { class: "chip-value", title: label, on: { click: () => toggleFilter(name, value) } },
    valueNode(name, value),
  );
}

/** The token's own filter: shown, but not to be taken away. */
function forced(caller) {
  return Object.entries(caller.only ?? {}).map(([name, values]) =>
    h(
      "li",
      { class: "chip is-forced", title: t("caller.only"), data: { forced: name } },
      ICONS.key(),
      h("span", { class: "chip-name", text: dimensionName(name) }),
      [values].flat().map((value) => valueNode(name, value)),
    ),
  );
}

/** First the dimension, then its values; both in one small window. */
function chooser(dimensions, close) {
  const box = h("div", { class: "chooser" });
  const values = (name) => {
    const find = (text) => found(name, text);
    const take = (value) => {
      if (!isFiltered(name, value)) toggleFilter(name, value);
      close();
    };
    fill(
      box,
      h("p", { class: "menu-title", text: dimensionName(name) }),
      finder({ label: t("filter.search", { name: dimensionWord(name, "many") }), name: "filter", find, take }),
    );
    box.querySelector("input").focus();
  };
  const row = (name) =>
    h(
      "li",
      {},
      h(
        "button",
        { class: "menu-item", data: { value: name }, on: { click: () => values(name) } },
        dimensionName(name),
      ),
    );
  fill(box, h("ul", { class: "menu-list" }, dimensions.map(row)));
  return box;
}

async function found(name, text) {
  const answer = await get(
    address(`/v1/dimensions/${encodeURIComponent(name)}/values`, { q: text || null, limit: FOUND }),
  );
  const rows = answer.values.map(({ value }) => ({
    value,
    node: valueNode(name, value),
    chosen: isFiltered(name, value),
  }));
  return text === "" ? [...rows, { value: null, node: valueNode(name, null), chosen: isFiltered(name, null) }] : rows;
}
