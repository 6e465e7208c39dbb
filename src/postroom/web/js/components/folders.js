/**
 * The folders and labels at the side: links, with live counts of unread mails, that take mails dropped on them.
 * Below a heading each: own folders, those of others, public ones, labels.
 */
import { api } from "../api.js";
import { Component, fill, h } from "../dom.js";
import { readDraggedMails } from "../drag.js";
import { hueOf } from "../format.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";
import { refreshFolders, refreshLabels } from "../mailbox.js";
import { makeHash, navigate } from "../router.js";
import { findFolder, findRole, state } from "../state.js";
import { askForText, askToConfirm } from "./dialog.js";
import { openMenu } from "./menu.js";
import { showError, showToast } from "./toast.js";

/** @typedef {import("../types.js").Folder} Folder @typedef {import("../types.js").Label} Label */

const ROLE_ORDER = ["inbox", "drafts", "sent", "archive", "junk", "trash"];
const CONTAINERS = ["public_container", "shared_namespace", "shared_container"];
const KEY = "postroom.closedFolders";

/** @type {Record<string, import("../icons.js").IconName>} */
const ICONS = { inbox: "inbox", drafts: "drafts", sent: "sent", archive: "archive", junk: "spam", trash: "trash" };

/** Whether it is the account's own folder of mails that wait for their time to be sent; it has no role. @param {Folder} folder */
export function isScheduled(folder) {
  return folder.accessMode === "local" && folder.id.endsWith("_7");
}

/** The folders that hold mails, below each other: `[folder, depth]`. */
export function listMailFolders() {
  const account = state.get("account");
  const byParent = groupByParent();
  /** @type {{folder: Folder, depth: number}[]} */
  const found = [];
  const walk = (/** @type {string} */ parentId, /** @type {number} */ depth) => {
    for (const folder of byParent.get(parentId) ?? []) {
      found.push({ folder, depth });
      walk(folder.id, depth + 1);
    }
  };
  walk(account?.folderContainerId ?? "", 0);
  return found;
}

function groupByParent() {
  /** @type {Map<string, Folder[]>} */
  const byParent = new Map();
  for (const folder of state.get("folders")) {
    if (folder.folderType !== "mails" && !CONTAINERS.includes(folder.folderType)) continue;
    const siblings = byParent.get(folder.parentId) ?? [];
    siblings.push(folder);
    byParent.set(folder.parentId, siblings);
  }
  for (const siblings of byParent.values()) siblings.sort(compareFolders);
  return byParent;
}

/** @param {Folder} one @param {Folder} other */
function compareFolders(one, other) {
  const rank = (/** @type {Folder} */ folder) => {
    if (isContainer(folder)) return ROLE_ORDER.length + 1;
    const at = ROLE_ORDER.indexOf(folder.role);
    return at < 0 || folder.accessMode !== "local" ? ROLE_ORDER.length : at;
  };
  return rank(one) - rank(other) || one.name.localeCompare(other.name);
}

/** @param {Folder} folder */
export function isContainer(folder) {
  return CONTAINERS.includes(folder.folderType);
}

/**
 * Whether mails can be put into a folder. Nothing is put into Scheduled: no time is set for it, so that it would lie
 * there and look like a mail that goes out. @param {Folder} folder
 */
export function takesMails(folder) {
  return !isContainer(folder) && !isScheduled(folder) && folder.permissions.includes("i");
}

class Folders extends Component {
  #shape = "";
  /** @type {Set<string>} */
  #closed = new Set(JSON.parse(localStorage.getItem(KEY) ?? "[]"));

