// Elements without markup: every string becomes a text node, so nothing an event says can become HTML.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. `props`: `class`, `text`, `on` (listeners by event), `data` (data attributes), and any other name as
 * an attribute; `true` is an empty attribute, `false`, `null` and `undefined` none.
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) set(element, name, value);
  append(element, children);
  return element;
}

function set(element, name, value) {
  if (name === "class") element.className = value;
  else if (name === "text") element.textContent = value;
  else if (name === "on") listen(element, value);
  else if (name === "data") for (const [key, one] of Object.entries(value)) mark(element, key, one);
  else if (value === true) element.setAttribute(name, "");
  else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
}

/** A `data-` attribute, or none where the value is null. */
export function mark(element, key, value) {
  if (value === null || value === undefined) element.removeAttribute(`data-${key}`);
  else element.setAttribute(`data-${key}`, String(value));
}

function listen(element, listeners) {
  for (const [event, listener] of Object.entries(listeners)) element.addEventListener(event, listener);
}

/** Nodes, strings and lists of them; nothing for null and false. */
export function append(parent, children) {
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) parent.append(child);
  }
}

/** Replaces what is inside. */
export function fill(parent, ...children) {
  parent.replaceChildren();
  append(parent, children);
  return parent;
}

/** An icon of 16 by 16 out of stroked paths. */
export function icon(...paths) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  for (const d of paths) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}
