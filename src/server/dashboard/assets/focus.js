// Lists are written anew with each answer; who stands on an element of one stays there.

/** Runs the function, then gives the focus back to the element with the same `data-focus`. */
export function keepFocus(root, write) {
  const active = document.activeElement;
  const name = root.contains(active) ? active.dataset.focus : undefined;
  write();
  if (name === undefined || root.contains(document.activeElement)) return;
  [...root.querySelectorAll("[data-focus]")].find((one) => one.dataset.focus === name)?.focus({ preventScroll: true });
}
