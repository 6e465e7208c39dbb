/**
 * The mail screens: a list and what is open of it, by the route. It brings together the list (mail-list.js), the
 * reader (reader.js), what is done with mails (actions.js) and the keys.
 */
import { api, ApiError } from "../api.js";
import * as actions from "../actions.js";
import { Component, debounce, fill, h } from "../dom.js";
import { onLive } from "../events.js";
import { t } from "../i18n.js";
import { registerKeys } from "../keys.js";
import { ListSource } from "../list-source.js";
import { whenReleased } from "../press.js";
import { makeHash, navigate } from "../router.js";
import { parseSearch } from "../search-language.js";
import { findFolder, findRole, state } from "../state.js";
import { showKeys } from "./keys-help.js";
import { ListBar } from "./list-bar.js";
import { MailList } from "./mail-list.js";
import { openFolderChoice, openLabelChoice } from "./mail-menus.js";
import { isConversation } from "./mail-row.js";
import { Reader } from "./reader.js";
import { showError } from "./toast.js";

/**
 * @typedef {import("../list-source.js").Item} Item
 * @typedef {import("../list-source.js").ListOf} ListOf
 * @typedef {import("../actions.js").Targets} Targets
 */

const SORTS_KEY = "postroom.sorts";
const PLAIN_ROLES = ["trash", "junk"];

export class MailScreens extends Component {
  #list = /** @type {MailList} */ (document.createElement("pr-mail-list"));
  #bar = /** @type {ListBar} */ (document.createElement("pr-list-bar"));
  #reader = /** @type {Reader} */ (document.createElement("pr-reader"));
  #source = this.#list.source;
  /** What the list was made for: folder or search. */
  #place = "";
  /** Id of the folder in the list; of a search its temporary one. */
  #folderId = "";
  /** Row of what was open when it went away; the one that comes there is opened next. */
  #leaving = -1;
  #search = 0;
  /** @type {Record<string, {sort: string, dir: "ASC" | "DESC"}>} */
  #sorts = JSON.parse(localStorage.getItem(SORTS_KEY) ?? "{}");

