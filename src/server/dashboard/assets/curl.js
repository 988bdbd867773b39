// A question as a line for the shell. The token itself never gets into it.

import { token } from "./api.js";
import { h } from "./dom.js";
import { ICONS } from "./icons.js";
import { t } from "./i18n/index.js";
import { fill } from "./dom.js";

/** `curl -s 'http://host/v1/usage?window=1h'`, with a header that names the variable of the token where one is used. */
export function curl(url) {
  const whole = new URL(url, location.origin).href.replaceAll("'", "%27");
  const header = token() ? `--header "authorization: Bearer $TOKEN" ` : "";
  return `curl -s ${header}'${whole}'`;
}

/** Copies it, and says so in the place of the button's icon. */
export const copyCurl = (url, button) => copyText(curl(url), button);

export async function copyText(text, button) {
  const copied = await copy(text);
  fill(button, copied ? ICONS.check() : ICONS.alert());
  button.classList.toggle("is-done", copied);
  announce(t(copied ? "copied" : "copy.failed"));
  setTimeout(() => {
    fill(button, ICONS.copy());
    button.classList.remove("is-done");
  }, 1_500);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyOldWay(text);
  }
}

/** Pages served over plain HTTP from another machine have no clipboard; a selection can still be copied. */
function copyOldWay(text) {
  const area = h("textarea", { class: "offscreen", readonly: true });
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}

const voice = h("div", { class: "offscreen", role: "status", "aria-live": "polite" });
document.body.append(voice);

/** Says something to those who listen to the page. */
export function announce(text) {
  voice.textContent = text;
}
