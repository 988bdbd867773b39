// What an answer admits about itself: counted from later than asked, or with values that found no room.

import { count } from "./format.js";
import { longDuration } from "./format.js";
import { t } from "./i18n/index.js";
import { spanEdges } from "./span.js";
import { zone } from "./state.js";
import { moment } from "./time.js";

const UNITS = { s: 1, m: 60, h: 3600, d: 86_400 };

/** A resolution such as `15m` in seconds. */
export const resolutionSecs = (text) => Number.parseInt(text, 10) * (UNITS[text.at(-1)] ?? 1);

/** Lines for the foot of a panel; none where the answer is whole. */
export function caveats(answer) {
  const lines = [];
  const [asked] = spanEdges();
  const slack = Math.max(2 * resolutionSecs(answer.resolution) * 1000, 10_000);
  if (Date.parse(answer.from) - asked > slack)
    lines.push(t("caveat.begin", { at: moment(Date.parse(answer.from), zone(), false) }));
  if (asked - Date.parse(answer.from) > slack)
    lines.push(t("caveat.coarse", { step: longDuration(resolutionSecs(answer.resolution)) }));
  if (answer.completeness.overflowed > 0)
    lines.push(t("caveat.overflowed", { n: count(answer.completeness.overflowed) }));
  return lines;
}
