/**
 * What the client knows, in one place that can be watched. Components read it, watch the keys that they show, and
 * never keep a copy; what changes it are the API's answers (mailbox.js, events.js) and the router.
 *
 * @typedef {import("./types.js").Folder} Folder
 * @typedef {import("./types.js").Label} Label
 * @typedef {{
 *   account: import("./types.js").AccountInfo | null,
 *   settings: import("./types.js").Settings | null,
 *   folders: Folder[],
 *   labels: Label[],
 *   labelUnread: Record<string, number>,
 *   route: import("./router.js").Route,
 *   isLive: boolean,
 *   isSignedIn: boolean,
 * }} State
 */

class Store {
  /** @type {State} */
  #values = {
    account: null,
    settings: null,
    folders: [],
    labels: [],
    labelUnread: {},
    route: { screen: "mail", parts: [], query: new URLSearchParams() },
    isLive: false,
    isSignedIn: false,
  };

  /** @type {Map<keyof State, Set<() => void>>} */
  #watchers = new Map();

  /** @template {keyof State} K @param {K} key @returns {State[K]} */
  get(key) {
    return this.#values[key];
  }

  /** @template {keyof State} K @param {K} key @param {State[K]} value */
  set(key, value) {
    if (this.#values[key] === value) return;
    this.#values[key] = value;
    for (const watcher of [...(this.#watchers.get(key) ?? [])]) watcher();
  }

  /**
   * Call a function whenever one of the keys changes, until the signal is aborted.
   * @param {(keyof State)[]} keys @param {() => void} watcher @param {AbortSignal} [signal]
   */
  watch(keys, watcher, signal) {
    if (signal?.aborted) return;
    for (const key of keys) {
      const watchers = this.#watchers.get(key) ?? new Set();
      watchers.add(watcher);
      this.#watchers.set(key, watchers);
      signal?.addEventListener("abort", () => watchers.delete(watcher), { once: true });
    }
  }
}

export const state = new Store();

/** @param {string} id */
export function findFolder(id) {
  return state.get("folders").find((folder) => folder.id === id);
}

/** The account's own folder with this role. @param {string} role */
export function findRole(role) {
  return state.get("folders").find((folder) => folder.role === role && folder.accessMode === "local");
}

/** The account's main address; "" before it is known. */
export function ownAddress() {
  const account = state.get("account");
  return account ? `${account.accountName}@${account.domainName}` : "";
}