  render() {
    const { signal } = this;
    fill(this,
      h("section", { class: "list-pane", "aria-label": t("list.mails") }, this.#bar, this.#list),
      this.#reader);
    this.#reader.classList.add("read-pane");
    this.#listenToParts(signal);
    const soon = debounce(() => void this.#refresh(), 200);
    onLive("mails", ({ folderId, syncToken }) => {
      if (folderId === this.#source.of.folderId && syncToken !== this.#source.syncToken) soon();
      else if (this.#isSearch) soon();
    }, signal);
    onLive("refresh", soon, signal);
    // What came in between a list that was fetched before and the first that is told.
    onLive("open", soon, signal);
    document.addEventListener("searched", () => this.takeFocus(), { signal });
    actions.changes.addEventListener("done", () => void this.#refresh(), { signal });
    state.watch(["route"], () => void this.#follow(), signal);
    state.watch(["settings"], () => {
      this.#place = "";
      void this.#follow();
    }, signal);
    state.watch(["labels"], () => this.#list.redraw(), signal);
    state.watch(["folders"], () => {
      whenReleased(this.#updateBar);
      // Nobody is told of mails in a folder that is gone or shared no more: the answer to the list says so.
      if (state.get("folders").length && !this.#isSearch && this.#folderId && !findFolder(this.#folderId)) soon();
    }, signal);
    registerKeys(this.#keys(), signal);
    void this.#follow();
  }

  /** @param {AbortSignal} signal */
  #listenToParts(signal) {
    const list = this.#list;
    list.addEventListener("open-row", (event) => this.#open(/** @type {CustomEvent<Item>} */ (event).detail), { signal });
    list.addEventListener("toggle-flag", (event) => {
      const item = /** @type {CustomEvent<Item>} */ (event).detail;
      this.#act({ ...this.#targetsOf(item) }, { isFlagged: !item.isFlagged });
    }, { signal });
    list.addEventListener("selection", () => this.#bar.update(), { signal });
    this.#bar.list = list;
    this.#bar.addEventListener("sort", (event) => this.#sort(/** @type {CustomEvent} */ (event).detail), { signal });
    this.#bar.addEventListener("view", (event) => void this.#changeView(/** @type {CustomEvent} */ (event).detail), { signal });
    this.#bar.addEventListener("refresh", () => void this.#refresh(), { signal });
    this.#reader.addEventListener("leave", () => this.#leave(), { signal });
    this.#reader.addEventListener("gone", () => this.#openNext(), { signal });
    this.#reader.addEventListener("mark-unread", () => void this.#markUnread(), { signal });
    this.#reader.addEventListener("read", (event) => this.#source.assume([/** @type {CustomEvent<string>} */ (event).detail], { isUnread: false }), { signal });
  }

  get #isSearch() {
    return state.get("route").screen === "search";
  }

  /** @param {Item} item @returns {Targets} */
  #targetsOf(item) {
    return { kind: this.#source.of.kind, folderId: this.#source.of.folderId, count: 1, ids: [item.id], items: [item] };
  }

  /** Set flags, and show it at once. @param {Targets} targets @param {{isUnread?: boolean, isFlagged?: boolean}} flags */
  #act(targets, flags) {
    this.#source.assume(targets.ids, flags);
    void actions.setFlags(targets, flags);
  }

  // What the route says

  async #follow() {
    const route = state.get("route");
    if (route.screen !== "mail" && route.screen !== "search") return;
    const [first = "", openId = ""] = route.parts;
    if (route.screen === "mail" && !findFolder(first)) {
      const inbox = findRole("inbox");
      if (inbox) navigate(makeHash("mail", [inbox.id]), { replace: true });
      return;
    }
    this.classList.toggle("is-reading", openId !== "");
    const place = `${route.screen} ${first}`;
    if (place !== this.#place) {
      this.#place = place;
      if (route.screen === "mail") this.#showFolder(first);
      else if (!(await this.#showSearch(first))) return;
    }
    this.#list.openId = openId;
    this.#list.redraw();
    if (openId) void this.#placeCursor(openId);
    await this.#reader.show(openId, this.#folderId);
  }

  /** @param {string} folderId */
  #showFolder(folderId) {
    this.#search += 1;
    this.#folderId = folderId;
    const kind = this.#kindOf(folderId);
    this.#showList({ kind, folderId, ...this.#sortOf(kind) }, t("list.empty"));
  }

  /** @param {string} folderId @returns {"mails" | "conversations"} */
  #kindOf(folderId) {
    const settings = state.get("settings");
    const folder = findFolder(folderId);
    const isPlain = folder?.role === "drafts" || PLAIN_ROLES.some((role) => actions.isWithin(folderId, role));
    return settings?.conversationView && state.get("account")?.allowConversationView && !isPlain ? "conversations" : "mails";
  }

  /** @param {string} kind @returns {{sort: string, dir: "ASC" | "DESC"}} */
  #sortOf(kind) {
    return this.#sorts[kind] ?? { sort: "date", dir: "DESC" };
  }

  #updateBar = () => this.#bar.update();

  /** @param {ListOf} of @param {string} emptyText */
  #showList(of, emptyText) {
    this.#source = new ListSource(of);
    this.#source.addEventListener("change", () => whenReleased(this.#updateBar));
    this.#source.addEventListener("gone", () => this.#gone());
    this.#leaving = -1;
    this.#list.show(this.#source, emptyText);
    this.#bar.update();
  }

  /** Search, and show what was found; false where another search came in between. @param {string} text */
  async #showSearch(text) {
    const number = ++this.#search;
    const findLabel = (/** @type {string} */ name) => state.get("labels").find((one) => one.name.toLowerCase() === name.toLowerCase())?.id;
    const { query, folderName, unknown } = parseSearch(text, findLabel);
    const account = state.get("account");
    const folder = folderName && state.get("folders").find((one) => one.folderType === "mails" && one.name.toLowerCase() === folderName.toLowerCase());
    this.#bar.problem = [...unknown, ...(folderName && !folder ? [`in:${folderName}`] : [])].join(" ");
    try {
      const found = await api.post("/mails/search", {
        folderIds: [folder ? folder.id : account?.folderContainerId], recursive: true, query: query.map(({ negate, ...one }) => (negate ? { ...one, negate } : one)),
      });
      if (number !== this.#search) return false;
      this.#folderId = found.folderId;
      this.#showList({ kind: "mails", folderId: found.folderId, ...(this.#sorts.search ?? { sort: "date", dir: "DESC" }) }, t("list.emptySearch"));
      this.#list.takeFocus();
      return true;
    } catch (error) {
      if (number === this.#search) showError(error);
      return false;
    }
  }

  /** The folder of the list is gone; a search's is made anew. */
  #gone() {
    if (this.#isSearch) {
      this.#place = "";
      void this.#follow();
    } else {
      navigate(makeHash("mail"), { replace: true });
    }
  }

  /** @param {string} id */
  async #placeCursor(id) {
    try {
      const index = await this.#source.locate(id);
      if (index < 0 || this.#list.openId !== id) return;
      this.#list.cursor = index;
      this.#list.reveal(index);
      this.#list.redraw();
    } catch {
      // The list shows what is wrong.
    }
  }

  // Opening and leaving

  /** @param {Item} item */
  #open(item) {
    if (!isConversation(item) && item.isDraft && findFolder(item.originalFolderId)?.role === "drafts") {
      navigate(makeHash("compose", [], { draft: item.originalMailId || item.id }));
      return;
    }
    const { screen, parts } = state.get("route");
    navigate(makeHash(screen, [parts[0], item.id]));
  }

  #leave() {
    const { screen, parts } = state.get("route");
    navigate(makeHash(screen, [parts[0]]));
    if (this.#list.cursor >= 0) this.#list.moveTo(this.#list.cursor);
  }

  /** What was open is gone: open what is at its place now; on a phone go back to the list. */
  #openNext() {
    const index = this.#leaving >= 0 ? this.#leaving : this.#list.cursor;
    this.#leaving = -1;
    const item = this.#source.itemAt(Math.min(index, this.#source.total - 1));
    const isPhone = matchMedia("(max-width: 760px)").matches;
    const { screen, parts } = state.get("route");
    if (!item || isPhone || item.id === this.#list.openId || item.isUnread === undefined) {
      navigate(makeHash(screen, [parts[0]]), { replace: true });
      return;
    }
    navigate(makeHash(screen, [parts[0], item.id]), { replace: true });
  }

  async #markUnread() {
    const targets = this.#reader.targets();
    this.#leave();
    await actions.setFlags(targets, { isUnread: true });
  }

  async #refresh() {
    if (!this.#place) return;
    const openId = this.#list.openId;
    const before = openId ? this.#source.indexOf(openId) : -1;
    const source = this.#source;
    await source.refresh();
    if (source !== this.#source) return;
    // What is open may have left this folder while it is still somewhere else.
    if (openId && openId === this.#list.openId && before >= 0 && source.indexOf(openId) < 0) {
      try {
        if ((await source.locate(openId)) < 0) {
          this.#leaving = before;
          this.#openNext();
        }
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
      }
    }
    this.#bar.update();
  }

  // Sorting and viewing

  /** @param {{sort: string, dir: "ASC" | "DESC"}} how */
  #sort(how) {
    this.#sorts[this.#isSearch ? "search" : this.#source.of.kind] = how;
    localStorage.setItem(SORTS_KEY, JSON.stringify(this.#sorts));
    const openId = this.#list.openId;
    this.#showList({ ...this.#source.of, ...how }, this.#list.emptyText);
    this.#list.openId = openId;
    if (openId) void this.#placeCursor(openId);
  }

  /** @param {boolean} isConversations */
  async #changeView(isConversations) {
    try {
      await api.patch("/account/settings", { conversationView: isConversations });
      const settings = state.get("settings");
      const { screen, parts } = state.get("route");
      navigate(makeHash(screen, [parts[0]]), { replace: true });
      if (settings) state.set("settings", { ...settings, conversationView: isConversations });
    } catch (error) {
      showError(error);
    }
  }

  // Keys

  /** What a key acts on: what is selected, else what is open, else the row with the focus. */
  #targets() {
    if (this.#list.selectedCount === 0 && this.#reader.openId) return this.#reader.targets();
    return this.#list.targets();
  }

  /** @param {(targets: Targets) => void} run */
  #with(run) {
    return () => {
      if (this.hidden) return;
      const targets = this.#targets();
      if (!targets) return;
      if (this.#list.selectedCount) this.#list.clearSelection();
      run(targets);
    };
  }

  /** @param {number} step */
  #move(step) {
    if (this.hidden) return;
    this.#list.moveTo(this.#list.cursor + step);
    const item = this.#source.itemAt(this.#list.cursor);
    if (item && this.#list.openId) this.#open(item);
  }

  /** @param {string} role */
  #goTo(role) {
    return () => {
      const folder = findRole(role);
      if (folder) navigate(makeHash("mail", [folder.id]));
    };
  }

  #openCursor() {
    const item = this.#source.itemAt(Math.max(0, this.#list.cursor));
    if (item && !this.hidden) this.#open(item);
  }

  /** Take the focus where nothing has it. */
  takeFocus() {
    this.#list.takeFocus();
  }

  /** Where a menu opens that a key asked for. */
  #anchor() {
    return this.#bar.anchor ?? { x: innerWidth / 3, y: innerHeight / 3 };
  }

  /** @returns {import("../keys.js").Binding[]} */
  #keys() {
    const mark = (/** @type {boolean} */ isUnread) => this.#with((targets) => this.#act(targets, { isUnread }));
    const answer = (/** @type {Record<string, string>} */ more) => () => { if (!this.hidden) this.#reader.answer(more); };
    return [
      { key: "j", name: "keys.next", run: () => this.#move(1) },
      { key: "k", name: "keys.previous", run: () => this.#move(-1) },
      { key: "o", name: "keys.open", run: () => this.#openCursor() },
      { key: "n", name: "keys.nextInConversation", run: () => this.#reader.step(1) },
      { key: "p", name: "keys.previousInConversation", run: () => this.#reader.step(-1) },
      { key: "u", name: "keys.list", run: () => this.#leave() },
      { key: "x", name: "keys.select", run: () => this.#list.toggle(Math.max(0, this.#list.cursor)) },
      { key: "e", name: "mail.archive", run: this.#with((targets) => void actions.archive(targets)) },
      { key: "#", name: "mail.delete", run: this.#with((targets) => void actions.remove(targets)) },
      { key: "!", name: "mail.spam", run: this.#with((targets) => void actions.markSpam(targets)) },
      { key: "s", name: "mail.flag", run: this.#with((targets) => this.#act(targets, { isFlagged: !targets.items?.every((item) => item.isFlagged) })) },
      { key: "I", name: "mail.markRead", run: mark(false) },
      { key: "U", name: "mail.markUnread", run: () => (this.#list.selectedCount === 0 && this.#reader.openId ? void this.#markUnread() : mark(true)()) },
      { key: "v", name: "mail.move", run: this.#with((targets) => openFolderChoice(this.#anchor(), targets, "move")) },
      { key: "l", name: "mail.labels", run: this.#with((targets) => openLabelChoice(this.#anchor(), targets)) },
      { key: "r", name: "mail.reply", run: answer({}) },
      { key: "a", name: "mail.replyAll", run: answer({ all: "1" }) },
      { key: "f", name: "mail.forward", run: () => { if (!this.hidden) this.#reader.forward(); } },
      { key: "c", name: "keys.compose", run: () => navigate(makeHash("compose")) },
      { key: "z", name: "keys.undo", run: () => void actions.undo() },
      { key: "Escape", name: "list.selectNone", run: () => this.#list.clearSelection() },
      { key: "g i", name: "keys.inbox", run: this.#goTo("inbox") },
      { key: "g s", name: "keys.sent", run: this.#goTo("sent") },
      { key: "g d", name: "keys.drafts", run: this.#goTo("drafts") },
      { key: "?", name: "keys.help", run: () => void showKeys() },
    ];
  }
}

customElements.define("pr-mail", MailScreens);
