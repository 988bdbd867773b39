// Instants in the chosen zone. Days and axis marks follow its wall clock, also across daylight saving.

import { locale } from "./i18n/index.js";

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

const formats = new Map();

function format(zone, options) {
  const key = `${zone}|${JSON.stringify(options)}`;
  if (!formats.has(key))
    formats.set(key, new Intl.DateTimeFormat(locale, { timeZone: zone, hourCycle: "h23", ...options }));
  return formats.get(key);
}

/** The zone of this browser. */
export const localZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

/** Whether this browser knows the zone. */
export function isZone(zone) {
  try {
    return Boolean(new Intl.DateTimeFormat("en", { timeZone: zone }));
  } catch {
    return false;
  }
}

const PARTS = {
  era: "short",
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
};
const offsets = new Map();

/** How far the zone's clocks are ahead of UTC at an instant, in ms. */
export function offsetAt(ms, zone) {
  // No zone changes its clocks within a quarter of an hour twice, and asking Intl is slow.
  const key = `${zone}|${Math.floor(ms / (15 * MINUTE))}`;
  if (!offsets.has(key)) {
    if (offsets.size > 20_000) offsets.clear();
    offsets.set(key, offsetNow(ms, zone));
  }
  return offsets.get(key);
}

function offsetNow(ms, zone) {
  const whole = Math.floor(ms / 1000) * 1000;
  const english = englishParts(zone).formatToParts(whole);
  const part = (type) => Number(english.find((one) => one.type === type).value);
  return Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second")) - whole;
}

function englishParts(zone) {
  const key = `parts|${zone}`;
  if (!formats.has(key))
    formats.set(key, new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", ...PARTS }));
  return formats.get(key);
}

/** `2026-11-22`: the date on the zone's clocks. */
export const dateIn = (ms, zone) => new Date(ms + offsetAt(ms, zone)).toISOString().slice(0, 10);

/** `2026-11-22T13:05:00`: the wall clock, as the inputs of a form write it. */
export const wallIn = (ms, zone) => new Date(ms + offsetAt(ms, zone)).toISOString().slice(0, 19);

/** The instant of a wall clock's time. Where the clocks jump over it, the first one after. */
export function instantOf(wall, zone) {
  const asUtc = Date.parse(`${wall.length === 10 ? `${wall}T00:00` : wall}Z`);
  const guess = asUtc - offsetAt(asUtc, zone);
  return asUtc - offsetAt(guess, zone);
}

/** The first instant of the day that many days from the day of `ms`. */
export function dayStart(ms, zone, days = 0) {
  const noon = Date.parse(`${dateIn(ms, zone)}T12:00:00Z`) + days * DAY;
  return instantOf(new Date(noon).toISOString().slice(0, 10), zone);
}

/** RFC 3339 in UTC without fractions. */
export const rfc3339 = (ms) => new Date(Math.round(ms / 1000) * 1000).toISOString().replace(".000Z", "Z");

/** `18:43` or, where seconds matter, `18:43:05`. */
export function clock(ms, zone, seconds = false) {
  return format(zone, { hour: "2-digit", minute: "2-digit", ...(seconds && { second: "2-digit" }) }).format(ms);
}

/** `Nov 22`, and with its year where that is not this one. */
export function day(ms, zone) {
  const year = dateIn(ms, zone).slice(0, 4) !== dateIn(Date.now(), zone).slice(0, 4);
  return format(zone, { month: "short", day: "numeric", ...(year && { year: "numeric" }) }).format(ms);
}

/** `Sun, Nov 22` */
export const weekday = (ms, zone) => format(zone, { weekday: "short", month: "short", day: "numeric" }).format(ms);

/** `Nov 22, 18:43:05` */
export const moment = (ms, zone, seconds = true) => `${day(ms, zone)}, ${clock(ms, zone, seconds)}`;

/** `Nov 22, 17:43 – 18:43`: the day is told twice only if there are two. */
export function between(from, to, zone) {
  const fine = to - from < 10 * MINUTE || from % MINUTE !== 0;
  if (dateIn(from, zone) === dateIn(to - 1, zone)) return `${moment(from, zone, fine)} – ${clock(to, zone, fine)}`;
  return `${moment(from, zone, fine)} – ${moment(to, zone, fine)}`;
}

/** `GMT+8`, `CET`: what the zone is called at an instant. */
export function zoneName(ms, zone) {
  const parts = format(zone, { timeZoneName: "short", hour: "2-digit" }).formatToParts(ms);
  return parts.find((part) => part.type === "timeZoneName")?.value ?? zone;
}

/** `UTC+08:00` */
export function offsetText(ms, zone) {
  const minutes = Math.round(offsetAt(ms, zone) / MINUTE);
  const part = (n) => String(Math.floor(n)).padStart(2, "0");
  return `UTC${minutes < 0 ? "−" : "+"}${part(Math.abs(minutes) / 60)}:${part(Math.abs(minutes) % 60)}`;
}
