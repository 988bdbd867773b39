// The bar on top: name, pulse of the stream, range, zone, comparison, pause, theme, language, token.

import { rangeControl } from "./range.js";
import { zoneControl } from "./zone.js";
import { setToken } from "../api.js";
import { token } from "../api.js";
import { fill } from "../dom.js";
import { h } from "../dom.js";
import { mark } from "../dom.js";
import { compact } from "../format.js";
import { duration } from "../format.js";
import { percent } from "../format.js";
import { icon } from "../dom.js";
import { ICONS } from "../icons.js";
import { switchLanguage } from "../i18n/index.js";
import { language } from "../i18n/index.js";
import { t } from "../i18n/index.js";
import { change } from "../state.js";
import { moves } from "../state.js";
import { state } from "../state.js";
import { clean } from "../text.js";
import { onTheme } from "../theme.js";
import { theme } from "../theme.js";
import { toggleTheme } from "../theme.js";

export function bar(root, caller, refreshAll) {
  const [range, zone, pulse] = [rangeControl(), zoneControl(), pulseControl()];
  const compare = toggle("compare", t("compare"), t("compare.help"), () => state().compare);
  const live = h("button", {
    class: "button",
    data: { control: "live" },
    on: { click: () => change({ live: !state().live }) },
  });
  const again = tool("refresh", t("refresh"), ICONS.refresh(), refreshAll);
  const refresh = () => {
    range.refresh();
    zone.refresh();
    compare.refresh();
    pulse.refresh();
    const on = state().live && moves();
    live.hidden = !moves();
    live.setAttribute("aria-pressed", String(state().live));
    live.title = t(on ? "live.pause" : "live.resume");
    fill(
      live,
      on ? ICONS.pause() : ICONS.play(),
      h("span", { class: "wide-only", text: t(on ? "live.pause.short" : "live.resume.short") }),
    );
  };
  const right = h(
    "div",
    { class: "bar-right" },
    compare.root,
    zone.root,
    live,
    again,
    themeButton(),
    languageButton(),
    tokenButton(caller),
  );
  fill(root, h("div", { class: "bar-line" }, brand(), pulse.root, range.root, right));
  refresh();
  return { refresh, pulse };
}

function brand() {
  const ring = icon("M8 1.5a6.5 6.5 0 1 1-5.6 3.2", "M5.5 10.2V8", "M8 10.2V5.5", "M10.5 10.2V7");
  ring.classList.add("brand-mark");
  return h(
    "a",
    { class: "brand", href: location.pathname, "aria-label": `tallyring – ${t("brand.home")}` },
    ring,
    h("span", { text: "tallyring" }),
  );
}

/** The stream: whether it runs, calls a second, and the last minute in the title. */
function pulseControl() {
  const text = h("span", { class: "pulse-text" });
  const root = h("div", { class: "pulse", data: { live: "connecting" } }, h("i", { class: "pulse-dot" }), text);
  let [word, rate, minute] = ["connecting", null, null];
  const refresh = () => {
    const shown = state().live ? word : "paused";
    root.dataset.live = shown;
    text.textContent = shown === "live" && rate !== null ? t("live.rate", { n: compact(rate) }) : t(`live.${shown}`);
    root.title = minute
      ? t("live.minute", {
          n: compact(minute.requests),
          errors: percent(minute.error_rate),
          p95: duration(minute.latency_ms?.p95 ?? null),
        })
      : "";
  };
  const usage = (message) => {
    [rate, minute] = [message.second.requests, message.minute];
    mark(root, "value", rate);
    refresh();
  };
  const status = (next) => {
    if (word === next) return;
    word = next;
    refresh();
  };
  return { root, refresh, usage, status };
}

function toggle(name, text, title, current) {
  const click = () => change({ [name]: !current() });
  const root = h(
    "button",
    { class: "button", title, data: { control: name }, on: { click } },
    h("i", { class: "switch" }),
    text,
  );
  return { root, refresh: () => root.setAttribute("aria-pressed", String(current())) };
}

function tool(name, title, picture, click) {
  return h(
    "button",
    { class: "button icon-only", title, "aria-label": title, data: { control: name }, on: { click } },
    picture,
  );
}

function themeButton() {
  const button = tool("theme", t("theme"), null, toggleTheme);
  const show = () => fill(button, theme() === "dark" ? ICONS.sun() : ICONS.moon());
  onTheme(show);
  show();
  return button;
}

function languageButton() {
  const text = language === "zh" ? "EN" : "中文";
  const button = h(
    "button",
    {
      class: "button",
      lang: language === "zh" ? "en" : "zh-CN",
      title: t("language"),
      data: { control: "language" },
      on: { click: switchLanguage },
    },
    text,
  );
  return button;
}

/** Who asks, where tokens are used; a click forgets the token. */
function tokenButton(caller) {
  if (!token()) return null;
  const forget = () => {
    setToken("");
    location.reload();
  };
  return h(
    "button",
    {
      class: "button",
      title: t("token.forget"),
      data: { control: "forget", caller: caller.name },
      on: { click: forget },
    },
    ICONS.key(),
    h("bdi", { class: "said caller", text: clean(caller.name || t("token.some")) }),
  );
}
