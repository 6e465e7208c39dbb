/**
 * What is open: one mail, or the mails of a conversation below each other, oldest first, of which those that were
 * read are folded up but for the last. Reading marks as read.
 */
import { api, ApiError } from "../api.js";
import * as actions from "../actions.js";
import { Component, debounce, fill, h, inTurn } from "../dom.js";
import { onLive } from "../events.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";
import { released, whenReleased } from "../press.js";
import { makeHash, navigate } from "../router.js";
import { findFolder, state } from "../state.js";
import { openFolderChoice, openLabelChoice, openMailMenu, permissionsOf, makeToolbar } from "./mail-menus.js";
import { labelChips } from "./mail-row.js";
import { MailView } from "./mail-view.js";
import { describeError } from "./toast.js";

/**
 * @typedef {import("../types.js").Mail} Mail
 * @typedef {import("../types.js").Conversation} Conversation
 * @typedef {import("../actions.js").Targets} Targets
 */

/** Mails of a conversation that are fetched at once; older ones are when they are asked for. */
const PAGE = 200;

/** Whether an id is that of a conversation. @param {string} id */
function isConversationId(id) {
  try {
    return atob(id.replaceAll("-", "+").replaceAll("_", "/")).includes("_c_");
  } catch {
    return false;
  }
}

export class Reader extends Component {
  #id = "";
  #folderId = "";
  /** How many mails of the conversation are older than those that are shown; not known before they are fetched. */
  #older = -1;
  /** What is open could not be fetched. */
  #hasFailed = false;
  /** @type {Mail[]} */
  #mails = [];
  #head = h("div");
  #body = h("div");
  #request = new AbortController();

