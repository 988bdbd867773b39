// Asks for the token where the server wants one. It is tried before it is kept.

import { get } from "../api.js";
import { setToken } from "../api.js";
import { token } from "../api.js";
import { h } from "../dom.js";
import { explain } from "../explain.js";
import { t } from "../i18n/index.js";

let dialog = null;

/** Shows the dialog unless it is there; `accepted()` is called once the server took a token. */
export function askToken(accepted, forgotten = false) {
  if (dialog?.open) return;
  dialog?.remove();
  dialog = build(accepted, forgotten);
  document.body.append(dialog);
  dialog.showModal();
}

function build(accepted, forgotten) {
  const input = h("input", {
    class: "input mono",
    type: "password",
    name: "token",
    required: true,
    autocomplete: "off",
    autofocus: true,
    spellcheck: "false",
    placeholder: "tr_…",
    maxlength: "512",
    data: { control: "token" },
  });
  const wrong = h("p", { class: "form-wrong", role: "alert", text: forgotten ? t("token.expired") : "" });
  const button = h(
    "button",
    { class: "button primary", type: "submit", data: { control: "token-send" } },
    t("token.send"),
  );
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    wrong.textContent = await trouble(input.value.trim());
    button.disabled = false;
    if (wrong.textContent) return input.select();
    dialog.close();
    accepted();
  };
  return h(
    "dialog",
    { class: "dialog", "aria-labelledby": "token-title", data: { dialog: "token" } },
    h(
      "form",
      { class: "form", on: { submit } },
      h("h2", { id: "token-title", text: t("token.title") }),
      h("p", { class: "faint", text: t("token.why") }),
      h("label", {}, h("span", { text: t("token.label") }), input),
      wrong,
      h("p", { class: "faint small-print", text: t("token.kept") }),
      button,
    ),
  );
}

/** Tries a token; an empty text is success. */
async function trouble(text) {
  const before = token();
  if (!/^[\x21-\x7e]+$/.test(text)) return t("token.odd");
  setToken(text);
  try {
    await get("/v1/caller");
    return "";
  } catch (error) {
    if (error.status === 404) return "";
    setToken(before);
    return error.kind === "auth" ? t("token.wrong") : explain(error).title;
  }
}
