/**
 * Routes in the hash of the address: `#/<screen>/<part>/…?<query>`. The mail screens are `#/mail/<folderId>`,
 * `#/mail/<folderId>/<mailId or conversationId>`, `#/search/<text>` and `#/search/<text>/<mailId>`; all others are
 * screens of their own (docs/web-client.md).
 */
import { state } from "./state.js";

/** @typedef {{screen: string, parts: string[], query: URLSearchParams}} Route */

/** @param {string} hash @returns {Route} */
function parseRoute(hash) {
  const [path, query = ""] = split(hash.replace(/^#\/?/, ""));
  const [screen = "", ...parts] = path.split("/").map(decode).filter((part) => part !== "");
  return { screen: screen || "mail", parts, query: new URLSearchParams(query) };
}

/** @param {string} text */
function split(text) {
  const at = text.indexOf("?");
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @param {string} screen @param {string[]} [parts] @param {Record<string, string>} [query] */
export function makeHash(screen, parts = [], query = {}) {
  const search = new URLSearchParams(query).toString();
  return `#/${[screen, ...parts].map(encodeURIComponent).join("/")}${search ? `?${search}` : ""}`;
}

/**
 * Go to a route.
 * @param {string} hash @param {{replace?: boolean}} [options]
 */
export function navigate(hash, { replace = false } = {}) {
  if (location.hash === hash) return;
  if (replace) {
    history.replaceState(null, "", hash);
    follow();
  } else {
    location.hash = hash;
  }
}

function follow() {
  state.set("route", parseRoute(location.hash));
}

export function startRouter() {
  addEventListener("hashchange", follow);
  follow();
}
