// Numbers as text: counts, shares, durations, bytes. All with figures of one width, so columns stand.

import { locale } from "./i18n/index.js";
import { t } from "./i18n/index.js";

const plain = new Intl.NumberFormat(locale);
const short = new Intl.NumberFormat(locale, { notation: "compact", maximumSignificantDigits: 3 });

/** What stands where there is no figure. */
export const NOTHING = "–";

/** `137,204` */
export const count = (n) => (n === null || n === undefined ? NOTHING : plain.format(n));

/** `137K`, exact below 10,000. */
export function compact(n) {
  if (n === null || n === undefined) return NOTHING;
  return Math.abs(n) < 10_000 ? plain.format(Math.round(n * 10) / 10) : short.format(n);
}

/** `1,204` up to a million, then `1.37M`: for figures that stand alone. */
export const figure = (n) => (n !== null && n !== undefined && Math.abs(n) >= 10_000_000 ? short.format(n) : count(n));

/** A number with three significant digits. */
export function three(n) {
  const digits = Math.abs(n) >= 100 ? 0 : Math.abs(n) >= 10 ? 1 : 2;
  return n.toLocaleString(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A share of 0 to 1 as `1.46%`. */
export function percent(share) {
  if (share === null || share === undefined || !Number.isFinite(share)) return NOTHING;
  const value = share * 100;
  if (value === 0) return "0%";
  if (value < 0.01) return "<0.01%";
  return `${value >= 99.95 ? Math.round(value) : value >= 10 ? value.toFixed(1) : value.toFixed(2)}%`;
}

/** A latency in ms as `823 ms`, `2.92 s`, `4 min 2 s`. */
export function duration(ms) {
  if (ms === null || ms === undefined) return NOTHING;
  if (ms < 1) return `${three(ms)}\u00a0${t("unit.ms")}`;
  if (ms < 1000) return `${ms < 10 ? three(ms) : Math.round(ms)}\u00a0${t("unit.ms")}`;
  if (ms < 99_950) return `${three(ms / 1000)}\u00a0${t("unit.s")}`;
  return longDuration(Math.round(ms / 1000));
}

/** The same for an axis, where the numbers are round: `30 s`. */
export function roundDuration(ms) {
  if (ms === 0) return "0";
  const plainest = (n) => n.toLocaleString(locale, { maximumFractionDigits: 2 });
  if (ms < 1000) return `${plainest(ms)}\u00a0${t("unit.ms")}`;
  return ms < 120_000 ? `${plainest(ms / 1000)}\u00a0${t("unit.s")}` : `${plainest(ms / 60_000)}\u00a0${t("unit.min")}`;
}

/** Seconds as `4 min 2 s`, `3 h 5 min`, `2 d 1 h`: the two largest parts. */
export function longDuration(seconds) {
  const parts = [];
  let rest = Math.max(0, Math.floor(seconds));
  for (const [unit, size] of [
    ["d", 86_400],
    ["h", 3600],
    ["min", 60],
    ["s", 1],
  ]) {
    const n = Math.floor(rest / size);
    rest -= n * size;
    if (n > 0) parts.push(`${n}\u00a0${t(`unit.${unit}`)}`);
  }
  return parts.slice(0, 2).join(" ") || `0\u00a0${t("unit.s")}`;
}

/** Bytes as `181 MiB`. */
export function bytes(n) {
  if (n === null || n === undefined) return NOTHING;
  let [value, unit] = [n, 0];
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  while (value >= 1024 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${unit === 0 ? value : three(value)}\u00a0${units[unit]}`;
}

/** A change as `+12.4%` with its direction: -1, 0 or 1. Below `least` nothing happened. */
export function change(now, before, least = 0.005) {
  if (!Number.isFinite(now) || !Number.isFinite(before)) return { text: NOTHING, direction: 0 };
  if (before === 0) return now === 0 ? { text: "0%", direction: 0 } : { text: t("change.new"), direction: 1 };
  return signed((now - before) / before, least);
}

function signed(ratio, least) {
  if (Math.abs(ratio) < 0.0005) return { text: "±0%", direction: 0 };
  const value = Math.abs(ratio) * 100;
  const text =
    ratio >= 9.995
      ? `×${three(ratio + 1)}`
      : `${ratio > 0 ? "+" : "−"}${value >= 10 ? value.toFixed(0) : value.toFixed(1)}%`;
  return { text, direction: Math.abs(ratio) < least ? 0 : Math.sign(ratio) };
}

/** A change of a share, in percentage points; below `least` nothing happened. */
export function points(now, before, least = 0) {
  if (!Number.isFinite(now) || !Number.isFinite(before)) return { text: NOTHING, direction: 0 };
  const value = (now - before) * 100;
  if (Math.abs(value) < 0.005) return { text: `±0\u00a0${t("unit.points")}`, direction: 0 };
  return {
    text: `${value > 0 ? "+" : "−"}${Math.abs(value).toFixed(2)}\u00a0${t("unit.points")}`,
    direction: Math.abs(now - before) < least ? 0 : Math.sign(value),
  };
}
