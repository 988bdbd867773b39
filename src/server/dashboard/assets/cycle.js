// One round of questions. Panels that need the same answer share one request; when the last panel leaves, what is
// still under way is broken off.

import { address } from "./api.js";
import { get } from "./api.js";

export class Cycle {
  /** `fresh` is false for rounds that only move the figures on. */
  constructor(fresh = true) {
    this.fresh = fresh;
    this.now = Date.now();
    this.members = new Set();
    this.answers = new Map();
    this.controller = new AbortController();
  }

  join(panel) {
    this.members.add(panel);
  }

  leave(panel) {
    this.members.delete(panel);
    if (this.members.size === 0) this.controller.abort();
  }

  /** Asks, or waits with those who asked before. */
  get(path, params) {
    const url = address(path, params);
    if (!this.answers.has(url)) this.answers.set(url, get(url, this.controller.signal));
    return this.answers.get(url);
  }
}
