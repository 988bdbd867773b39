// Colours for canvases, read from the style sheet, so both themes are told in one place.

import { onTheme } from "../theme.js";

const cache = new Map();
onTheme(() => cache.clear());

const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);

/** The `[r, g, b]` of a custom property. */
function channels(name) {
  if (!cache.has(name)) {
    probe.style.color = `var(--${name})`;
    cache.set(
      name,
      getComputedStyle(probe)
        .color.match(/[\d.]+/g)
        .slice(0, 3)
        .map(Number),
    );
  }
  return cache.get(name);
}

/** The colour under a name such as `accent`, or a mix such as `status-4xx/40`: that much of it over the panel. */
export function color(name, alpha = 1) {
  const [base, share] = name.split("/");
  const own = channels(base);
  const mixed = share ? mix(own, channels("panel"), Number(share) / 100) : own;
  return `rgb(${mixed.map(Math.round).join(" ")} / ${alpha})`;
}

function mix(a, b, share) {
  return a.map((value, i) => value * share + b[i] * (1 - share));
}

/** A step of a ramp from the panel's own colour over the accent to the strongest: for heat maps. */
export function heat(share) {
  const stops = ["heat-0", "heat-1", "heat-2", "heat-3"].map(channels);
  const place = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
  const i = Math.min(Math.floor(place), stops.length - 2);
  return `rgb(${mix(stops[i + 1], stops[i], place - i)
    .map(Math.round)
    .join(" ")})`;
}

/** What the classes of statuses look like. Further codes of a class are paler. */
const CLASSES = { 2: "status-ok", 3: "status-3xx", 4: "status-4xx", 5: "status-5xx" };
const PALER = ["", "/68", "/45", "/30"];

/** The colour of each status, in the order given. */
export function statusColors(values) {
  const used = {};
  return values.map((value) => {
    const base = statusColor(value);
    const n = used[base] ?? 0;
    used[base] = n + 1;
    return base + PALER[Math.min(n, PALER.length - 1)];
  });
}

/** A rate limit stands apart from other refusals: it is what most look for. */
export function statusColor(value) {
  if (value === "429") return "status-429";
  if (/^[1-5]\d\d$/.test(value ?? "")) return CLASSES[value[0]] ?? "status-3xx";
  return /^(ok|succe)/i.test(value ?? "") ? "status-ok" : "status-word";
}

/** The colour of the n-th of things without an order of their own. */
export const category = (n) => `category-${(n % 8) + 1}`;
