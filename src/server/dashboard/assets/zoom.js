// From a part of a chart to a range of its own, and back.

import { change } from "./state.js";
import { state } from "./state.js";

const SHORTEST_MS = 2_000;
let wide = "1h";

/** Shows only that part. */
export function zoomTo(from, to) {
  if (to - from < SHORTEST_MS) return;
  if (state().range !== "custom") wide = state().range;
  change({
    range: "custom",
    from: Math.floor(from / 1000) * 1000,
    to: Math.ceil(Math.min(to, Date.now()) / 1000) * 1000,
    at: null,
  });
}

/** The range from which was zoomed. */
export function zoomOut() {
  change({ range: wide, from: null, to: null, at: null });
}
