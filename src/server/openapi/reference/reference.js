// The reference of this server's API, drawn from its own /openapi.json.

import { tokenField } from "./ask.js";
import { h, having, on } from "./dom.js";
import { badge, card } from "./operation.js";
import { prose } from "./prose.js";

const METHODS = ["get", "post", "put", "patch", "delete"];
const [bar, index, main] = ["bar", "index", "main"].map((id) => document.getElementById(id));

/** Operations by tag, in the order in which the tags are told. */
function byTag(root) {
  const all = Object.entries(root.paths).flatMap(([path, methods]) =>
    METHODS.filter((method) => methods[method]).map((method) => ({ path, method, told: methods[method] })));
  return root.tags.map((tag) => ({ tag, operations: all.filter(({ told }) => told.tags.includes(tag.name)) }));
}

function head(root) {
  const open = having(h("button", "menu", "Operations"), { type: "button", "aria-controls": "index", "aria-expanded": "false" });
  on(open, "click", () => open.setAttribute("aria-expanded", String(index.classList.toggle("open"))));
  bar.replaceChildren(
    having(h("a", "brand", root.info.title), { href: "/" }),
    h("span", "version", `API ${root.info.version}`), open, tokenField(),
    having(h("a", "raw", "openapi.json"), { href: "/openapi.json" }),
  );
}

function contents(groups) {
  const search = having(h("input", "search"), { type: "search", placeholder: "Find an operation", "aria-label": "Find an operation" });
  const list = h("div", "list");
  const draw = () => list.replaceChildren(...groups.flatMap((group) => entries(group, search.value.trim().toLowerCase())));
  on(search, "input", draw);
  on(list, "click", () => index.classList.remove("open"));
  draw();
  index.replaceChildren(search, list);
}

function entries({ tag, operations }, wanted) {
  const fits = ({ path, told }) => `${path} ${told.summary}`.toLowerCase().includes(wanted);
  const links = operations.filter(fits).map(({ path, method, told }) =>
    having(h("a", "entry", badge(method), h("span", "", path)), { href: `#${told.operationId}`, title: told.summary }));
  return links.length ? [h("p", "group", tag.name), ...links] : [];
}

function draw(root) {
  document.title = `${root.info.title} API reference`;
  const groups = byTag(root).filter(({ operations }) => operations.length);
  head(root);
  contents(groups);
  main.replaceChildren(
    h("section", "intro", h("h1", "", `${root.info.title} API`), h("p", "lead", root.info.summary), prose(root.info.description)),
    ...groups.map(({ tag, operations }) =>
      h("section", "tag", h("h2", "", tag.name), prose(tag.description), operations.map((of) => card(root, of)))),
  );
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

async function start() {
  const response = await fetch("/openapi.json");
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  draw(await response.json());
}

start().catch((fault) => {
  main.replaceChildren(h("p", "wait", `/openapi.json could not be read: ${fault.message}`));
});
