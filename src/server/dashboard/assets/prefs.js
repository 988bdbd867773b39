// Small choices that outlive the page: theme, language. A browser may refuse storage; then they last for the page only.

const kept = new Map();

/** What was remembered under the name, or null. */
export function recall(name) {
  if (kept.has(name)) return kept.get(name);
  try {
    return localStorage.getItem(`tallyring.${name}`);
  } catch {
    return null;
  }
}

export function remember(name, value) {
  kept.set(name, value);
  try {
    if (value === null) localStorage.removeItem(`tallyring.${name}`);
    else localStorage.setItem(`tallyring.${name}`, value);
  } catch {
    // `kept` holds it until the page goes.
  }
}
