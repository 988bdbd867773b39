// How the server itself is: room for series and memory, the journal, the disk. The footer shows the same in one line.

import { Panel } from "../panel.js";
import { fill } from "../dom.js";
import { h } from "../dom.js";
import { mark } from "../dom.js";
import { NOTHING } from "../format.js";
import { bytes } from "../format.js";
import { count } from "../format.js";
import { longDuration } from "../format.js";
import { percent } from "../format.js";
import { t } from "../i18n/index.js";
import { usageParams } from "../queries.js";
import { zone } from "../state.js";
import { clean } from "../text.js";
import { moment } from "../time.js";

const EVERY_MS = 4_000;
const HIGH = 0.85;

export class Engine extends Panel {
  /** `all` is whether the caller may ask about the whole. */
  constructor(foot, all) {
    super("engine", { everyMs: EVERY_MS, csv: false });
    Object.assign(this, { foot, all });
  }

  /** Who may not ask for the status still may ask for figures; the footer then shows what they tell. */
  async load(cycle) {
    const usage = cycle.get("/v1/usage", usageParams({ metrics: "requests" }, { window: "1m" }, {}));
    const [figures, status] = await Promise.all([usage, this.all ? cycle.get("/v1/status") : null]);
    return { usage: figures, status };
  }

  show({ usage, status }) {
    this.question("/v1/status", []);
    this.root.hidden = status === null;
    this.foot.show(usage, status);
    if (status === null) return;
    const { engine, disk } = status;
    fill(
      this.body,
      h(
        "div",
        { class: "gauges" },
        gauge("series", engine.series, engine.series_limit, count),
        gauge("memory", engine.memory_bytes, engine.memory_bytes_limit, bytes),
      ),
      h(
        "dl",
        { class: "facts is-narrow" },
        facts(status, disk, usage.completeness).map(([name, value, bad]) =>
          h("div", {}, h("dt", { text: t(`engine.${name}`) }), h("dd", { class: bad ? "is-high" : "", text: value })),
        ),
      ),
    );
    if (disk?.failure) this.remark(clean(String(disk.failure)).slice(0, 300));
  }
}

/** Room used, of what there is. */
function gauge(name, value, limit, format) {
  const share = value / (limit || 1);
  const filled = h("span", { class: `meter-fill ${share > HIGH ? "is-high" : ""}` });
  filled.style.width = `${Math.min(share, 1) * 100}%`;
  return h(
    "div",
    { class: "gauge", data: { gauge: name, value } },
    h(
      "div",
      { class: "gauge-line" },
      h("span", { text: t(`engine.${name}`) }),
      h("span", {}, h("b", { text: format(value) }), ` / ${format(limit)}`),
    ),
    h("span", { class: "meter", role: "img", "aria-label": percent(share) }, filled),
  );
}

function facts(status, disk, completeness) {
  const refused = Object.values(completeness.rejected).reduce((sum, n) => sum + n, 0);
  const common = [
    ["uptime", longDuration(status.uptime_secs)],
    ["version", status.version],
    ["ack", t(`ack.${status.ack}`)],
    ["late", count(completeness.late)],
    ["rejected", count(refused), refused > 0],
    ["duplicates", count(completeness.duplicates)],
  ];
  if (!disk) return [...common, ["disk", t("engine.memoryonly")]];
  const { journal } = disk;
  return [
    ...common,
    ["free", bytes(disk.free_bytes), disk.full],
    ["journal", t("engine.journal.value", { bytes: bytes(journal.bytes), segments: journal.segments })],
    ["unsynced", count(journal.frames - journal.durable_frames)],
  ];
}

/** The footer: whether the figures can be trusted, at a glance. */
export class Foot {
  constructor(root) {
    this.root = root;
    this.items = Object.fromEntries(
      ["position", "quantile_error", "series", "memory", "snapshot", "version"].map((name) => [name, item(name)]),
    );
    const { version, ...figures } = this.items;
    const reference = h("a", { class: "foot-item", href: "/reference", text: t("foot.reference") });
    fill(
      root,
      Object.values(figures).map((one) => one.root),
      h("span", { class: "foot-end" }, reference, version.root),
    );
    for (const [name, one] of Object.entries(this.items)) one.set(NOTHING, null, name !== "version");
  }

  show(usage, status) {
    const { items } = this;
    items.position.set(count(usage.position), usage.position);
    items.quantile_error.set(`±${percent(usage.quantile_error)}`, usage.quantile_error);
    items.series.set(
      status ? `${count(status.engine.series)} / ${count(status.engine.series_limit)}` : null,
      status?.engine.series,
    );
    items.memory.set(
      status ? `${bytes(status.engine.memory_bytes)} / ${bytes(status.engine.memory_bytes_limit)}` : null,
      status?.engine.memory_bytes,
    );
    items.version.set(status ? `${status.name} ${status.version}` : "tallyring", status?.version);
    const newest = newestSnapshot(status);
    items.snapshot.set(status && (newest ? moment(newest, zone()) : t("snapshot.never")), newest);
  }
}

function newestSnapshot(status) {
  const taken = status?.disk?.snapshots?.[0]?.taken;
  return taken ? Date.parse(taken) : null;
}

function item(name) {
  const value = h("b");
  const root = h(
    "span",
    { class: "foot-item", data: { footer: name }, title: t(`foot.${name}.help`) },
    name !== "version" && h("span", { text: t(`foot.${name}`) }),
    value,
  );
  const set = (text, raw, shown = true) => {
    root.hidden = text === null || !shown;
    value.textContent = text ?? "";
    mark(root, "value", raw ?? null);
  };
  return { root, set };
}
