/**
 * The public API, called as any program would: a cookie that no script can read, and the session's id as `_h` in
 * every call. The id lies in sessionStorage (this window), or in localStorage where the login is to be remembered.
 *
 * `signed-out` is dispatched when the session is over, whoever ended it; `held-up` when there is something to be done
 * first, before it goes on: a second step, or another password. What was asked for in a session that is over meanwhile
 * fails as aborted: its answer is for somebody who may have left, and must not be shown to who comes after.
 */

const BASE = "/api/v1";
const KEY = "postroom.sessid";
const LOGOUT_MS = 10_000;

/** What the API refused, or that it could not be reached (status 0). */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} errorCode
   * @param {string} message
   * @param {Record<string, any>} [details]
   * @param {number} [retryAfter] seconds
   */
  constructor(status, errorCode, message, details = {}, retryAfter = 0) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.errorCode = errorCode;
    this.details = details;
    this.retryAfter = retryAfter;
  }
}

/**
 * @typedef {{query?: Record<string, string | number | boolean | undefined | null>, body?: unknown,
 *   headers?: Record<string, string>, signal?: AbortSignal, isPublic?: boolean, keepalive?: boolean}} CallOptions
 * `body`: FormData and Blob are sent as they are, anything else as JSON.
 */

class Api extends EventTarget {
  constructor() {
    super();
    this.sessid = sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY) ?? "";
    /** Security token of the session, as `POST account/security/check` gave it; "" if none. */
    this.securityToken = "";
    /** Aborted when the session is over, or where there is none. */
    this.session = new AbortController();
    if (!this.sessid) this.session.abort();
  }

  /** @param {string} sessid @param {boolean} isRemembered */
  begin(sessid, isRemembered) {
    this.end();
    this.session = new AbortController();
    this.sessid = sessid;
    (isRemembered ? localStorage : sessionStorage).setItem(KEY, sessid);
  }

  /** Forget the session; the server is not told. */
  end() {
    this.session.abort();
    this.sessid = "";
    this.securityToken = "";
    sessionStorage.removeItem(KEY);
    localStorage.removeItem(KEY);
  }

  /** End the session here and on the server, once nothing is asked for in it any more. */
  async logOut() {
    this.session.abort();
    // It is forgotten here in any case, and soon where the server does not answer.
    const signal = AbortSignal.timeout(LOGOUT_MS);
    if (this.sessid) await this.call("POST", "/logout", { isPublic: true, signal }).catch(() => undefined);
    this.end();
  }

  /**
   * The address of something to download or to show, with the session's id in it.
   * @param {string} path below /api/v1, with a slash in front
   * @param {CallOptions["query"]} [query]
   */
  url(path, query = {}) {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined && value !== null) search.set(name, String(value));
    }
    if (this.sessid) search.set("_h", this.sessid);
    const text = search.toString();
    return BASE + path + (text ? `?${text}` : "");
  }

  /**
   * Call the API; the answer is returned whatever is in it, an error is thrown as an ApiError.
   * @param {string} method @param {string} path @param {CallOptions} [options]
   * @returns {Promise<Response>}
   */
  async fetch(method, path, options = {}) {
    const { query, body, isPublic = false } = options;
    const { sessid } = this;
    // What changes something goes its way to the end.
    const signals = [options.signal, isPublic || method !== "GET" ? null : this.session.signal].filter((one) => one instanceof AbortSignal);
    const headers = new Headers(options.headers);
    let sent;
    if (body instanceof FormData || body instanceof Blob) {
      sent = body;
    } else if (body !== undefined) {
      headers.set("Content-Type", "application/json");
      sent = JSON.stringify(body);
    }
    // Without HTTPS a browser does not tell the server that a script asks, and would show a password dialogue at a 401.
    headers.set("X-Requested-With", "XMLHttpRequest");
    if (this.securityToken) headers.set("X-Axigen-Security-Token", this.securityToken);
    let response;
    try {
      response = await fetch(this.url(path, query), {
        method, headers, body: sent, signal: AbortSignal.any(signals), credentials: "same-origin", keepalive: options.keepalive,
      });
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      throw new ApiError(0, "unreachable", String(error));
    }
    if (!isPublic && sessid !== this.sessid) throw new DOMException("the session is over", "AbortError");
    if (response.ok) return response;
    const failure = await readError(response);
    if (!isPublic) {
      if (failure.errorCode === "secondFactorRequired" || failure.details?.mustChangePassword) this.dispatchEvent(new Event("held-up"));
      else if (response.status === 401) this.#signOut();
    }
    throw failure;
  }

  /**
   * Call the API and return the JSON that it answers, undefined where it is empty.
   * @param {string} method @param {string} path @param {CallOptions} [options]
   * @returns {Promise<any>}
   */
  async call(method, path, options) {
    const response = await this.fetch(method, path, options);
    const text = await response.text();
    return text ? JSON.parse(text) : undefined;
  }

  /** @param {string} path @param {CallOptions["query"]} [query] @param {AbortSignal} [signal] */
  get(path, query, signal) {
    return this.call("GET", path, { query, signal });
  }

  /** @param {string} path @param {unknown} [body] @param {CallOptions["query"]} [query] */
  post(path, body, query) {
    return this.call("POST", path, { body, query });
  }

  /** @param {string} path @param {unknown} body */
  put(path, body) {
    return this.call("PUT", path, { body });
  }

  /** @param {string} path @param {unknown} body */
  patch(path, body) {
    return this.call("PATCH", path, { body });
  }

  /** @param {string} path @param {CallOptions["query"]} [query] */
  delete(path, query) {
    return this.call("DELETE", path, { query });
  }

  /** @param {string} path @param {CallOptions["query"]} [query] @param {AbortSignal} [signal] */
  async blob(path, query, signal) {
    return (await this.fetch("GET", path, { query, signal })).blob();
  }

  #signOut() {
    if (!this.sessid) return;
    this.end();
    this.dispatchEvent(new Event("signed-out"));
  }
}

/** @param {Response} response */
async function readError(response) {
  const retryAfter = Number(response.headers.get("Retry-After")) || 0;
  try {
    const { errorCode, message, details } = await response.json();
    return new ApiError(response.status, errorCode, message, details, retryAfter);
  } catch {
    return new ApiError(response.status, "internalError", response.statusText, {}, retryAfter);
  }
}

/**
 * The text of base64 in UTF-8, as bodies come.
 * @param {string} base64
 */
export function decodeText(base64) {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}

export const api = new Api();
