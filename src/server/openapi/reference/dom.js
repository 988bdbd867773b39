// Elements without markup: every string becomes a text node, so nothing in the document can become HTML.

/** An element with a class; children are nodes, strings and lists of them, and nothing for null and false. */
export function h(tag, name = "", ...children) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
  return element;
}

/** The same element with attributes; `null` sets none. */
export function having(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  return element;
}

/** The same element with a listener. */
export function on(element, event, listener) {
  element.addEventListener(event, listener);
  return element;
}

/** A button that copies what `text` gives. */
export function copier(text) {
  const button = having(h("button", "copy", "Copy"), { type: "button" });
  return on(button, "click", async () => {
    await navigator.clipboard?.writeText(text()).catch(() => {});
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1200);
  });
}
