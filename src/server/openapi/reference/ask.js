// The form that asks a GET operation, and shows the answer and the same question for curl.

import { copier, h, having, on } from "./dom.js";
import { follow } from "./schema.js";

const SHOWN = 200_000;
let token = "";

/** The field for the token. It is kept by this page alone, and gone with it. */
export function tokenField() {
  const field = having(h("input", "token"), {
    type: "password", placeholder: "Token, if asked for", "aria-label": "Token", autocomplete: "off", spellcheck: "false",
  });
  on(field, "input", () => (token = field.value.trim()));
  return on(h("form", "who", field), "submit", (event) => event.preventDefault());
}

/** A form for an operation. */
export function asker(root, path, parameters) {
  const fields = parameters.filter(({ in: place }) => place !== "header").map((of) => field(root, of));
  const send = having(h("button", "send", "Ask"), { type: "submit" });
  const form = h("form", "ask", h("div", "fields", fields.map((of) => of.element)), h("div", "row", send));
  const answer = having(h("div", "answer"), { "aria-live": "polite" });
  on(form, "submit", async (event) => {
    event.preventDefault();
    send.disabled = true;
    await ask(target(path, fields), answer);
    send.disabled = false;
  });
  return [form, answer];
}

function field(root, parameter) {
  const schema = follow(root, parameter.schema);
  const example = [parameter.example ?? schema.examples?.[0] ?? ""].flat().join(",");
  const choices = schema.enum ?? (schema.type === "boolean" ? ["true", "false"] : null);
  const input = choices ? options(choices) : having(h("input"), { type: "text", placeholder: example, spellcheck: "false" });
  if (parameter.required) input.value = example;
  having(input, { required: parameter.required ? "" : null });
  const element = h("label", "field", h("span", "", parameter.name, parameter.required && " *"), input);
  return { parameter, input, element };
}

function options(choices) {
  return h("select", "", ["", ...choices].map((choice) => having(h("option", "", choice), { value: choice })));
}

/** The path and query of the question. A list of filters repeats its name, other lists have commas. */
function target(path, fields) {
  const query = [];
  for (const { parameter: { name, in: place, schema, explode }, input } of fields) {
    const value = input.value;
    if (place === "path") path = path.replace(`{${name}}`, encodeURIComponent(value));
    else if (value !== "") {
      const values = schema?.type === "array" && explode !== false ? value.split(",") : [value];
      for (const one of values) query.push(`${name}=${encodeURIComponent(one).replaceAll("%2C", ",")}`);
    }
  }
  return query.length ? `${path}?${query.join("&")}` : path;
}

async function ask(target, place) {
  const began = performance.now();
  const curl = command(target);
  try {
    const response = await fetch(target, { headers: token ? { authorization: `Bearer ${token}` } : {}, cache: "no-store" });
    const text = await beginning(response);
    const took = `${Math.round(performance.now() - began)} ms`;
    place.replaceChildren(curl, verdict(response, took), headers(response), body(text, response.headers.get("content-type")));
  } catch (fault) {
    place.replaceChildren(curl, h("p", "verdict bad", `No answer: ${fault.message}`));
  }
}

/** The answer as text; of a stream, or of a very long one, its beginning. */
async function beginning(response) {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  const until = setTimeout(() => reader?.cancel(), 5000);
  for (let step = await reader?.read(); step && !step.done; step = await reader.read()) {
    text += decoder.decode(step.value, { stream: true });
    if (text.length > SHOWN) await reader.cancel();
  }
  clearTimeout(until);
  return text;
}

function command(target) {
  const quoted = `'${(location.origin + target).replaceAll("'", "'\\''")}'`;
  const text = `curl -s ${token ? "-H \"authorization: Bearer $TOKEN\" " : ""}${quoted}`;
  return h("div", "code", h("pre", "", text), copier(() => text));
}

function verdict(response, took) {
  const name = response.ok ? "verdict good" : "verdict bad";
  return h("p", name, h("strong", "", `${response.status} ${response.statusText}`), ` in ${took}`);
}

function headers(response) {
  const lines = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  return h("details", "headers", h("summary", "", "Headers"), h("pre", "", lines));
}

function body(text, type) {
  const cut = text.length > SHOWN ? text.slice(0, SHOWN) + "\n…" : text;
  const shown = (type ?? "").includes("json") && cut === text ? pretty(text) : cut;
  return h("div", "code", h("pre", "", shown || "(no body)"), copier(() => shown));
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
