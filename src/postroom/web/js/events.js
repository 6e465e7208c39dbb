/**
 * Changes as they happen: the API's event stream, opened with a ticket. Whoever wants to know listens here for
 * `counters`, `folders`, `mails`, `labels`, `contacts`, `job` (the `detail` is the event's data), for `open`: from now
 * on changes are told, and for `refresh`: something may have been missed, fetch anew. Where no stream can be had the
 * counters are asked for instead.
 */
import { api } from "./api.js";
import { state } from "./state.js";

const KINDS = ["counters", "folders", "mails", "labels", "contacts", "job"];
const RETRY_MS = [1000, 2000, 5000, 10000, 30000];
const POLL_MS = 30000;
const POLL_AFTER = 2;

class Live extends EventTarget {
  /** @type {EventSource | null} */
  #source = null;
  #failures = 0;
  #timer = 0;
  #pollTimer = 0;
  #isRunning = false;

  start() {
    if (this.#isRunning) return;
    this.#isRunning = true;
    addEventListener("online", this.#catchUp);
    void this.#connect();
  }

  stop() {
    this.#isRunning = false;
    removeEventListener("online", this.#catchUp);
    this.#source?.close();
    this.#source = null;
    clearTimeout(this.#timer);
    clearTimeout(this.#pollTimer);
    this.#pollTimer = 0;
    this.#failures = 0;
    state.set("isLive", false);
  }

  /** The network is there again: what failed without it is done now, without a wait. */
  #catchUp = () => {
    if (!this.#source) {
      clearTimeout(this.#timer);
      void this.#connect();
    }
    this.#tell("refresh", null);
  };

  /** @param {string} kind @param {unknown} detail */
  #tell(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }

  async #connect() {
    try {
      const { ticket } = await api.post("/events/ticket");
      if (this.#isRunning) this.#open(ticket);
    } catch {
      this.#retry();
    }
  }

  /** @param {string} ticket */
  #open(ticket) {
    // One may have been opened meanwhile: the network can come back while an answer is awaited.
    this.#source?.close();
    const source = new EventSource(api.url("/events", { ticket, folders: "all" }));
    this.#source = source;
    source.onopen = () => {
      const wasBroken = this.#failures > 0;
      this.#failures = 0;
      clearTimeout(this.#pollTimer);
      this.#pollTimer = 0;
      state.set("isLive", true);
      this.#tell("open", null);
      if (wasBroken) this.#tell("refresh", null);
    };
    source.onerror = () => {
      source.close();
      this.#retry();
    };
    for (const kind of KINDS) {
      source.addEventListener(kind, (event) => this.#tell(kind, JSON.parse(event.data)));
    }
    source.addEventListener("reset", () => this.#tell("refresh", null));
  }

  #retry() {
    this.#source = null;
    state.set("isLive", false);
    if (!this.#isRunning || !api.sessid) return;
    const wait = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)];
    this.#failures += 1;
    this.#timer = window.setTimeout(() => void this.#connect(), wait);
    if (this.#failures > POLL_AFTER && !this.#pollTimer) this.#poll();
  }

  #poll() {
    this.#pollTimer = window.setTimeout(async () => {
      try {
        const { folders } = await api.get("/mails/counters", { folders: "all" });
        for (const { folderId, role, unreadItems, totalItems } of folders) {
          this.#tell("counters", { folderId, role, unreadCount: unreadItems, totalItems });
        }
        this.#tell("refresh", null);
      } catch {
        // The next round tells.
      }
      if (this.#pollTimer) this.#poll();
    }, POLL_MS);
  }
}

export const live = new Live();

/**
 * Listen for one kind of event until the signal is aborted.
 * @param {string} kind @param {(detail: any) => void} listener @param {AbortSignal} [signal]
 */
export function onLive(kind, listener, signal) {
  live.addEventListener(kind, (event) => listener(/** @type {CustomEvent} */ (event).detail), { signal });
}
