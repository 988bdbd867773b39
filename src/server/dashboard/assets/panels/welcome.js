// A server that never counted a call: what to do first.

import { curl } from "../curl.js";
import { copyText } from "../curl.js";
import { fill } from "../dom.js";
import { h } from "../dom.js";
import { ICONS } from "../icons.js";
import { t } from "../i18n/index.js";

const CALL =
  '{"model":"gpt-4o","user":"ann","status":200,"latency_ms":823,"input_tokens":480,"output_tokens":122,"cost":"0.0024"}';

export class Welcome {
  constructor() {
    this.root = h("section", {
      class: "panel panel-welcome",
      hidden: true,
      data: { panel: "welcome" },
    });
  }

  /** Shown until the first call. */
  show({ position }) {
    this.root.hidden = position > 0;
    if (this.root.hidden || this.root.firstChild) return;
    const line = `${curl("/v1/events")} \\\n  --json '${CALL}'`;
    const copy = h(
      "button",
      {
        class: "tool",
        title: t("tool.curl"),
        "aria-label": t("tool.curl"),
        on: { click: (event) => copyText(line, event.currentTarget) },
      },
      ICONS.copy(),
    );
    fill(
      this.root,
      h("h2", { text: t("welcome.title") }),
      h("p", { text: t("welcome.detail") }),
      h("div", { class: "welcome-line" }, h("pre", { text: line }), copy),
      h("p", { class: "faint" }, t("welcome.more"), " ", h("a", { href: "/reference", text: t("foot.reference") })),
    );
  }
}
