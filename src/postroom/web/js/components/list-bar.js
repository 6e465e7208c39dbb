/**
 * The bar above a list: what it is and how long, how it is sorted and seen; and, where something is selected, what can
 * be done with it. Events: `sort` (detail: `{sort, dir}`), `view` (whether as conversations), `refresh`.
 */
import * as actions from "../actions.js";
import { Component, fill, h } from "../dom.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";
import { findFolder, state } from "../state.js";
import { openMenu } from "./menu.js";
import { makeToolbar, openFolderChoice, openLabelChoice, openMailMenu, permissionsOf } from "./mail-menus.js";

/** @typedef {import("./mail-list.js").MailList} MailList */

const SORTS = ["date", "from", "to", "subject", "size", "isUnread", "isFlagged", "importance", "hasAttachments"];
const CONVERSATION_SORTS = SORTS.filter((field) => field !== "size");

export class ListBar extends Component {
  /** @type {MailList | null} */
  list = null;
  /** What of a search was not understood. */
  problem = "";
  #stamp = "";

  render() {
    this.#stamp = "";
    this.update();
  }

  /** Where a menu opens that a key asked for. */
  get anchor() {
    return /** @type {HTMLElement | null} */ (this.querySelector(".list-more"));
  }

  update() {
    const { list } = this;
    if (!list || !this.isConnected) return;
    const { of, total } = list.source;
    const count = list.selectedCount;
    const isSearch = state.get("route").screen === "search";
    const name = isSearch ? t("search.results", { text: state.get("route").parts[0] ?? "" }) : findFolder(of.folderId)?.name ?? "";
    const problem = isSearch ? this.problem : "";
    const stamp = JSON.stringify([of, total, count, name, problem, document.documentElement.lang, state.get("settings")?.conversationView]);
    // Nothing is built anew while a menu hangs on it.
    if (stamp === this.#stamp || this.querySelector("[aria-expanded=true]")) return;
    this.#stamp = stamp;
    const focused = /** @type {HTMLElement | null} */ (this.contains(document.activeElement) ? document.activeElement : null)?.dataset.name;
    fill(this,
      h("div", { class: "list-bar" }, this.#makeSelectAll(count, total),
        count ? [h("h1", { class: "visually-hidden" }, name), this.#makeActions(count)].flat() : [
          h("div", { class: "list-title" }, h("h1", null, name),
            h("span", { class: "hint", role: "status" }, total < 0 ? "" : t(of.kind === "mails" ? "list.count" : "list.countConversations", { count: total }))),
          this.#makeButtons(isSearch),
        ]),
      problem && h("p", { class: "list-problem", role: "status" }, t("search.unknown", { text: problem })));
    if (focused) /** @type {HTMLElement | null} */ (this.querySelector(`[data-name="${focused}"]`))?.focus();
  }

  /** @param {number} count @param {number} total */
  #makeSelectAll(count, total) {
    const isAll = count > 0 && count === total;
    return h("label", { class: "select-all", title: t(count ? "list.selectNone" : "list.selectAll") },
      h("input", {
        type: "checkbox", "aria-label": t(count ? "list.selectNone" : "list.selectAll"), ".checked": isAll, ".indeterminate": count > 0 && !isAll, dataset: { name: "all" },
        disabled: total <= 0, onchange: () => (count ? this.list?.clearSelection() : this.list?.selectAll()),
      }));
  }

  /** @param {boolean} isSearch */
  #makeButtons(isSearch) {
    const canConverse = !isSearch && state.get("account")?.allowConversationView;
    const sort = h("button", { class: "icon-button list-more", "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": t("list.sort"), title: t("list.sort"), dataset: { name: "sort" }, onclick: () => this.#openSort(sort, isSearch) }, icon("sort"));
    const isConversations = state.get("settings")?.conversationView ?? false;
    return h("div", { class: "toolbar" }, sort,
      canConverse && h("button", {
        class: "icon-button", "aria-pressed": String(isConversations), "aria-label": t("list.asConversations"), title: t(isConversations ? "list.asMails" : "list.asConversations"), dataset: { name: "view" },
        onclick: () => this.dispatchEvent(new CustomEvent("view", { detail: !isConversations })),
      }, icon("conversation")));
  }

  /** @param {HTMLElement} anchor @param {boolean} isSearch */
  #openSort(anchor, isSearch) {
    const of = this.list?.source.of;
    if (!of) return;
    const fields = of.kind === "conversations" ? CONVERSATION_SORTS : isSearch ? [...SORTS, "folderName"] : SORTS;
    const tell = (/** @type {object} */ how) => this.dispatchEvent(new CustomEvent("sort", { detail: { sort: of.sort, dir: of.dir, ...how } }));
    openMenu(anchor, [
      ...fields.map((field) => ({ text: t(/** @type {import("../i18n.js").MessageName} */ (`sort.${field}`)), isRadio: true, isChecked: of.sort === field, run: () => tell({ sort: field }) })),
      "line",
      { text: t("sort.ascending"), isRadio: true, isChecked: of.dir === "ASC", run: () => tell({ dir: "ASC" }) },
      { text: t("sort.descending"), isRadio: true, isChecked: of.dir === "DESC", run: () => tell({ dir: "DESC" }) },
    ], { label: t("list.sort") });
  }

  /** @param {number} count */
  #makeActions(count) {
    const { list } = this;
    const targets = list?.targets();
    const { canRemove, canFile, canMark, canLabel } = permissionsOf(targets ?? { folderId: "" });
    /** @param {string} text @param {import("../icons.js").IconName} name @param {(targets: actions.Targets, anchor: HTMLElement) => void} run @param {boolean} [opensMenu] */
    const button = (text, name, run, opensMenu = false) => h("button", {
      class: `icon-button${name === "more" ? " list-more" : ""}`, "aria-label": text, title: text, dataset: { name }, "aria-haspopup": opensMenu ? "menu" : null, "aria-expanded": opensMenu ? "false" : null,
      onclick: (/** @type {Event} */ event) => {
        const present = list?.targets();
        if (!present) return;
        if (!opensMenu) list?.clearSelection();
        run(present, /** @type {HTMLElement} */ (event.currentTarget));
      },
    }, icon(name));
    const isUnread = targets?.items?.some((item) => item.isUnread) ?? true;
    return [
      h("span", { class: "list-selected", role: "status" }, t("list.selected", { count })),
      makeToolbar(t("mail.actions"),
        canFile && button(t("mail.archive"), "archive", (chosen) => void actions.archive(chosen)),
        canRemove && button(t("mail.delete"), "trash", (chosen) => void actions.remove(chosen)),
        canMark && button(t(isUnread ? "mail.markRead" : "mail.markUnread"), isUnread ? "read" : "unread", (chosen) => void actions.setFlags(chosen, { isUnread: !isUnread })),
        canRemove && button(t("mail.move"), "move", (chosen, anchor) => openFolderChoice(anchor, chosen, "move"), true),
        canLabel && button(t("mail.labels"), "label", (chosen, anchor) => openLabelChoice(anchor, chosen), true),
        button(t("action.more"), "more", (chosen, anchor) => openMailMenu(anchor, chosen), true)),
    ];
  }
}

customElements.define("pr-list-bar", ListBar);
