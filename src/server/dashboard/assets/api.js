// Questions to the server: with the token, with errors as what they mean.

const TOKEN = "tallyring.token";
const PATIENCE_MS = 30_000;
let held = null;

/** A question that was not answered. `kind` is offline, auth, forbidden, busy, or refused. */
export class ApiError extends Error {
  constructor(kind, detail, more = {}) {
    super(detail);
    Object.assign(this, { kind, status: 0, parameter: null, retryAfter: 0 }, more);
  }
}

/** The token of this tab: kept in its session only, and sent nowhere but to this server. */
export function token() {
  if (held !== null) return held;
  try {
    return sessionStorage.getItem(TOKEN) ?? "";
  } catch {
    return "";
  }
}

export function setToken(text) {
  held = text;
  try {
    if (text) sessionStorage.setItem(TOKEN, text);
    else sessionStorage.removeItem(TOKEN);
  } catch {
    // `held` has it until the page goes.
  }
}

/** A path and its parameters, given as an object or as pairs. Parameters that are null are left out. */
export function address(path, params = {}) {
  const pairs = Array.isArray(params) ? params : Object.entries(params);
  const query = new URLSearchParams(pairs.filter(([, value]) => value !== null && value !== undefined));
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/** The answer as the browser has it; anything but success is thrown. */
export async function ask(url, { signal, accept = "application/json", method = "GET" } = {}) {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const until = signal ? AbortSignal.any([signal, patience]) : patience;
  const response = await send(url, { signal: until, accept, method });
  if (!response.ok) throw await problem(response);
  return response;
}

/** Sends it with the token; only a server out of reach is thrown. */
export async function send(url, { signal, accept, method = "GET" }) {
  const headers = { accept };
  if (token()) headers.authorization = `Bearer ${token()}`;
  try {
    return await fetch(url, { method, headers, signal, cache: "no-store", credentials: "omit" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("offline", error.message);
  }
}

/** The JSON of an answer. */
export async function get(url, signal) {
  const response = await ask(url, { signal });
  try {
    return await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("offline", error.message);
  }
}

const KINDS = { 401: "auth", 403: "forbidden", 429: "busy", 502: "offline", 503: "busy", 504: "offline" };

/** What a refusal says of itself: a problem document, or its status only. */
export async function problem(response) {
  const document = await response.json().catch(() => ({}));
  const { status } = response;
  const detail = typeof document?.detail === "string" ? document.detail : response.statusText;
  const retryAfter = Number(response.headers.get("retry-after")) || 0;
  return new ApiError(KINDS[status] ?? "refused", detail, {
    status,
    retryAfter,
    parameter: document?.parameter ?? null,
  });
}
