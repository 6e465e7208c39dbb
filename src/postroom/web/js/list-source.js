/**
 * The rows of a long list, fetched in pages as they are looked at. Only what was seen lately is kept. When something
 * changes, the pages in sight are fetched anew and the others forgotten, so that all rows are of one state.
 *
 * `change` is dispatched whenever a row or their number may be another; `gone` when the folder is not there any more.
 */
import { api, ApiError } from "./api.js";

/**
 * @typedef {import("./types.js").Mail | import("./types.js").Conversation} Item
 * @typedef {import("./types.js").ListPage} ListPage
 * @typedef {{kind: "mails" | "conversations", folderId: string, sort: string, dir: "ASC" | "DESC"}} ListOf
 */

const PAGE = 60;
const KEPT_PAGES = 30;
const SETTLE_MS = 40;

export class ListSource extends EventTarget {
  /** @type {Map<number, Item[]>} */
  #pages = new Map();
  /** @type {Map<number, AbortController>} */
  #loading = new Map();
  #first = 0;
  #last = 0;
  #syncToken = "";
  #generation = 0;
  #timer = 0;
  /** @type {unknown} */
  error = null;
  /** Number of rows; -1 before it is known. */
  total = -1;

  /** @param {ListOf} of */
  constructor(of) {
    super();
    this.of = of;
  }

  /** @param {number} index @returns {Item | undefined} */
  itemAt(index) {
    return this.#pages.get(Math.floor(index / PAGE))?.[index % PAGE];
  }

  /** The row of an item, -1 where it is not known. @param {string} id */
  indexOf(id) {
    for (const [page, items] of this.#pages) {
      const at = items.findIndex((item) => item.id === id);
      if (at >= 0) return page * PAGE + at;
    }
    return -1;
  }

  /** All rows that are known. */
  knownItems() {
    return [...this.#pages.values()].flat();
  }

  /** The sync token of the list as it is shown. */
  get syncToken() {
    return this.#syncToken;
  }

  /** Fetch these rows where they are missing. @param {number} first @param {number} last */
  want(first, last) {
    this.#first = Math.max(0, first);
    this.#last = Math.max(this.#first, last);
    const pages = this.#wantedPages();
    for (const [page, controller] of this.#loading) {
      if (!pages.includes(page)) {
        controller.abort();
        this.#loading.delete(page);
      }
    }
    clearTimeout(this.#timer);
    if (pages.every((page) => this.#pages.has(page) || this.#loading.has(page))) return;
    // Whoever scrolls fast passes by most pages.
    if (this.#pages.size) this.#timer = window.setTimeout(() => this.#loadMissing(), SETTLE_MS);
    else this.#loadMissing();
  }

  #loadMissing() {
    for (const page of this.#wantedPages()) if (!this.#pages.has(page) && !this.#loading.has(page)) void this.#load(page);
  }

  #wantedPages() {
    const from = Math.floor(this.#first / PAGE);
    const to = Math.floor(this.#last / PAGE);
    return Array.from({ length: to - from + 1 }, (_, at) => from + at);
  }

  /** @param {number} page */
  async #load(page) {
    const generation = this.#generation;
    const controller = new AbortController();
    this.#loading.set(page, controller);
    try {
      const answer = await this.#fetch(page, controller.signal);
      if (generation !== this.#generation) return;
      if (this.#syncToken && answer.syncToken !== this.#syncToken) this.#pages.clear();
      this.#keep(page, answer);
      this.dispatchEvent(new Event("change"));
      // Pages that were forgotten just now and are in sight.
      if (this.#wantedPages().some((one) => !this.#pages.has(one))) this.want(this.#first, Math.min(this.#last, this.total - 1));
    } catch (error) {
      this.#fail(error);
    } finally {
      if (this.#loading.get(page) === controller) this.#loading.delete(page);
    }
  }

  /** @param {number} page @param {AbortSignal} [signal] @returns {Promise<ListPage>} */
  #fetch(page, signal) {
    const { kind, folderId, sort, dir } = this.of;
    return api.get(`/${kind}`, { folderId, sort, dir, start: page * PAGE, limit: PAGE }, signal);
  }

  /** @param {number} page @param {ListPage} answer */
  #keep(page, answer) {
    this.error = null;
    this.#syncToken = answer.syncToken;
    this.total = answer.totalItems;
    this.#pages.delete(page);
    this.#pages.set(page, answer.items);
    const wanted = this.#wantedPages();
    for (const one of this.#pages.keys()) {
      if (this.#pages.size <= KEPT_PAGES) break;
      if (!wanted.includes(one)) this.#pages.delete(one);
    }
  }

  /** @param {unknown} error */
  #fail(error) {
    if (error instanceof DOMException && error.name === "AbortError") return;
    this.error = error;
    const isGone = error instanceof ApiError && error.status === 404;
    this.dispatchEvent(new Event(isGone ? "gone" : "change"));
  }

  /** Fetch what is in sight anew; what is shown stays until that is there. */
  async refresh() {
    const generation = ++this.#generation;
    for (const controller of this.#loading.values()) controller.abort();
    this.#loading.clear();
    try {
      const pages = this.#wantedPages();
      const answers = await Promise.all(pages.map((page) => this.#fetch(page)));
      if (generation !== this.#generation) return;
      this.#pages.clear();
      this.#syncToken = "";
      pages.forEach((page, at) => this.#keep(page, answers[at]));
      this.dispatchEvent(new Event("change"));
      if (this.total > 0) this.want(Math.min(this.#first, this.total - 1), Math.min(this.#last, this.total - 1));
    } catch (error) {
      if (generation === this.#generation) this.#fail(error);
    }
  }

  /** Show a change before the server has told of it. @param {string[]} ids @param {Partial<Item>} values */
  assume(ids, values) {
    for (const [page, items] of this.#pages) {
      if (!items.some((item) => ids.includes(item.id))) continue;
      this.#pages.set(page, items.map((item) => (ids.includes(item.id) ? /** @type {Item} */ ({ ...item, ...values }) : item)));
    }
    this.dispatchEvent(new Event("change"));
  }

  /** The row of an item wherever it is, by asking; -1 where it is not in the list. @param {string} id */
  async locate(id) {
    const known = this.indexOf(id);
    if (known >= 0) return known;
    const { kind, folderId, sort, dir } = this.of;
    const active = kind === "mails" ? "activeMailId" : "activeConversationId";
    const answer = await api.get(`/${kind}`, { folderId, sort, dir, start: 0, limit: 1, [active]: id });
    return answer.sortInfo.activeRowIndex;
  }
}
