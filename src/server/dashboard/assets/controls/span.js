// What was counted: from when to when, on whose clocks, how finely, and what it is compared with.

import { fill } from "../dom.js";
import { h } from "../dom.js";
import { t } from "../i18n/index.js";
import { resolutionSecs } from "../caveats.js";
import { longDuration } from "../format.js";
import { state } from "../state.js";
import { zone } from "../state.js";
import { between } from "../time.js";
import { offsetText } from "../time.js";

export class Span {
  constructor() {
    this.root = h("p", { class: "span", data: { figure: "span" } });
  }

  show(answer) {
    const [from, to] = [Date.parse(answer.from), Date.parse(answer.to)];
    const past = state().compare && answer.previous_from && between(Date.parse(answer.previous_from), from, zone());
    fill(
      this.root,
      h("b", { text: between(from, to, zone()) }),
      h("span", { text: offsetText(to, zone()) }),
      h("span", {
        title: t("span.resolution.help"),
        text: t("span.resolution", { step: longDuration(resolutionSecs(answer.resolution)) }),
      }),
      past && h("span", { text: t("span.against", { span: past }) }),
    );
  }
}
