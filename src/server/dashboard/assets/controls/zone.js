// The zone of days and clocks: that of the browser, UTC, or any other by name.

import { finder } from "./finder.js";
import { menu } from "./menu.js";
import { fill } from "../dom.js";
import { h } from "../dom.js";
import { ICONS } from "../icons.js";
import { t } from "../i18n/index.js";
import { change } from "../state.js";
import { state } from "../state.js";
import { zone } from "../state.js";
import { isZone } from "../time.js";
import { localZone } from "../time.js";
import { offsetText } from "../time.js";

export function zoneControl() {
  const text = h("span");
  const button = h("button", { class: "button", data: { control: "zone" } }, ICONS.globe(), text);
  menu(
    button,
    (close) => finder({ label: t("zone.search"), name: "zone", find, take: (value) => take(value, close) }),
    { label: t("zone") },
  );
  const refresh = () => {
    const short = zone().split("/").at(-1).replaceAll("_", " ");
    fill(text, short);
    button.title = `${t("zone")}: ${zone()} (${offsetText(Date.now(), zone())})`;
    button.dataset.value = zone();
  };
  refresh();
  return { root: button, refresh };
}

// Names of today for zones that some browsers still list under an older one only.
const RENAMED = [
  "Asia/Kathmandu",
  "Asia/Kolkata",
  "Asia/Ho_Chi_Minh",
  "Asia/Yangon",
  "Europe/Kyiv",
  "America/Argentina/Buenos_Aires",
  "America/Nuuk",
  "Atlantic/Faroe",
  "Pacific/Pohnpei",
];

function take(value, close) {
  change({ tz: value === localZone() ? "" : value });
  close();
}

function find(text) {
  const listed = typeof Intl.supportedValuesOf === "function" ? Intl.supportedValuesOf("timeZone") : [];
  const known = [...new Set([...listed, ...RENAMED.filter(isZone)])].sort();
  const first = [...new Set([localZone(), "UTC", ...(state().tz ? [state().tz] : [])])];
  const wanted = text.toLowerCase().replaceAll(" ", "_");
  const names = [...first, ...known.filter((one) => !first.includes(one))].filter((one) =>
    one.toLowerCase().includes(wanted),
  );
  if (names.length === 0 && isZone(text)) names.push(text);
  return names
    .slice(0, 80)
    .map((value) => ({ value, node: name(value), more: offsetText(Date.now(), value), chosen: value === zone() }));
}

function name(value) {
  return value === localZone()
    ? h("span", {}, value, h("span", { class: "tag", text: t("zone.local") }))
    : value.replaceAll("_", " ");
}
