// Texts from events. They are hostile: endless, right-to-left, with control characters.

import { h } from "./dom.js";
import { t } from "./i18n/index.js";

const CONTROL = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;
const MAX_SHOWN = 200;
const MAX_TITLE = 1000;
const FINGERPRINTED = /^(key|.*…[^.]*)\.([0-9a-z]{26})$/u;

/** The text with what could not be seen made visible, so two values that differ also look different. */
export function clean(text) {
  const edges = String(text).replace(/^ +| +$/g, (spaces) => "␣".repeat(spaces.length));
  return edges.replace(CONTROL, (c) => {
    const code = c.codePointAt(0);
    return code < 0x20 ? String.fromCodePoint(0x2400 + code) : "\ufffd";
  });
}

/** The same for long texts: a line break is seen, and also breaks the line. */
export function cleanLines(text) {
  return clean(text)
    .split("␊")
    .flatMap((line, i) => (i === 0 ? [line] : ["␊", h("br"), line]));
}

/** Cut after `max` characters (not in the middle of one). */
export function cut(text, max) {
  if (text.length <= max) return text;
  const characters = Array.from(text.slice(0, max * 2));
  return characters.length <= max ? text : `${characters.slice(0, max - 1).join("")}…`;
}

/** A text of an event: isolated, so its direction stays inside, and cut; the whole stands in the title. */
export function isolated(text, more = {}) {
  const whole = clean(text);
  return h("bdi", { ...more, class: `said ${more.class ?? ""}`, title: cut(whole, MAX_TITLE) }, cut(whole, MAX_SHOWN));
}

/** The value of a dimension; `null` is a call that had none, `__other__` what came when the table was full. */
export function valueNode(dimension, value) {
  if (value === null) return h("span", { class: "said none", text: t("none") });
  if (value === "__other__") return h("span", { class: "said none", title: t("overflow.help"), text: t("overflow") });
  const key = dimension === "key" && FINGERPRINTED.exec(value);
  return key ? keyNode(value, key[1], key[2]) : isolated(value);
}

/** As much of a fingerprint as tells keys apart: more where the mask says nothing, as of a short key. */
const partOf = (mask, print) => print.slice(0, mask === "key" ? 8 : 4);

/** A masked key with the first characters of its fingerprint: masks alone may be alike. */
function keyNode(value, mask, print) {
  const faint = h("span", { class: "print", text: partOf(mask, print) });
  return h(
    "bdi",
    { class: "said mono", title: clean(value) },
    clean(mask),
    h("span", { class: "dot", text: "·" }),
    faint,
  );
}

/** The same as plain text, for titles, labels and announcements. */
export function valueText(dimension, value) {
  if (value === null) return t("none");
  if (value === "__other__") return t("overflow");
  const key = dimension === "key" && FINGERPRINTED.exec(value);
  return cut(clean(key ? `${key[1]}·${partOf(key[1], key[2])}` : value), 80);
}

/** The same within a title: English writes it small there. Names of labels stay as they are. */
export function dimensionWord(name, form = "one") {
  const shown = dimensionName(name, form);
  return t(`dimension.${name}.${form}`) === shown ? shown.toLowerCase() : shown;
}

/** The name of a dimension: a word of the page, or a label's own. */
export function dimensionName(name, form = "one") {
  const key = `dimension.${name}.${form}`;
  const known = t(key);
  return known === key ? clean(name) : known;
}
