// The words of the page in the language of the reader.

import { recall, remember } from "../prefs.js";
import { en } from "./en.js";
import { zh } from "./zh.js";

const LANGUAGES = { en, zh };

function chosen() {
  const asked = new URLSearchParams(location.search).get("lang") ?? recall("language");
  if (Object.hasOwn(LANGUAGES, asked ?? "")) return asked;
  return navigator.languages?.some((tag) => /^zh\b/i.test(tag)) && !/^en\b/i.test(navigator.language) ? "zh" : "en";
}

/** "en" or "zh". */
export const language = chosen();
/** The locale of numbers and dates. */
export const locale = language === "zh" ? "zh-CN" : "en-US";

document.documentElement.lang = language === "zh" ? "zh-CN" : "en";

/**
 * The phrase under `key`, with `{name}` replaced; `{n|call|calls}` is one word for 1 and another for any other number.
 * A key without a phrase is given back as it is.
 */
export function t(key, values = {}) {
  const phrase = (Object.hasOwn(LANGUAGES[language], key) && LANGUAGES[language][key]) || key;
  return phrase.replace(/\{(\w+)(?:\|([^|}]*)\|([^|}]*))?\}/g, (whole, name, one, many) => {
    if (!Object.hasOwn(values, name)) return whole;
    const value = String(values[name]);
    return many === undefined ? value : value === "1" ? one : many;
  });
}

/** Reloads in the other language: the rest of what is shown stands in the address. */
export function switchLanguage() {
  remember("language", language === "zh" ? "en" : "zh");
  const url = new URL(location.href);
  url.searchParams.delete("lang");
  location.replace(url);
}
