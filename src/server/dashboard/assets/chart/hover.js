// One point in time under the pointer for all charts: what happened at once is seen at once.

const followers = new Set();

export function followHover(follower) {
  followers.add(follower);
}

/** Tells the other charts; `null` is none. */
export function tellHover(at, teller) {
  for (const follower of followers) if (follower !== teller) follower.hovered(at);
}
