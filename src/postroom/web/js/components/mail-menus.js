/** Menus of what can be done with mails: where to, which labels, and all the rest. */
import { h } from "../dom.js";
import { t } from "../i18n.js";
import { findFolder, state } from "../state.js";
import * as actions from "../actions.js";
import { createLabel, isContainer, isScheduled, listMailFolders, takesMails } from "./folders.js";
import { openMenu } from "./menu.js";

/**
 * @typedef {import("../actions.js").Targets} Targets
 * @typedef {import("./menu.js").MenuItem} MenuItem
 * @typedef {Element | {x: number, y: number}} Anchor
 */

/** Choose a folder to move or copy to. @param {Anchor} anchor @param {Targets} targets @param {"move" | "copy"} what */
export function openFolderChoice(anchor, targets, what) {
  const items = listMailFolders()
    .filter(({ folder }) => !isScheduled(folder) && (!isContainer(folder) || folder.folderType === "shared_container"))
    .map(({ folder, depth }) => ({
      text: folder.name, icon: /** @type {import("../icons.js").IconName} */ ("folder"), depth,
      isDisabled: !takesMails(folder) || (what === "move" && folder.id === targets.folderId),
      run: () => void (what === "move" ? actions.move(targets, folder) : actions.copy(targets, folder)),
    }));
  openMenu(anchor, items, { label: t(what === "move" ? "mail.move" : "mail.copy") });
}

/** Switch labels on and off. @param {Anchor} anchor @param {Targets} targets */
export function openLabelChoice(anchor, targets) {
  const isOn = (/** @type {string} */ id) => Boolean(targets.items?.length && targets.items.every((item) => item.labelIds.includes(id)));
  openMenu(anchor, [
    ...state.get("labels").map((label) => ({
      text: label.name, isChecked: isOn(label.id), run: () => void actions.setLabel(targets, label, !isOn(label.id)),
    })),
    ...(state.get("labels").length ? [/** @type {const} */ ("line")] : []),
    { text: t("labels.new"), icon: "plus", run: async () => {
      const label = await createLabel();
      if (label) await actions.setLabel(targets, label, true);
    } },
  ], { label: t("mail.labels") });
}

/** All that can be done with mails of a list. @param {Anchor} anchor @param {Targets} targets */
export function openMailMenu(anchor, targets) {
  const isJunk = actions.isWithin(targets.folderId, "junk");
  const isUnread = targets.items?.some((item) => item.isUnread) ?? true;
  const isFlagged = targets.items?.every((item) => item.isFlagged) ?? false;
  const later = (/** @type {() => void} */ open) => () => queueMicrotask(open);
  const { canRemove, canFile, canMark, canFlag, canLabel } = permissionsOf(targets);
  /** @type {(MenuItem | "line")[]} */
  const items = [
    { text: t(isUnread ? "mail.markRead" : "mail.markUnread"), icon: isUnread ? "read" : "unread", isDisabled: !canMark, run: () => void actions.setFlags(targets, { isUnread: !isUnread }) },
    { text: t(isFlagged ? "mail.unflag" : "mail.flag"), icon: "flag", hint: "s", isDisabled: !canFlag, run: () => void actions.setFlags(targets, { isFlagged: !isFlagged }) },
    { text: t("mail.labels"), icon: "label", hint: "l", isDisabled: !canLabel, run: later(() => openLabelChoice(anchor, targets)) },
    { text: t("mail.move"), icon: "move", hint: "v", isDisabled: !canRemove, run: later(() => openFolderChoice(anchor, targets, "move")) },
    ...(targets.kind === "mails" || targets.items ? [{ text: t("mail.copy"), icon: /** @type {const} */ ("file"), run: later(() => openFolderChoice(anchor, targets, "copy")) }] : []),
    "line",
    { text: t("mail.archive"), icon: "archive", hint: "e", isDisabled: !canFile, run: () => void actions.archive(targets) },
    isJunk
      ? { text: t("mail.notSpam"), icon: "inbox", isDisabled: !canFile, run: () => void actions.markNotSpam(targets) }
      : { text: t("mail.spam"), icon: "spam", hint: "!", isDisabled: !canFile, run: () => void actions.markSpam(targets) },
    { text: t(actions.isForGood(targets.folderId) ? "mail.deleteForever" : "mail.delete"), icon: "trash", hint: "#", isDangerous: true, isDisabled: !canRemove, run: () => void actions.remove(targets) },
  ];
  openMenu(anchor, items, { label: t("mail.actions") });
}

/** What may be done in the folder of the targets; Archive, Spam and labels are for what is one's own. @param {{folderId: string}} targets */
export function permissionsOf(targets) {
  const folder = findFolder(targets.folderId);
  const may = (/** @type {string} */ letter) => folder === undefined || folder.permissions.includes(letter);
  const isOwn = folder === undefined || folder.accessMode === "local";
  const canRemove = may("t") && may("e");
  return { canRemove, canFile: canRemove && isOwn, canMark: may("s"), canFlag: may("w"), canLabel: isOwn };
}

/** A row of buttons that says what it is. @param {string} label @param {...(Node | false | null | undefined)} buttons */
export function makeToolbar(label, ...buttons) {
  return h("div", { class: "toolbar", role: "toolbar", "aria-label": label }, buttons);
}
