// Money stays the exact decimal text the server sent: sums and roundings are done on whole billionths.

import { locale } from "./i18n/index.js";

const DIGITS = 9;
const ONE = 10n ** BigInt(DIGITS);

/** Billionths of the unit. */
export function nanos(text) {
  const [, sign, whole, part = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === undefined) return 0n;
  const amount = BigInt(whole) * ONE + BigInt(part.padEnd(DIGITS, "0").slice(0, DIGITS));
  return sign ? -amount : amount;
}

/** The decimal text of so many billionths. */
export function decimal(amount) {
  const positive = amount < 0n ? -amount : amount;
  return `${amount < 0n ? "-" : ""}${positive / ONE}.${String(positive % ONE).padStart(DIGITS, "0")}`;
}

/** A float for drawing only; it is never printed. */
export const drawable = (text) => Number(text ?? 0);

/** With `least` decimals, and more where so few would show little of it: `¥0.50`, `$0.0026`. */
export function rounded(text, least = 2) {
  const amount = nanos(text);
  const positive = amount < 0n ? -amount : amount;
  const small = positive > 0n && positive < ONE / 10n;
  if (positive < 100n * ONE) least = Math.max(least, 2);
  const decimals = small ? Math.min(DIGITS, DIGITS - String(positive).length + 2) : least;
  const unit = 10n ** BigInt(DIGITS - decimals);
  const steps = (positive + unit / 2n) / unit;
  const scale = 10n ** BigInt(decimals);
  const whole = grouped(steps / scale);
  const part = decimals ? `.${String(steps % scale).padStart(decimals, "0")}` : "";
  return `${amount < 0n ? "-" : ""}${whole}${part}`;
}

const grouped = (whole) => whole.toLocaleString(locale);

/** `$12.90`, `CN¥72.34`: rounded, with the currency's sign. */
export function money(text, currency) {
  const { sign, digits } = habits(currency);
  return `${sign}${rounded(text, digits)}`;
}

/** Every digit of it, for titles. */
export function exact(text, currency) {
  return `${text.replace(/^(-?\d+\.\d{2}\d*?)0+$/, "$1")} ${currency}`;
}

const known = new Map();

/** How a currency is written: its sign, and how many decimals are usual. */
function habits(currency) {
  if (!known.has(currency)) known.set(currency, habitsOf(currency));
  return known.get(currency);
}

function habitsOf(currency) {
  try {
    const format = new Intl.NumberFormat(locale, { style: "currency", currency });
    const found = format.formatToParts(0).find((part) => part.type === "currency")?.value ?? currency;
    return {
      sign: /[\p{L}]$/u.test(found) ? `${found}\u00a0` : found,
      digits: format.resolvedOptions().maximumFractionDigits,
    };
  } catch {
    return { sign: `${currency}\u00a0`, digits: 2 };
  }
}

/** `[["USD","12.9"],…]`, the one most is spent in first. */
export function currencies(cost) {
  const entries = Object.entries(cost ?? {});
  return entries.sort(([a, x], [b, y]) => (nanos(y) > nanos(x) ? 1 : nanos(y) < nanos(x) ? -1 : a < b ? -1 : 1));
}
