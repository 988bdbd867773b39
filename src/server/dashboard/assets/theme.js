// Light, dark, or what the system says. The canvases are told when colours change.

import { remember } from "./prefs.js";

const dark = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set();

/** "light" or "dark": what is shown now. */
export function theme() {
  return document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
}

/** Switches to the other one, and forgets the choice where it is the system's anyway. */
export function toggleTheme() {
  const next = theme() === "dark" ? "light" : "dark";
  const system = dark.matches ? "dark" : "light";
  if (next === system) delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  remember("theme", next === system ? null : next);
  tell();
}

/** Calls the function whenever colours change; returns how to stop. */
export function onTheme(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell() {
  for (const listener of listeners) listener(theme());
}

dark.addEventListener("change", tell);
