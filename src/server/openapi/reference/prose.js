// The little markup that descriptions use: paragraphs, lists, `code` and **strong**.

import { h } from "./dom.js";

/** A text as elements. */
export function prose(text) {
  return (text ?? "").split("\n\n").map(block);
}

function block(text) {
  const lines = text.split("\n");
  if (lines.every((line) => line.startsWith("* "))) {
    return h("ul", "prose", lines.map((line) => h("li", "", inline(line.slice(2)))));
  }
  return h("p", "prose", inline(text));
}

/** One line as text, code and strong. */
export function inline(text) {
  return (text ?? "").split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
    if (part.startsWith("`")) return h("code", "", part.slice(1, -1));
    if (part.startsWith("**")) return h("strong", "", part.slice(2, -2));
    return part;
  });
}