  render() {
    const { signal } = this;
    this.#shape = "";
    state.watch(["folders", "labels", "labelUnread", "route", "account", "settings"], () => this.#update(), signal);
    this.addEventListener("dragover", (event) => this.#drag(event), { signal });
    this.addEventListener("dragleave", (event) => markDrop(event, false), { signal });
    this.addEventListener("drop", (event) => void this.#drop(event), { signal });
    this.addEventListener("click", (event) => this.#close(event), { signal });
    this.#update();
  }

  /** Build what is shown anew where its shape has changed, else only its figures. */
  #update() {
    const shape = JSON.stringify([
      state.get("folders").map(({ id, name, parentId, permissions }) => [id, name, parentId, permissions]),
      state.get("labels"), [...this.#closed], document.documentElement.lang,
    ]);
    if (shape !== this.#shape) {
      this.#shape = shape;
      this.#build();
    }
    this.#updateFigures();
  }

  #build() {
    const focused = /** @type {HTMLElement | null} */ (this.contains(document.activeElement) ? document.activeElement : null);
    const focusedId = focused?.dataset.focusId;
    const byParent = groupByParent();
    const roots = byParent.get(state.get("account")?.folderContainerId ?? "") ?? [];
    const own = roots.filter((folder) => folder.accessMode === "local");
    const sections = [
      h("a", { class: "button primary compose-button", href: makeHash("compose") }, icon("compose"), t("folders.compose")),
      this.#makeSection(t("folders.own"), this.#makeList(own, byParent), { name: t("folders.new"), run: () => void createFolder() }),
    ];
    for (const root of roots.filter(isContainer)) {
      const name = root.folderType === "public_container" ? t("folders.public") : t("folders.shared");
      const children = byParent.get(root.id) ?? [];
      if (children.length) sections.push(this.#makeSection(name, this.#makeList(children, byParent)));
    }
    sections.push(this.#makeSection(t("folders.labels"), this.#makeLabels(), { name: t("labels.new"), run: () => void createLabel() }));
    sections.push(h("div", { class: "quota" }));
    fill(this, sections);
    if (focusedId) /** @type {HTMLElement | null} */ (this.querySelector(`[data-focus-id="${CSS.escape(focusedId)}"]`))?.focus();
  }

  /** @param {string} name @param {Node} list @param {{name: string, run: () => void}} [button] */
  #makeSection(name, list, button) {
    return h("section", { class: "nav-section", "aria-label": name },
      h("div", { class: "nav-heading" }, h("h2", null, name),
        button && h("button", { class: "icon-button small", "aria-label": button.name, title: button.name, onclick: button.run }, icon("plus"))),
      list);
  }

  /** @param {Folder[]} folders @param {Map<string, Folder[]>} byParent @returns {HTMLElement} */
  #makeList(folders, byParent, depth = 0) {
    return h("ul", { class: "tree" }, folders.map((folder) => this.#makeFolder(folder, byParent, depth)));
  }

  /** @param {Folder} folder @param {Map<string, Folder[]>} byParent @param {number} depth */
  #makeFolder(folder, byParent, depth) {
    const children = byParent.get(folder.id) ?? [];
    const isClosed = this.#closed.has(folder.id);
    const link = isContainer(folder)
      ? h("span", { class: "nav-link" }, icon("shared"), h("span", { class: "nav-name" }, folder.name))
      : h("a", { class: "nav-link", href: makeHash("mail", [folder.id]), draggable: "false", dataset: { focusId: folder.id } },
        icon((folder.accessMode === "local" && (ICONS[folder.role] ?? (isScheduled(folder) && "schedule"))) || "folder"),
        h("span", { class: "nav-name", title: folder.name }, folder.name),
        h("span", { class: "count", hidden: true }));
    const more = !isContainer(folder) && h("button", {
      class: "icon-button small nav-more", "aria-haspopup": "menu", "aria-expanded": "false",
      "aria-label": t("folders.menu", { folder: folder.name }), onclick: (/** @type {Event} */ event) => openFolderMenu(/** @type {HTMLElement} */ (event.currentTarget), folder.id),
    }, icon("more"));
    const twisty = children.length > 0 && h("button", {
      class: "twisty", "aria-expanded": String(!isClosed), dataset: { focusId: `twisty-${folder.id}` },
      "aria-label": t(isClosed ? "folders.expand" : "folders.collapse", { folder: folder.name }),
      onclick: () => this.#toggle(folder.id),
    }, icon("chevron"));
    const item = h("div", { class: "nav-item", dataset: { folderId: folder.id }, style: { "--depth": depth } }, twisty, link, more);
    if (!isContainer(folder)) {
      item.addEventListener("contextmenu", (event) => {
        event.preventDefault();
        openFolderMenu({ x: event.clientX, y: event.clientY }, folder.id);
      });
    }
    return h("li", null, item, children.length > 0 && !isClosed && this.#makeList(children, byParent, depth + 1));
  }

  #makeLabels() {
    return h("ul", { class: "tree" }, state.get("labels").map((label) => h("li", null,
      h("div", { class: "nav-item", dataset: { labelId: label.id } },
        h("a", { class: "nav-link", href: makeHash("search", [`label:${quote(label.name)}`]), draggable: "false", dataset: { focusId: label.id } },
          h("span", { class: "dot", style: { "--hue": hueOf(label.name) } }),
          h("span", { class: "nav-name", title: label.name }, label.name),
          h("span", { class: "count", hidden: true })),
        h("button", {
          class: "icon-button small nav-more", "aria-haspopup": "menu", "aria-expanded": "false",
          "aria-label": t("labels.menu", { label: label.name }), onclick: (/** @type {Event} */ event) => openLabelMenu(/** @type {HTMLElement} */ (event.currentTarget), label),
        }, icon("more"))))));
  }

  #updateFigures() {
    const { screen, parts } = state.get("route");
    for (const item of /** @type {NodeListOf<HTMLElement>} */ (this.querySelectorAll(".nav-item"))) {
      const { folderId, labelId } = item.dataset;
      const folder = folderId ? findFolder(folderId) : undefined;
      // What lies in Drafts is work to do, however read it is.
      const count = folder ? (folder.role === "drafts" ? folder.totalItems : folder.unreadItems) : state.get("labelUnread")[labelId ?? ""] ?? 0;
      const badge = /** @type {HTMLElement | null} */ (item.querySelector(".count"));
      if (badge) {
        badge.hidden = count === 0;
        fill(badge, h("span", { "aria-hidden": "true" }, count > 9999 ? "9999+" : count),
          h("span", { class: "visually-hidden" }, folder?.role === "drafts" ? t("list.count", { count }) : t("folders.unread", { count })));
      }
      item.classList.toggle("is-unread", count > 0 && folder?.role !== "drafts");
      const label = state.get("labels").find((one) => one.id === labelId);
      const isCurrent = screen === "mail" ? Boolean(folder) && parts[0] === folderId : screen === "search" && label !== undefined && parts[0] === `label:${quote(label.name)}`;
      const link = item.querySelector("a");
      if (isCurrent) link?.setAttribute("aria-current", "page");
      else link?.removeAttribute("aria-current");
    }
    this.#updateQuota();
  }

  #updateQuota() {
    const account = state.get("account");
    const place = this.querySelector(".quota");
    if (!place || !account) return;
    fill(place, account.totalQuota > 0 && [
      h("progress", { max: account.totalQuota, value: account.usedQuota, "aria-label": t("quota.used", quotaText(account)) }),
      h("span", null, t("quota.used", quotaText(account))),
    ]);
  }

  /** @param {string} id */
  #toggle(id) {
    if (!this.#closed.delete(id)) this.#closed.add(id);
    localStorage.setItem(KEY, JSON.stringify([...this.#closed]));
    this.#update();
  }

  /** On a phone the side goes when a place is chosen, be it the one that is there already. @param {Event} event */
  #close(event) {
    if (/** @type {Element} */ (event.target).closest("a")) document.body.classList.remove("is-nav-open");
  }

  /** @param {DragEvent} event */
  #drag(event) {
    const item = dropTarget(event);
    if (!item || !event.dataTransfer) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = item.dataset.labelId || event.ctrlKey ? "copy" : "move";
    markDrop(event, true);
  }

  /** @param {DragEvent} event */
  async #drop(event) {
    const item = dropTarget(event);
    markDrop(event, false);
    const dragged = item && readDraggedMails(event);
    if (!item || !dragged) return;
    event.preventDefault();
    const { labelId, folderId } = item.dataset;
    const actions = await import("../actions.js");
    const folder = folderId && findFolder(folderId);
    const label = state.get("labels").find((one) => one.id === labelId);
    if (folder) await (event.ctrlKey ? actions.copy(dragged, folder) : actions.move(dragged, folder));
    else if (label) await actions.setLabel(dragged, label, true);
  }
}

/** @param {import("../types.js").AccountInfo} account */
function quotaText(account) {
  const inUnits = (/** @type {number} */ kilobytes) => `${Math.round(kilobytes / 102.4) / 10} MB`;
  return { used: inUnits(account.usedQuota), total: inUnits(account.totalQuota) };
}

/** @param {DragEvent} event @returns {HTMLElement | null} */
function dropTarget(event) {
  if (!event.dataTransfer?.types.includes("application/x-postroom-mails")) return null;
  const item = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest(".nav-item"));
  const folder = item?.dataset.folderId ? findFolder(item.dataset.folderId) : undefined;
  if (folder && !takesMails(folder)) return null;
  return item;
}

/** @param {DragEvent} event @param {boolean} isOver */
function markDrop(event, isOver) {
  const item = /** @type {Element} */ (event.target).closest(".nav-item");
  if (!isOver && item?.contains(/** @type {Node | null} */ (event.relatedTarget))) return;
  item?.classList.toggle("is-drop", isOver);
}

/** @param {string} text */
function quote(text) {
  return /[\s"]/.test(text) ? `"${text.replaceAll('"', "")}"` : text;
}

/** Ask for a name and make a folder. @param {Folder} [parent] */
async function createFolder(parent) {
  const title = parent ? t("folders.newIn", { folder: parent.name }) : t("folders.new");
  const name = await askForText({ title, label: t("folders.name"), confirm: t("action.create") });
  if (!name) return;
  await attempt(async () => {
    await api.post("/folders", parent ? { name, parentId: parent.id } : { name, type: "mails" });
    await refreshFolders();
  });
}

/** @param {() => Promise<void>} call */
async function attempt(call) {
  try {
    await call();
  } catch (error) {
    showError(error);
  }
}

/** @param {HTMLElement | {x: number, y: number}} anchor @param {string} id */
function openFolderMenu(anchor, id) {
  const folder = findFolder(id);
  if (!folder) return;
  const may = (/** @type {string} */ letter) => folder.permissions.includes(letter);
  /** @type {(import("./menu.js").MenuItem | "line")[]} */
  const items = [];
  if (may("k")) items.push({ text: t("folders.newIn", { folder: folder.name }), icon: "plus", run: () => void createFolder(folder) });
  if (may("s")) items.push({ text: t("mail.markRead"), icon: "read", run: () => void markAllRead(folder) });
  if (may("x")) items.push({ text: t("folders.rename"), icon: "compose", run: () => void renameFolder(folder) });
  // What is another's cannot go to Trash.
  if (may("x") && (folder.accessMode === "local" || state.get("settings")?.deleteToTrash === false)) {
    items.push({ text: t("folders.delete"), icon: "trash", isDangerous: true, run: () => void deleteFolder(folder) });
  }
  if (["trash", "junk"].includes(folder.role) && folder.accessMode === "local" && folder.totalItems) {
    items.push("line", { text: t("folders.empty"), icon: "trash", isDangerous: true, run: () => void emptyFolder(folder) });
  }
  if (items.length) openMenu(anchor, items, { label: t("folders.menu", { folder: folder.name }) });
}

/** @param {Folder} folder */
async function renameFolder(folder) {
  const name = await askForText({ title: t("folders.rename"), label: t("folders.name"), value: folder.name, confirm: t("action.rename") });
  if (!name || name === folder.name) return;
  await attempt(async () => {
    await api.patch(`/folders/${folder.id}`, { name });
    await refreshFolders();
  });
}

/** @param {Folder} folder */
async function deleteFolder(folder) {
  if (!await askToConfirm(t("folders.delete"), t("folders.deleteText", { folder: folder.name }), t("action.delete"))) return;
  const { isForGood, showUndo } = await import("../actions.js");
  await attempt(async () => {
    const tell = isForGood(folder.id) ? showToast : showUndo;
    await api.delete(`/folders/${folder.id}`);
    if (state.get("route").parts[0] === folder.id) navigate(makeHash("mail", [findRole("inbox")?.id ?? ""]));
    await refreshFolders();
    tell(t("folders.deleted", { folder: folder.name }));
  });
}

/** @param {Folder} folder */
async function markAllRead(folder) {
  const actions = await import("../actions.js");
  await attempt(async () => {
    const { items, totalItems } = await api.get("/mails", { folderId: folder.id, sort: "date", dir: "DESC", limit: 1 });
    if (totalItems) await actions.setFlags(wholeFolder(folder, items[0].id, totalItems), { isUnread: false });
  });
}

/** @param {Folder} folder */
async function emptyFolder(folder) {
  if (!await askToConfirm(t("folders.empty"), t("folders.emptyText", { folder: folder.name }), t("action.delete"))) return;
  const actions = await import("../actions.js");
  await attempt(async () => {
    const { items, totalItems } = await api.get("/mails", { folderId: folder.id, sort: "date", dir: "DESC", limit: 1 });
    if (totalItems) await actions.deleteForever(wholeFolder(folder, items[0].id, totalItems));
  });
}

/** @param {Folder} folder @param {string} firstId @param {number} count @returns {import("../actions.js").Targets} */
function wholeFolder(folder, firstId, count) {
  return { kind: "mails", folderId: folder.id, count, ids: [], range: { start: firstId, limit: count, field: "date", direction: "DESC" } };
}

/** Ask for a name and make a label; undefined where none was made. @returns {Promise<Label | undefined>} */
export async function createLabel() {
  const name = await askForText({ title: t("labels.new"), label: t("labels.name"), confirm: t("action.create"), maxlength: 128 });
  if (!name) return undefined;
  /** @type {Label | undefined} */
  let label;
  await attempt(async () => {
    label = await api.post("/labels", { name });
    await refreshLabels();
  });
  return label;
}

/** @param {HTMLElement} anchor @param {Label} label */
function openLabelMenu(anchor, label) {
  openMenu(anchor, [
    { text: t("labels.rename"), icon: "compose", run: () => void renameLabel(label) },
    { text: t("labels.delete"), icon: "trash", isDangerous: true, run: () => void deleteLabel(label) },
  ], { label: t("labels.menu", { label: label.name }) });
}

/** @param {Label} label */
async function renameLabel(label) {
  const name = await askForText({ title: t("labels.rename"), label: t("labels.name"), value: label.name, confirm: t("action.rename"), maxlength: 128 });
  if (!name || name === label.name) return;
  await attempt(async () => {
    await api.put(`/labels/${label.id}`, { name });
    await refreshLabels();
  });
}

/** @param {Label} label */
async function deleteLabel(label) {
  if (!await askToConfirm(t("labels.delete"), t("labels.deleteText", { label: label.name }), t("action.delete"))) return;
  await attempt(async () => {
    await api.delete(`/labels/${label.id}`);
    await refreshLabels();
  });
}

customElements.define("pr-folders", Folders);
