// The rows of "what changed": which groups are worth naming, and how each is told.

import { h } from "../dom.js";
import { compact } from "../format.js";
import { count } from "../format.js";
import { duration } from "../format.js";
import { percent } from "../format.js";
import { t } from "../i18n/index.js";
import { toggleFilter } from "../state.js";
import { dimensionName } from "../text.js";
import { valueNode } from "../text.js";

const LEAST_LEAD = 0.05;
const LEAST_TIMES = 1.25;
const LEAST_SLOW = 5;

/** What explains the rise beyond its own number of calls, and is not chance. */
export function rising(rows) {
  const worth = rows.filter((row) => row.groups > 1 && row.sure && row.share - row.part >= LEAST_LEAD);
  return worth.sort((a, b) => b.share - b.part - (a.share - a.part));
}

/** Where slow calls come from at all, beyond the number of calls. */
export function standing(rows) {
  const worth = rows.filter(
    (row) =>
      row.groups > 1 &&
      row.now.slow >= LEAST_SLOW &&
      row.ofSlow - row.part >= LEAST_LEAD &&
      row.ofSlow >= row.part * LEAST_TIMES,
  );
  return worth.sort((a, b) => b.ofSlow - b.part - (a.ofSlow - a.part));
}

/** A group's part in the rise. */
export function risen(row, at) {
  const { now, before, share, cause } = row;
  // A moment is shorter than the rest of its range, so only the parts of the calls compare.
  const calls = at
    ? t("changes.parts", { before: percent(row.partBefore), now: percent(row.part) })
    : t("changes.calls", { before: compact(before.calls), now: compact(now.calls) });
  const from = before.calls > 0 ? duration(before.p99) : t("changes.unseen");
  return entry(row, share, t("changes.share.help"), [
    h("span", { text: `p99 ${from} → ${duration(now.p99)}` }),
    h("span", { title: `${count(before.calls)} → ${count(now.calls)}`, text: calls }),
    h("span", { class: `cause is-${cause}`, text: t(`cause.${cause}`) }),
  ]);
}

/** A group's part of the slow calls. */
export function slow(row) {
  return entry(row, row.ofSlow, t("changes.ofslow.help"), [
    h("span", { text: `p99 ${duration(row.now.p99)}` }),
    h("span", { text: t("changes.part", { part: percent(row.part) }) }),
  ]);
}

function entry({ dimension, value }, share, help, facts) {
  const bar = h("span", { class: "meter-fill" });
  bar.style.width = `${Math.min(share, 1) * 100}%`;
  const props = {
    class: "link",
    title: t("filter.add"),
    data: { focus: `change:${dimension}:${value}` },
    on: { click: () => toggleFilter(dimension, value) },
  };
  const figure = h("b", { class: "changes-share", title: help, text: percent(Math.min(share, 1)) });
  return h(
    "li",
    { data: { row: value ?? "", dimension, value: share.toFixed(4) } },
    h(
      "div",
      { class: "changes-line" },
      h("span", { class: "kind", text: dimensionName(dimension) }),
      h("button", props, valueNode(dimension, value)),
      figure,
    ),
    h("span", { class: "meter", "aria-hidden": "true" }, bar),
    h("div", { class: "changes-facts" }, facts),
  );
}
