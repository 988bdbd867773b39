// The snapshots that are kept: what a restart begins with and what an auditor can ask.

import { Panel } from "../panel.js";
import { ask } from "../api.js";
import { fill } from "../dom.js";
import { h } from "../dom.js";
import { explain } from "../explain.js";
import { saveTable } from "../download.js";
import { bytes } from "../format.js";
import { count } from "../format.js";
import { longDuration } from "../format.js";
import { ICONS } from "../icons.js";
import { t } from "../i18n/index.js";
import { zone } from "../state.js";
import { moment } from "../time.js";

const EVERY_MS = 15_000;

export class Snapshots extends Panel {
  /** `all` is whether the caller may ask about the whole, `admin` whether they may take one. */
  constructor(all, admin) {
    super("snapshots", { everyMs: EVERY_MS });
    this.verdicts = new Map();
    this.take = h(
      "button",
      {
        class: "button small quiet",
        data: { control: "snapshot" },
        hidden: !admin,
        on: { click: () => this.create() },
      },
      ICONS.plus(),
      t("snapshot.take"),
    );
    Object.assign(this, { all, admin });
    this.tools.prepend(this.take);
  }

  /** Without a data folder there are no snapshots; and a token that sees some calls only may not ask for them. */
  async load(cycle) {
    if (!this.all) return { snapshots: [], none: "hidden" };
    const { disk } = await cycle.get("/v1/status");
    return disk ? cycle.get("/v1/snapshots") : { snapshots: [], none: "memory" };
  }

  show({ snapshots, none }) {
    this.question("/v1/snapshots", []);
    this.root.hidden = none === "hidden";
    this.take.hidden = !this.admin || none === "memory";
    if (none === "memory") return this.empty(t("snapshot.memory"), t("snapshot.memory.detail"));
    if (snapshots.length === 0) return this.empty(t("snapshot.none"), t("snapshot.none.detail"));
    fill(
      this.body,
      h(
        "ul",
        { class: "snapshots" },
        snapshots.map((one) => this.row(one)),
      ),
    );
  }

  row(one) {
    const at = Date.parse(one.taken);
    const verdict = this.verdicts.get(one.id);
    const check = h(
      "button",
      { class: "button small quiet", data: { control: "verify" }, on: { click: () => this.verify(one.id) } },
      verdict === "busy" ? t("snapshot.checking") : t("snapshot.verify"),
    );
    check.disabled = verdict === "busy";
    const result =
      verdict &&
      verdict !== "busy" &&
      h(
        "span",
        { class: `verdict ${verdict.valid ? "is-good" : "is-bad"}`, title: verdict.detail ?? "" },
        verdict.valid ? ICONS.check() : ICONS.alert(),
        t(verdict.valid ? "snapshot.valid" : "snapshot.invalid"),
      );
    return h(
      "li",
      { data: { row: one.id, value: one.position } },
      h(
        "div",
        {},
        h("b", { text: moment(at, zone()) }),
        h("span", { class: "faint", text: t("ago", { time: longDuration((Date.now() - at) / 1000) }) }),
        result,
      ),
      h(
        "div",
        { class: "faint" },
        h("span", { text: t("snapshot.position", { n: count(one.position) }) }),
        h("span", { text: bytes(one.bytes) }),
        one.leans_on > 0 && h("span", { text: t("snapshot.leans", { n: one.leans_on }) }),
        h("code", { class: "hash", title: `blake3 ${one.blake3}`, text: String(one.blake3).slice(0, 12) }),
      ),
      check,
    );
  }

  async verify(id) {
    this.verdicts.set(id, "busy");
    this.show(this.data);
    try {
      const response = await ask(`/v1/snapshots/${encodeURIComponent(id)}/verify`, { method: "POST" });
      this.verdicts.set(id, await response.json());
    } catch (error) {
      this.verdicts.delete(id);
      this.complain(error);
    }
    this.show(this.data);
  }

  async create() {
    this.take.disabled = true;
    try {
      await ask("/v1/snapshots", { method: "POST" });
      this.retry();
    } catch (error) {
      this.complain(error);
    } finally {
      this.take.disabled = false;
    }
  }

  complain(error) {
    const { title, detail } = explain(error);
    fill(
      this.trouble,
      ICONS.alert(),
      h("div", { class: "trouble-text" }, h("strong", { text: title }), h("span", { text: detail })),
    );
  }

  csv() {
    const rows = this.data?.snapshots ?? [];
    if (rows.length > 0) saveTable([Object.keys(rows[0]), ...rows.map((row) => Object.values(row))], "snapshots");
  }
}
