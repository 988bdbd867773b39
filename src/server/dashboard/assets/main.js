// The dashboard. It asks only what everyone may ask: GET /v1/usage, /v1/events, /v1/dimensions, /v1/status,
// /v1/snapshots, /v1/stream, /v1/caller.
//
// Hooks for tests, which do not depend on words or looks:
//   html[data-ready]                      the page is built; html[data-offline] the server is out of reach
//   section[data-panel=NAME][data-state]  cards requests attention latency changes top cost tokens calls snapshots
//                                         engine; loading | ready | empty | partial | error
//   [data-figure=NAME][data-value]        cards: requests error_rate latency_p95 ttft_p95 tokens_per_minute cost
//                                         (the raw value; cost as its decimal text), also p99_change
//   [data-row=VALUE]                      a row of top, attention (with data-value), changes, calls (the call's id),
//                                         snapshots; `__rest__` is what is in no other row
//   td[data-metric=NAME][data-value]      cells of top: requests share change failures p95 tokens
//                                         cost_USD … (the decimal text)
//   [data-chip=DIMENSION][data-value]     a filter, its values as a JSON list; [data-forced] one of the token
//   [data-chart=NAME][data-points]        a chart and how many buckets it has
//   [data-control=NAME]                   range range-list days custom zone compare live refresh theme language
//                                         add-filter clear-filters by top sort view code failures more
//                                         more-rows curl csv token token-send forget snapshot verify
//   [data-live]                           the stream: connecting | live | waiting | paused | auth
//   [data-footer=NAME][data-value]        position quantile_error series memory snapshot version
//   dialog[data-dialog=token]             asks for a token

import { get } from "./api.js";
import { token } from "./api.js";
import { bar } from "./controls/bar.js";
import { filterControl } from "./controls/filters.js";
import { Span } from "./controls/span.js";
import { askToken } from "./controls/token.js";
import { fill } from "./dom.js";
import { h } from "./dom.js";
import { mark } from "./dom.js";
import { explain } from "./explain.js";
import { ICONS } from "./icons.js";
import { t } from "./i18n/index.js";
import { Live } from "./live.js";
import { Attention } from "./panels/attention.js";
import { Calls } from "./panels/calls.js";
import { Cards } from "./panels/cards.js";
import { Changes } from "./panels/changes.js";
import { Cost } from "./panels/cost.js";
import { Engine } from "./panels/engine.js";
import { Foot } from "./panels/engine.js";
import { Latency } from "./panels/latency.js";
import { Requests } from "./panels/requests.js";
import { Snapshots } from "./panels/snapshots.js";
import { Tokens } from "./panels/tokens.js";
import { Top } from "./panels/top.js";
import { Welcome } from "./panels/welcome.js";
import { Refresher } from "./refresh.js";
import { filterParams } from "./span.js";
import { moves } from "./state.js";
import { onChange } from "./state.js";
import { state } from "./state.js";
import { zone } from "./state.js";

const USUAL = ["key", "user", "model", "provider", "endpoint", "status"];
// Why p99 changed is looked for in these, unless they have more values than are quickly gone through.
const REASONS = ["model", "provider", "endpoint", "key", "user", "status"];
const CROWDED = 50_000;
// Troubles that pass: with these the page waits for the server.
const PASSING = ["offline", "busy"];
const EVERYONE = { name: "", scopes: ["ingest", "read", "admin"], only: {} };
const GLOBAL = ["range", "from", "to", "tz", "filters", "compare"];

const banner = document.getElementById("banner");
const byId = (id) => document.getElementById(id);

begin();

/** Who asks and what there is to ask for; then the page. */
async function begin() {
  let [caller, dimensions] = [EVERYONE, null];
  try {
    caller = await whoAsks();
    ({ dimensions } = await get("/v1/dimensions"));
  } catch (error) {
    if (error.kind === "auth") return askToken(begin, token() !== "");
    // Without the server the frame stands all the same, and says what is the matter.
    build(EVERYONE, USUAL, !PASSING.includes(error.kind));
    return tellTrouble(error);
  }
  const names = dimensions.map((dimension) => dimension.name);
  const crowded = dimensions.filter((dimension) => dimension.values > CROWDED).map((dimension) => dimension.name);
  build(caller, names, true, crowded);
}

/** A server without tokens may not know the question. */
async function whoAsks() {
  try {
    return await get("/v1/caller");
  } catch (error) {
    if (error.status === 404) return EVERYONE;
    throw error;
  }
}

