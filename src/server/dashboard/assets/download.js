// Files out of answers. They are fetched, because a link can't send a token.

import { address } from "./api.js";
import { ask } from "./api.js";
import { h } from "./dom.js";
import { rfc3339 } from "./time.js";

/** Asks the same question for CSV. A comparison does not fit beside intervals in one table, so it is left out. */
export async function saveCsv(path, params, name) {
  const wanted = params.filter(([key]) => key !== "compare" && key !== "bins");
  const response = await ask(address(path, [...wanted, ["format", "csv"]]), { accept: "text/csv" });
  save(await response.blob(), `tallyring-${name}-${stamp()}.csv`);
}

/** A table of texts as CSV. */
export function saveTable(rows, name) {
  const text = rows.map((row) => row.map(cell).join(",")).join("\r\n");
  save(new Blob([`${text}\r\n`], { type: "text/csv;charset=utf-8" }), `tallyring-${name}-${stamp()}.csv`);
}

/** Quoted where needed. A spreadsheet would take a text that begins so for a formula; an apostrophe stops it. */
function cell(value) {
  let text = value === null || value === undefined ? "" : String(value);
  if (typeof value === "string" && /^[=+\-@\t\r]/.test(text) && !/^-?\d+(\.\d+)?$/.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

const stamp = () => rfc3339(Date.now()).replace(/[:-]/g, "").replace("Z", "");
