// The six figures at the top, each with its course and its change against the span before.

import { Panel } from "../panel.js";
import { Spark } from "../chart/spark.js";
import { fill } from "../dom.js";
import { h } from "../dom.js";
import { mark } from "../dom.js";
import { NOTHING } from "../format.js";
import { change } from "../format.js";
import { compact } from "../format.js";
import { count } from "../format.js";
import { duration } from "../format.js";
import { figure } from "../format.js";
import { percent } from "../format.js";
import { points } from "../format.js";
import { t } from "../i18n/index.js";
import { currencies } from "../money.js";
import { drawable } from "../money.js";
import { exact } from "../money.js";
import { money } from "../money.js";
import { buckets } from "../queries.js";
import { overview } from "../queries.js";
import { overviewParams } from "../queries.js";
import { previousCourse } from "../queries.js";
import { state } from "../state.js";

const minutes = (span) => Math.max((Date.parse(span.to) - Date.parse(span.from)) / 60_000, 1 / 60);

/** Two quantiles may differ by so much, and be the same. */
const TWICE_THE_ERROR = 0.016;

/** `bad` is the direction that is worse: 1 up, -1 down, 0 neither. */
const FIGURES = [
  { name: "requests", tint: "accent", bad: 0, course: (b) => b.requests / minutesOf(b), read: requests },
  { name: "error_rate", tint: "status-5xx", bad: 1, course: (b) => b.error_rate, read: errorRate },
  {
    name: "latency_p95",
    tint: "accent",
    bad: 1,
    course: (b) => b.latency_ms?.p95 ?? null,
    read: (now, then) => latency(now.latency_ms, then?.latency_ms),
  },
  {
    name: "ttft_p95",
    tint: "accent",
    bad: 1,
    course: (b) => b.ttft_ms?.p95 ?? null,
    read: (now, then) => latency(now.ttft_ms, then?.ttft_ms),
  },
  { name: "tokens_per_minute", tint: "accent", bad: 0, course: (b) => b.total_tokens / minutesOf(b), read: tokens },
  { name: "cost", tint: "accent", bad: 0, course: null, read: cost },
];

const minutesOf = (bucket) => Math.max((bucket.to - bucket.from) / 60_000, 1 / 60);

function requests(now, then) {
  return {
    value: now.requests,
    text: figure(now.requests),
    change: then && change(now.requests, then.requests),
    more: then && t("card.before", { n: compact(then.requests) }),
  };
}

function errorRate(now, then) {
  const more = t("card.failed", { n: count(now.failures) });
  return {
    value: now.error_rate,
    text: percent(now.error_rate),
    change: then?.requests > 0 ? points(now.error_rate, then.error_rate, chance(now, then)) : null,
    more,
  };
}

/** Two rates may differ by so much by chance: two standard deviations. */
function chance(now, then) {
  const rate = (now.failures + then.failures) / (now.requests + then.requests);
  return 2 * Math.sqrt(rate * (1 - rate) * (1 / now.requests + 1 / then.requests));
}

function latency(now, then) {
  if (!now?.count) return { value: null, text: NOTHING, change: null, more: t("card.unmeasured") };
  const more = `p50 ${duration(now.p50)} · p99 ${duration(now.p99)}`;
  return {
    value: now.p95,
    text: duration(now.p95),
    change: then?.count ? change(now.p95, then.p95, TWICE_THE_ERROR) : null,
    more,
  };
}

function tokens(now, then, span) {
  const each = now.total_tokens / minutes(span);
  const before = then && then.total_tokens / minutes(span);
  return {
    value: each,
    text: compact(Math.round(each)),
    change: then && change(each, before),
    more: t("card.inall", { n: compact(now.total_tokens) }),
  };
}

function cost(now, then) {
  const [first, ...rest] = currencies(now.cost);
  if (!first) return { value: null, text: NOTHING, change: null, more: t("card.unpriced") };
  const [currency, amount] = first;
  const before = then?.cost?.[currency];
  const more = rest.map(([name, sum]) => `+ ${money(sum, name)}`).join(" ") || currency;
  const title = [first, ...rest].map(([name, sum]) => exact(sum, name)).join("\n");
  return {
    value: amount,
    currency,
    text: money(amount, currency),
    change: before ? change(drawable(amount), drawable(before)) : null,
    more,
    title,
  };
}

export class Cards extends Panel {
  /** `told` is given the answer: what was counted is told above the cards. */
  constructor(told) {
    super("cards", { csv: false, curl: false });
    this.root.classList.remove("panel");
    this.heading.classList.add("offscreen");
    this.told = told;
    this.cards = FIGURES.map((one) => card(one));
  }

  skeleton() {
    fill(
      this.body,
      FIGURES.map(() =>
        h("div", { class: "card" }, h("div", { class: "skeleton skeleton-card", "aria-hidden": "true" })),
      ),
    );
  }

  async load(cycle) {
    const answer = await overview(cycle);
    return { answer, before: await previousCourse(cycle, answer) };
  }

  show({ answer, before }) {
    this.question("/v1/usage", overviewParams());
    if (!this.cards[0].root.isConnected)
      fill(
        this.body,
        this.cards.map((one) => one.root),
      );
    this.told(answer);
    if (answer.totals.requests === 0) this.state = "empty";
    this.cards.forEach((one) => one.show(answer, before));
  }
}

function card({ name, tint, bad, course, read }) {
  const label = h("h3", { class: "card-label", text: t(`card.${name}`) });
  const value = h("p", { class: "card-value" });
  const delta = h("p", { class: "card-change" });
  const more = h("p", { class: "card-more" });
  const spark = new Spark({ tint });
  const root = h("article", { class: "card", data: { figure: name } }, label, value, delta, more, spark.root);
  const show = (answer, before) => {
    const figures =
      answer.totals.requests === 0
        ? { value: null, text: NOTHING, more: "" }
        : read(answer.totals, answer.previous, answer);
    mark(root, "value", figures.value);
    value.textContent = figures.text;
    value.title = figures.title ?? (typeof figures.value === "number" ? String(figures.value) : "");
    more.textContent = figures.more ?? "";
    showChange(root, delta, figures.change, bad);
    const of = course ?? ((b) => drawable(b.cost?.[figures.currency]) / minutesOf(b));
    if (answer.totals.requests === 0) return spark.set([]);
    spark.set(values(buckets(answer), of), before && state().compare ? values(before, of) : null);
  };
  return { root, show };
}

function showChange(root, element, delta, bad) {
  mark(root, "change", delta?.text ?? null);
  const direction = delta?.direction ?? 0;
  const verdict = direction === 0 || bad === 0 ? "even" : direction === bad ? "worse" : "better";
  element.className = `card-change is-${verdict}`;
  element.title = t("card.change.help");
  const arrow = direction > 0 ? "↑" : direction < 0 ? "↓" : "";
  fill(
    element,
    delta ? `${arrow}${arrow && " "}${delta.text}` : "",
    delta && h("span", { class: "offscreen", text: ` ${t(`verdict.${verdict}`)}` }),
  );
}

/** Buckets cut short at the edges tell little and jump, so they are left out of the small line. */
function values(of, course) {
  const longest = Math.max(...of.map((bucket) => bucket.to - bucket.from), 0);
  return of
    .filter((bucket) => bucket.to - bucket.from >= longest * 0.5)
    .map((bucket) => {
      const value = course(bucket);
      return Number.isFinite(value) ? value : null;
    });
}