/** `known` is whether the server said who asks and what there is; else the page begins again once it answers. */
function build(caller, dimensions, known, crowded = []) {
  const groups = dimensions.filter((name) => name !== "status");
  // Whose token shows one value of a dimension need not rank it.
  const open = groups.filter((name) => [caller.only?.[name] ?? []].flat().length !== 1);
  const several = open.length > 0 ? open : groups;
  const top = ["user", "key", "model", "endpoint", "provider"].filter((name) => several.includes(name));
  const all = Object.keys(caller.only ?? {}).length === 0;
  const calls = new Calls();
  const span = new Span();
  const welcome = new Welcome();
  const panels = [
    new Cards((answer) => (span.show(answer), welcome.show(answer))),
    new Requests(["status", ...groups]),
    new Attention(),
    new Latency(),
    new Changes(REASONS.filter((name) => dimensions.includes(name) && !crowded.includes(name))),
    new Top([...top, ...several.filter((name) => !top.includes(name))]),
    new Cost(),
    new Tokens(),
    calls,
    new Snapshots(all, caller.scopes.includes("admin")),
    new Engine(new Foot(byId("foot")), all),
  ];
  const refresher = new Refresher(panels, known);
  const filters = filterControl(dimensions, caller);
  const head = bar(byId("bar"), caller, () => refresher.all());
  fill(
    byId("main"),
    h("div", { class: "subbar" }, filters.root, span.root),
    welcome.root,
    panels.map((panel) => panel.root),
  );
  const live = stream(head, calls, refresher, known);
  follow(refresher, live, () => (head.refresh(), filters.refresh()));
  byId("main").removeAttribute("aria-busy");
  document.documentElement.dataset.ready = "true";
  if (known) refresher.all();
  // A tab opened in the background begins to listen once it is looked at.
  if ((state().live || !known) && !document.hidden) live.start();
}

/** The stream moves the pulse and the calls; where it breaks off, the panels wait for it to come back. */
function stream(head, calls, refresher, known) {
  const params = () => [["tz", zone()], ...filterParams(), ...(moves() ? [["calls", "true"]] : [])];
  const status = (word, error) => {
    head.pulse.status(word);
    if (word === "auth") return askToken(() => location.reload(), true);
    if (word === "waiting") tellTrouble(error);
    if (word === "waiting") refresher.reachable = !PASSING.includes(error?.kind);
    mark(document.documentElement, "offline", refresher.reachable ? null : "");
    if (word !== "live") return;
    if (!known) return location.reload();
    tellTrouble(null);
    if (refresher.reachable) return;
    refresher.reachable = true;
    mark(document.documentElement, "offline", null);
    refresher.all();
  };
  return new Live(params, {
    usage: (message) => head.pulse.usage(message),
    calls: (message) => calls.arrive(message),
    status,
  });
}

/** What changes when what is shown changes. */
function follow(refresher, live, refreshControls) {
  onChange((names) => {
    refreshControls();
    if (names.some((name) => GLOBAL.includes(name))) refresher.all();
    else refresher.some(names);
    if (names.some((name) => ["tz", "filters", "range"].includes(name)) && state().live) live.start();
    if (names.includes("live")) resume(refresher, live);
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? live.stop() : state().live && live.start()));
  document.addEventListener("panel-retry", (event) => refresher.one(event.detail));
  document.addEventListener("token-needed", () => askToken(() => location.reload(), token() !== ""));
  setInterval(() => refresher.tick(), 1_000);
}

function resume(refresher, live) {
  if (!state().live) return live.stop();
  refresher.all();
  live.start();
}

/** A line above everything while the server is out of reach. */
function tellTrouble(error) {
  banner.hidden = !error || error.kind === undefined || error.kind === "auth";
  if (banner.hidden) return;
  const { title, detail } = explain(error);
  const again = h(
    "button",
    { class: "button small", on: { click: () => location.reload() } },
    ICONS.refresh(),
    t("retry"),
  );
  const shown = error.kind === "offline" && document.querySelector("[data-state=ready], [data-state=partial]");
  mark(banner, "kind", error.kind);
  fill(
    banner,
    ICONS.alert(),
    h("strong", { text: title }),
    h("span", { text: shown ? t("error.offline.detail") : detail }),
    h("span", { class: "faint", text: t("banner.retrying") }),
    again,
  );
}
