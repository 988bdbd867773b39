// When panels ask again: all of them when what is shown changes, those in sight as time goes by, none while the page
// is hidden, paused or without a server.

import { Cycle } from "./cycle.js";
import { cadence } from "./span.js";
import { state } from "./state.js";

const NEAR = "300px";

export class Refresher {
  /** `reachable` is whether the server answered so far; without it nothing is asked by itself. */
  constructor(panels, reachable) {
    Object.assign(this, { panels, last: 0, reachable });
    const watcher = new IntersectionObserver((entries) => entries.forEach((entry) => this.saw(entry)), {
      rootMargin: NEAR,
    });
    this.byRoot = new Map(panels.map((panel) => [panel.root, panel]));
    for (const panel of panels) watcher.observe(panel.root);
  }

  /** Everything anew: the range, the filters or the server changed. */
  all() {
    this.run(this.panels, true);
  }

  /** Those that depend on one of the names. */
  some(names) {
    this.run(
      this.panels.filter((panel) => names.some((name) => panel.needs.includes(name))),
      true,
    );
  }

  /** Called every second. A round that is still under way is not overtaken. */
  tick() {
    const every = cadence();
    const idle = every === 0 || !state().live || document.hidden || !this.reachable;
    if (idle || Date.now() - this.last < every || this.panels.some((panel) => panel.cycle)) return;
    for (const panel of this.panels) panel.stale ||= !panel.seen;
    this.run(
      this.panels.filter((panel) => panel.seen),
      false,
    );
  }

  one(panel) {
    this.run([panel], true);
  }

  run(panels, fresh) {
    if (panels.length === 0) return;
    const cycle = new Cycle(fresh);
    if (panels.length > 1) this.last = Date.now();
    // All join before the first one asks, so that none of them ends the round for the others.
    for (const panel of panels) cycle.join(panel);
    for (const panel of panels) panel.run(cycle);
  }

  saw({ target, isIntersecting }) {
    const panel = this.byRoot.get(target);
    panel.seen = isIntersecting;
    if (isIntersecting && panel.stale && !panel.cycle && this.reachable) this.run([panel], false);
  }
}
