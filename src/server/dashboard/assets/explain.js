// Errors in words: what happened, whether trying again can help, and whether it is `calm`, as it passes by itself.

import { t } from "./i18n/index.js";
import { clean } from "./text.js";

export function explain(error) {
  const detail = clean(error.message ?? "").slice(0, 300);
  switch (error.kind) {
    case "offline":
      return { title: t("error.offline"), detail: "", retries: true, calm: true };
    case "auth":
      return { title: t("error.auth"), detail: t("error.auth.detail"), retries: false };
    case "forbidden":
      return { title: t("error.forbidden"), detail, retries: false };
    case "busy":
      return { title: t("error.busy"), detail, retries: true, calm: true };
    case "refused":
      return { title: t("error.refused"), detail, retries: true };
    default:
      return { title: t("error.unknown"), detail, retries: true };
  }
}