  render() {
    const { signal } = this;
    this.setAttribute("role", "region");
    this.setAttribute("aria-label", t("read.region"));
    const soon = debounce(() => void this.#refresh(), 250);
    onLive("mails", ({ folderId }) => {
      if (!this.#id || (folderId !== this.#folderId && !this.#mails.some((mail) => mail.folderId === folderId || mail.originalFolderId === folderId))) return;
      soon();
    }, signal);
    actions.changes.addEventListener("done", soon, { signal });
    onLive("refresh", () => (this.#hasFailed ? this.#retry() : soon()), signal);
    const drawHead = () => { if (this.#id) this.#drawHead(); };
    state.watch(["labels"], () => whenReleased(drawHead), signal);
    this.#clear();
  }

  get openId() {
    return this.#id;
  }

  #clear() {
    this.#id = "";
    this.#mails = [];
    fill(this, h("div", { class: "read-empty" }, icon("inbox"), h("p", null, t("read.none"))));
  }

  /** Show a mail or a conversation; nothing where the id is "". @param {string} id @param {string} folderId */
  async show(id, folderId) {
    if (id === this.#id && folderId === this.#folderId && !this.#hasFailed) return;
    this.#hasFailed = false;
    this.#request.abort();
    this.#request = new AbortController();
    if (!id) {
      this.#clear();
      return;
    }
    this.#id = id;
    this.#folderId = folderId;
    this.#older = -1;
    const { signal } = this.#request;
    try {
      const mails = await this.#fetch(signal);
      if (id !== this.#id) return;
      this.#mails = mails;
      this.#build();
      this.scrollTop = 0;
      // In a long conversation what is new may be far below.
      const views = this.#views();
      const open = views.find((view) => view.isOpen);
      if (open !== views[0]) open?.scrollIntoView({ block: "nearest" });
      await this.#markRead(mails);
    } catch (error) {
      if (signal.aborted) return;
      this.#clear();
      this.#id = id;
      this.#hasFailed = true;
      const isGone = error instanceof ApiError && [400, 404].includes(error.status);
      fill(this, h("div", { class: "read-empty" }, h("div", { role: "alert" }, h("h1", null, describeError(error))),
        !isGone && h("button", { class: "button primary", onclick: () => this.#retry() }, t("action.retry")),
        h("button", { class: "button", onclick: () => this.dispatchEvent(new Event("leave")) }, t("read.back"))));
    }
  }

  #retry() {
    void this.show(this.#id, this.#folderId);
  }

  /** @param {AbortSignal} signal @returns {Promise<Mail[]>} */
  async #fetch(signal) {
    const id = encodeURIComponent(this.#id);
    if (!isConversationId(this.#id)) return [await api.get(`/mails/${id}`, {}, signal)];
    const get = (/** @type {number} */ start) => api.get(`/conversations/${id}`, { start, limit: PAGE }, signal);
    let older = this.#older;
    let page = await get(Math.max(0, older));
    if (older < 0) {
      older = Math.max(0, page.totalItems - PAGE);
      this.#older = older;
      if (older) page = await get(older);
    }
    const items = [...page.items];
    while (page.items.length && older + items.length < page.totalItems) {
      page = await get(older + items.length);
      items.push(...page.items);
    }
    if (!items.length) throw new ApiError(404, "notFound", "empty");
    return items;
  }

  async #showOlder() {
    const [first] = this.#views();
    this.#older = Math.max(0, this.#older - PAGE);
    await this.#refresh();
    first?.scrollIntoView({ block: "start" });
    /** @type {HTMLElement | null} */ (first?.querySelector(".mail-toggle"))?.focus({ preventScroll: true });
  }

  /** @param {Mail[]} mails */
  async #markRead(mails) {
    if (!mails.some((mail) => mail.isUnread) || !permissionsOf(this.targets()).canMark) return;
    this.dispatchEvent(new CustomEvent("read", { detail: this.#id }));
    const path = isConversationId(this.#id) ? "conversations" : "mails";
    await api.patch(`/${path}/${encodeURIComponent(this.#id)}`, { isUnread: false }).catch(() => undefined);
  }

  /** What is open, as something that can be acted upon. @returns {Targets} */
  targets() {
    const kind = isConversationId(this.#id) ? "conversations" : "mails";
    const labelIds = [...new Set(this.#mails.flatMap((mail) => mail.labelIds))];
    const item = kind === "mails" ? this.#mails[0] : /** @type {Conversation} */ (/** @type {unknown} */ ({
      id: this.#id, labelIds, isFlagged: this.#mails.some((mail) => mail.isFlagged), isUnread: this.#mails.some((mail) => mail.isUnread),
      mails: this.#mails.map((mail) => ({ mailId: mail.id, folderId: mail.folderId })),
    }));
    return { kind, folderId: this.#folderId, count: 1, ids: [this.#id], items: item ? [item] : undefined };
  }

  /** The mail that an answer is for: the last that is open and no draft. @returns {Mail | undefined} */
  get answered() {
    const shown = this.#mails.filter((mail) => !mail.isDraft);
    return shown.at(-1);
  }

  #build() {
    this.#head = h("div", { class: "read-head" });
    const last = this.#mails.length - 1;
    const views = this.#mails.map((mail, at) => this.#makeView(mail, mail.isUnread || at === last, last === 0));
    this.#body = h("div", { class: "read-mails" }, views);
    fill(this, this.#head, this.#body, this.#makeAnswers());
    this.#drawHead();
  }

  /** @param {Mail} mail @param {boolean} isOpen @param {boolean} isAlone */
  #makeView(mail, isOpen, isAlone) {
    const view = /** @type {MailView} */ (document.createElement("pr-mail-view"));
    view.mail = mail;
    view.isOpen = isOpen;
    view.isAlone = isAlone;
    return view;
  }

  #makeAnswers() {
    const answer = (/** @type {Record<string, string>} */ more) => () => this.answer(more);
    return h("div", { class: "read-answers" },
      h("button", { class: "button", onclick: answer({}) }, icon("reply"), t("mail.reply")),
      h("button", { class: "button", onclick: answer({ all: "1" }) }, icon("replyAll"), t("mail.replyAll")),
      h("button", { class: "button", onclick: () => this.forward() }, icon("forward"), t("mail.forward")));
  }

  /** Write an answer. @param {Record<string, string>} more */
  answer(more) {
    const mail = this.answered;
    if (mail) navigate(makeHash("compose", [], { re: mail.originalMailId || mail.id, ...more }));
  }

  forward() {
    const mail = this.answered;
    if (mail) navigate(makeHash("compose", [], { fw: mail.originalMailId || mail.id }));
  }

  #drawHead() {
    const targets = this.targets();
    const subject = this.#mails[0]?.subject || t("list.noSubject");
    const labelIds = [...new Set(this.#mails.flatMap((mail) => mail.labelIds))];
    const { canRemove, canFile, canMark, canLabel } = permissionsOf(targets);
    const button = (/** @type {string} */ text, /** @type {import("../icons.js").IconName} */ name, /** @type {(event: Event) => void} */ run, opensMenu = false) =>
      h("button", { class: "icon-button", "aria-label": text, title: text, onclick: run, "aria-haspopup": opensMenu ? "menu" : null, "aria-expanded": opensMenu ? "false" : null }, icon(name));
    const anchor = (/** @type {Event} */ event) => /** @type {HTMLElement} */ (event.currentTarget);
    const isJunk = actions.isWithin(this.#folderId, "junk");
    fill(this.#head,
      makeToolbar(t("mail.actions"),
        h("button", { class: "icon-button back-button", "aria-label": t("read.back"), title: t("read.back"), onclick: () => this.dispatchEvent(new Event("leave")) }, icon("back")),
        canFile && button(t("mail.archive"), "archive", () => void actions.archive(this.targets())),
        canFile && (isJunk ? button(t("mail.notSpam"), "inbox", () => void actions.markNotSpam(this.targets())) : button(t("mail.spam"), "spam", () => void actions.markSpam(this.targets()))),
        canRemove && button(t("mail.delete"), "trash", () => void actions.remove(this.targets())),
        canMark && button(t("mail.markUnread"), "unread", () => this.dispatchEvent(new Event("mark-unread"))),
        canRemove && button(t("mail.move"), "move", (event) => openFolderChoice(anchor(event), this.targets(), "move"), true),
        canLabel && button(t("mail.labels"), "label", (event) => openLabelChoice(anchor(event), this.targets()), true),
        button(t("action.more"), "more", (event) => openMailMenu(anchor(event), this.targets()), true)),
      h("div", { class: "read-title" }, h("h1", null, subject), labelChips(labelIds), this.#placeChip(),
        this.#mails.length > 1 && h("button", { class: "button text", onclick: () => this.#openAll() }, t("read.expandAll"))),
      this.#older > 0 && h("button", { class: "button text wide", onclick: () => void this.#showOlder() }, t("read.older", { count: this.#older })));
  }

  #placeChip() {
    const mail = this.#mails[0];
    const folder = mail && this.#mails.length === 1 ? findFolder(mail.originalFolderId) : undefined;
    return folder && mail.originalFolderId !== this.#folderId ? h("a", { class: "chip plain", href: makeHash("mail", [folder.id]) }, folder.name) : null;
  }

  #views() {
    return /** @type {MailView[]} */ ([...this.#body.children]);
  }

  #openAll() {
    for (const view of this.#views()) view.toggle(true);
  }

  /** Go to the next or the previous mail of a conversation. @param {number} step */
  step(step) {
    const views = this.#views();
    const at = views.findIndex((view) => view.contains(document.activeElement));
    const view = views[Math.max(0, Math.min(views.length - 1, at < 0 ? (step > 0 ? 0 : views.length - 1) : at + step))];
    if (!view) return;
    view.toggle(true);
    view.scrollIntoView({ block: "start" });
    /** @type {HTMLElement | null} */ (view.querySelector(".mail-toggle"))?.focus({ preventScroll: true });
  }

  /** Fetch what is open anew. */
  #refresh = inTurn((signal) => this.#fetchAnew(signal));

  /** @param {AbortSignal} signal */
  async #fetchAnew(signal) {
    if (!this.#id || !this.#mails.length) return;
    const id = this.#id;
    const request = this.#request.signal;
    try {
      const mails = await this.#fetch(AbortSignal.any([request, signal]));
      await released();
      if (!request.aborted) this.#merge(mails);
    } catch (error) {
      if (id === this.#id && error instanceof ApiError && error.status === 404) this.dispatchEvent(new CustomEvent("gone", { detail: id }));
    }
  }

  /** Take over mails that came, went or changed, and leave all others as they are. @param {Mail[]} mails */
  #merge(mails) {
    const known = new Map(this.#views().map((view) => [view.mail.id, view]));
    const hasNew = mails.some((mail) => !known.has(mail.id));
    const wasAlone = this.#mails.length === 1;
    this.#mails = mails;
    if (wasAlone !== (mails.length === 1)) {
      this.#build();
    } else {
      const wanted = mails.map((mail) => {
        const view = known.get(mail.id);
        view?.replace(mail);
        return view ?? this.#makeView(mail, mail.isUnread || known.has(mails[0].id), mails.length === 1);
      });
      for (const view of this.#views()) if (!wanted.includes(view)) view.remove();
      wanted.forEach((view, at) => {
        if (this.#body.children[at] !== view) this.#body.insertBefore(view, this.#body.children[at] ?? null);
      });
      this.#drawHeadKeepingFocus();
    }
    if (hasNew && document.visibilityState === "visible") void this.#markRead(mails);
  }

  #drawHeadKeepingFocus() {
    const at = [...this.#head.querySelectorAll("button")].indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    // A menu that is open hangs on one of the buttons.
    if (this.#head.querySelector("[aria-expanded=true]")) return;
    this.#drawHead();
    if (at >= 0) this.#head.querySelectorAll("button")[at]?.focus();
  }
}

customElements.define("pr-reader", Reader);
