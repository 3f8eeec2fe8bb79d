// Asking the server.

/** Why a request came to nothing. */
export class ApiError extends Error {
  /** @param {number} status 0 where there was no answer @param {string} code @param {string} message */
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Told of what each request says about the server. */
export const server = new EventTarget();

/**
 * @param {string} method
 * @param {string} path below /api/v1
 * @param {{query?: Record<string, any>, body?: any, signal?: AbortSignal}} [more]
 * @returns {Promise<any>}
 */
export async function api(method, path, more = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(more.query ?? {})) {
    if (value !== undefined && value !== null && value !== "") query.set(name, String(value));
  }
  const text = query.toString();
  let answer;
  try {
    answer = await fetch(`/api/v1${path}${text ? `?${text}` : ""}`, {
      method,
      body: more.body === undefined ? undefined : JSON.stringify(more.body),
      headers: more.body === undefined ? {} : { "content-type": "application/json" },
      signal: more.signal,
      cache: "no-store",
    });
  } catch (error) {
    if (more.signal?.aborted) throw error;
    server.dispatchEvent(new Event("lost"));
    throw new ApiError(0, "Unreachable", "The server does not answer.");
  }
  server.dispatchEvent(new Event("answered"));
  const value = await answer.json().catch(() => null);
  if (answer.ok) return value;
  const told = value?.error ?? {};
  if (answer.status === 401 && path !== "/session") server.dispatchEvent(new Event("unknown"));
  throw new ApiError(answer.status, told.code ?? String(answer.status), told.message || `The server answered ${answer.status}.`);
}

/** @param {string} path @param {Record<string, any>} [query] @param {AbortSignal} [signal] */
export const get = (path, query, signal) => api("GET", path, { query, signal });

/** A part of a path. @param {string} text */
export const part = (text) => encodeURIComponent(text);
