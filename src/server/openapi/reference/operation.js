// One operation: what it is for, what it takes, what it answers.

import { asker } from "./ask.js";
import { copier, h, having } from "./dom.js";
import { inline, prose } from "./prose.js";
import { bounds, follow, kind, tree } from "./schema.js";

/** The whole card of an operation. */
export function card(root, { path, method, told }) {
  const parameters = (told.parameters ?? []).map((of) => follow(root, of));
  return having(
    h(
      "section", "card",
      h("h3", "", badge(method), h("code", "path", path), h("span", "scope", told["x-scope"])),
      h("p", "summary", told.summary),
      prose(told.description),
      parameters.length > 0 && [h("h4", "", "Parameters"), table(root, parameters)],
      told.requestBody && request(root, path, told.requestBody),
      h("h4", "", "Answers"),
      Object.entries(told.responses).map(([status, of]) => response(root, status, follow(root, of))),
      method === "get" && [h("h4", "", "Try it"), asker(root, path, parameters)],
    ),
    { id: told.operationId },
  );
}

/** The method as a coloured word. */
export function badge(method) {
  return h("span", `method ${method}`, method.toUpperCase());
}

function table(root, parameters) {
  return h("div", "members", parameters.map((of) => {
    const example = of.example === undefined ? null : h("span", "example", "e.g. ", h("code", "", [of.example].flat().join(",")));
    return h(
      "div", "member",
      h("code", "name", of.name), of.required && h("span", "must", "required"), of.in !== "query" && h("span", "must", of.in),
      h("span", "kind", kind(root, of.schema)), h("span", "bounds", bounds(root, of.schema)),
      h("span", "says", inline(of.description)), example,
    );
  }));
}

function request(root, path, body) {
  return [h("h4", "", "Body"), Object.entries(body.content).map(([type, media]) => [
    h("p", "type", h("code", "", type)),
    Object.values(media.examples ?? {}).map((of) => sample(path, type, of)),
    shape(root, media.schema),
  ])];
}

function sample(path, type, { summary, value }) {
  const text = typeof value === "string" ? value.trimEnd() : JSON.stringify(value);
  const kind = type.endsWith("ndjson") ? `-H 'content-type: ${type}' --data-binary` : "--json";
  const curl = `curl -s ${location.origin}${path} ${kind} '${text.replaceAll("'", "'\\''")}'`;
  return [h("p", "caption", summary), h("div", "code", h("pre", "", curl), copier(() => curl))];
}

function shape(root, schema) {
  const members = tree(root, schema);
  return members.length > 0 && h("details", "shape", h("summary", "", "Members"), h("div", "members", members));
}

function response(root, status, told) {
  const media = Object.entries(told.content ?? {});
  const names = Object.entries(told.headers ?? {}).map(([name, of]) => [name, follow(root, of).description]);
  const inner = [
    names.map(([name, says]) => h("div", "member", h("code", "name", name), h("span", "kind", "header"), h("span", "says", says))),
    media.map(([type, of]) => [h("p", "type", h("code", "", type)), members(root, of.schema), example(root, type, of)]),
  ];
  const head = [h("span", `status s${status[0]}`, status), h("span", "says", inline(told.description))];
  if (!media.length && !names.length) return h("div", "response", head);
  return h("details", "response", h("summary", "", head), h("div", "inner", inner));
}

function members(root, schema) {
  const rows = tree(root, schema);
  return rows.length ? h("div", "members", rows) : h("p", "kind", kind(root, schema));
}

function example(root, type, media) {
  const value = media.example ?? follow(root, media.schema).examples?.[0];
  if (value === undefined) return null;
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return h("div", "code", h("pre", "", text), copier(() => text));
}
