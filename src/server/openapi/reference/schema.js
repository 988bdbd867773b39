// A JSON schema as a tree to read.

import { h } from "./dom.js";
import { inline } from "./prose.js";

const DEEPEST = 6;

/** What a value stands for: itself, or what its `$ref` names, with what is said beside it. */
export function follow(root, value) {
  if (!value?.$ref) return value ?? {};
  const { $ref: reference, ...beside } = value;
  const names = reference.slice(2).split("/").map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
  return { ...follow(root, names.reduce((place, name) => place?.[name], root)), ...beside };
}

/** The type of a schema in a few words. */
export function kind(root, schema) {
  const told = follow(root, schema);
  const choices = told.anyOf ?? told.oneOf;
  if (choices) return choices.map((choice) => kind(root, choice)).join(" or ");
  const types = [told.type ?? (told.enum ? "string" : told.allOf ? "object" : "any")].flat();
  const named = types.map((type) => (type === "array" ? `list of ${kind(root, told.items ?? {})}` : type));
  return named.join(" or ") + (told.format ? ` (${told.format})` : "");
}

/** What values are allowed, in a few words; "" where all of its type are. */
export function bounds(root, schema) {
  const told = follow(root, schema);
  const item = told.items ? follow(root, told.items) : {};
  const choices = told.enum ?? item.enum;
  return [
    choices && choices.join(" · "),
    told.minimum !== undefined && `from ${told.minimum}`,
    told.maximum !== undefined && `to ${told.maximum}`,
    told.maxLength !== undefined && `up to ${told.maxLength} bytes`,
    told.maxItems !== undefined && `up to ${told.maxItems}`,
    told.pattern && !choices && `/${told.pattern}/`,
    told.default !== undefined && `default ${[told.default].flat().join(",")}`,
  ].filter(Boolean).join(", ");
}

/** The members of a schema, as nested rows; nothing for one without members. */
export function tree(root, schema, depth = 0) {
  const told = follow(root, schema);
  if (depth > DEEPEST) return [];
  const choices = [told.allOf, told.anyOf, told.oneOf].flat().filter(Boolean);
  const below = choices.flatMap((choice) => tree(root, choice, depth));
  const required = new Set(told.required ?? []);
  const own = Object.entries(told.properties ?? {}).map(([name, of]) => row(root, name, of, required.has(name), depth));
  const pattern = Object.entries(told.patternProperties ?? {}).map(([name, of]) => row(root, `/${name}/`, of, false, depth));
  const others = typeof told.additionalProperties === "object" ? [row(root, "any other", told.additionalProperties, false, depth)] : [];
  const items = told.items ? tree(root, told.items, depth + 1) : [];
  return [...below, ...own, ...pattern, ...others, ...items];
}

function row(root, name, schema, required, depth) {
  const told = follow(root, schema);
  const inner = tree(root, schema, depth + 1);
  const head = [
    h("code", "name", name), required && h("span", "must", "always"), h("span", "kind", kind(root, schema)),
    h("span", "bounds", bounds(root, schema)), told.description && h("span", "says", inline(told.description)),
  ];
  if (!inner.length) return h("div", "member", head);
  return h("details", "member", h("summary", "", head), h("div", "inner", inner));
}
