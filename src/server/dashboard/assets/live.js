// The stream of the server: a usage event a second, calls on request. Read with fetch, because an EventSource can't
// send a token. Where a server has no stream, the figures of the last minute are asked for instead.

import { ApiError } from "./api.js";
import { address } from "./api.js";
import { get } from "./api.js";
import { problem } from "./api.js";
import { send } from "./api.js";

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 10_000;
const SILENCE_MS = 20_000;
const POLL_MS = 5_000;
const MAX_EVENT = 4_000_000;

export class Live {
  /** `params()` gives the pairs of the question; the hooks are `usage`, `calls` and `status` (with a word). */
  constructor(params, hooks) {
    Object.assign(this, { params, hooks, controller: null, wait: FIRST_WAIT_MS, polls: false });
  }

  /** Begins again with what `params` now says. */
  start() {
    this.stop("connecting");
    this.controller = new AbortController();
    this.run(this.controller.signal);
  }

  stop(word = "paused") {
    this.controller?.abort();
    this.controller = null;
    this.hooks.status(word);
  }

  async run(signal) {
    while (!signal.aborted) {
      try {
        await (this.polls ? this.poll(signal) : this.listen(signal));
      } catch (error) {
        if (signal.aborted) return;
        if (error.status === 404 && !this.polls) {
          this.polls = true;
          continue;
        }
        this.hooks.status(error.kind === "auth" ? "auth" : "waiting", error);
        if (error.kind === "auth") return;
      }
      await pause(this.wait * (0.75 + Math.random() / 2), signal);
      this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
    }
  }

  /** Until the server ends it, or says nothing for long: its heartbeat comes more often. */
  async listen(signal) {
    const quiet = new AbortController();
    const response = await send(address("/v1/stream", this.params()), {
      signal: AbortSignal.any([signal, quiet.signal]),
      accept: "text/event-stream",
    });
    if (!response.ok) throw await problem(response);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    this.heard = false;
    for (;;) {
      const timer = setTimeout(() => quiet.abort(), SILENCE_MS);
      const { value, done } = await reader.read().finally(() => clearTimeout(timer));
      if (signal.aborted) return;
      if (done) return this.ended();
      rest = this.take(rest + value);
      if (rest.length > MAX_EVENT) throw new Error("an event without an end");
    }
  }

  /** A stream that says nothing and ends is as good as none. */
  ended() {
    if (!this.heard) throw new ApiError("offline", "the stream ended");
    this.hooks.status("connecting");
  }

  /** Hands out the whole events of the text and returns what is left. */
  take(text) {
    const events = text.replaceAll("\r\n", "\n").split("\n\n");
    const rest = events.pop();
    for (const event of events) this.hand(event);
    return rest;
  }

  hand(event) {
    const lines = event.split("\n");
    const field = (name) =>
      lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trim());
    const name = field("event")[0];
    const data = field("data").join("\n");
    if (!name || !data) return;
    this.wait = FIRST_WAIT_MS;
    this.heard = true;
    const message = JSON.parse(data);
    if (name === "usage") this.hooks.usage(message);
    if (name === "calls") this.hooks.calls(message);
    if (name === "usage") this.hooks.status("live");
  }

  async poll(signal) {
    const filters = this.params().filter(([name]) => name !== "calls");
    for (;;) {
      const answer = await get(address("/v1/usage", [["window", "60s"], ...filters]), signal);
      const second = { requests: answer.totals.requests / 60 };
      this.hooks.usage({ at: answer.to, position: answer.position, second, minute: answer.totals });
      this.hooks.status("live");
      this.wait = FIRST_WAIT_MS;
      await pause(POLL_MS, signal);
    }
  }
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
