// The range of time: windows up to now, days of the zone, or from and to.

import { choice } from "./choice.js";
import { menu } from "./menu.js";
import { segments } from "./choice.js";
import { h } from "../dom.js";
import { ICONS } from "../icons.js";
import { t } from "../i18n/index.js";
import { spanEdges } from "../span.js";
import { CALENDAR } from "../state.js";
import { WINDOWS } from "../state.js";
import { change } from "../state.js";
import { state } from "../state.js";
import { zone } from "../state.js";
import { between } from "../time.js";
import { instantOf } from "../time.js";
import { wallIn } from "../time.js";
import { zoomOut } from "../zoom.js";

const ALL = [...WINDOWS, ...CALENDAR];

/** Windows side by side where there is room; a list of all, which also stands for the narrow screen. */
export function rangeControl() {
  const choose = (range) => change({ range, from: null, to: null, at: null });
  const row = segments(
    "range",
    WINDOWS.map((value) => ({ value, text: value, title: t(`range.${value}`) })),
    () => state().range,
    choose,
    t("range"),
  );
  const options = () =>
    [...ALL, ...(state().range === "custom" ? ["custom"] : [])].map((value) => ({
      value,
      text: value === "custom" ? customText() : t(`range.${value}`),
    }));
  const list = choice(
    "range-list",
    options,
    () => state().range,
    (value) => value !== "custom" && choose(value),
    t("range"),
  );
  const days = segments(
    "days",
    CALENDAR.map((value) => ({ value, text: t(`range.${value}`) })),
    () => state().range,
    choose,
    t("range.days"),
  );
  const button = h(
    "button",
    { class: "button", data: { control: "custom" }, title: t("range.custom") },
    ICONS.clock(),
    h("span", { class: "wide-only", text: t("range.custom.short") }),
  );
  menu(button, customForm, { label: t("range.custom") });
  const back = h(
    "button",
    { class: "button", data: { control: "zoom-out" }, on: { click: zoomOut } },
    ICONS.close(),
    t("range.reset"),
  );
  const refresh = () => {
    row.refresh();
    days.refresh();
    list.refresh();
    button.setAttribute("aria-pressed", String(state().range === "custom"));
    back.hidden = state().range !== "custom";
  };
  refresh();
  return { root: h("div", { class: "range" }, row.root, days.root, list.root, button, back), refresh };
}

const customText = () => between(state().from, state().to, zone());

function customForm(close) {
  const [from, to] = spanEdges();
  const input = (name, at) =>
    h("input", {
      type: "datetime-local",
      step: "1",
      class: "input",
      required: true,
      value: wallIn(at, zone()),
      data: { control: `custom-${name}` },
    });
  const [first, last] = [input("from", from), input("to", to)];
  const wrong = h("p", { class: "form-wrong", role: "alert" });
  const submit = (event) => {
    event.preventDefault();
    const [a, b] = [instantOf(first.value, zone()), instantOf(last.value, zone())];
    if (!(b > a) || a > Date.now()) return void (wrong.textContent = t("range.wrong"));
    change({ range: "custom", from: a, to: b, at: null });
    close();
  };
  return h(
    "form",
    { class: "form", on: { submit } },
    h("label", {}, h("span", { text: t("range.from") }), first),
    h("label", {}, h("span", { text: t("range.to") }), last),
    h("p", { class: "faint", text: t("range.zone", { zone: zone() }) }),
    wrong,
    h("button", { class: "button primary", type: "submit", data: { control: "custom-apply" } }, t("apply")),
  );
}
