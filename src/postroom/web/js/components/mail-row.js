/** What a row of a list shows: who, what, when, and the marks of a mail or a conversation. */
import { fill, h } from "../dom.js";
import { formatLongDate, formatShortDate, formatSize, hueOf, initials, parseAddresses, shortName } from "../format.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";
import { findFolder, state } from "../state.js";

/**
 * @typedef {import("../types.js").Mail} Mail
 * @typedef {import("../types.js").Conversation} Conversation
 * @typedef {import("../list-source.js").ListOf} ListOf
 */

const MOST_NAMES = 3;

/** @param {Mail | Conversation} item @returns {item is Conversation} */
export function isConversation(item) {
  return "participants" in item;
}

/** Who a row is from (or, in Sent and Drafts, to). @param {Mail | Conversation} item @param {string} folderId */
function who(item, folderId) {
  const role = findFolder(folderId)?.role;
  if (isConversation(item)) {
    const names = item.participants.map((one) => (one.isMe ? t("list.me") : firstWord(shortName(one.fullEmailAddress), item.participants.length)));
    const shown = names.length > MOST_NAMES ? [names[0], "…", ...names.slice(1 - MOST_NAMES)] : names;
    return shown.join(", ") || t("list.noSender");
  }
  if (role === "sent" || role === "drafts" || item.isDraft) {
    const names = parseAddresses(item.to).map((one) => one.name || one.address).join(", ");
    return t("list.to", { names: names || "–" });
  }
  return shortName(item.from) || t("list.noSender");
}

/** @param {string} name @param {number} count */
function firstWord(name, count) {
  return count > 1 && !name.includes("@") ? name.split(" ")[0] : name;
}

/** @param {Mail | Conversation} item */
function picture(item) {
  const header = isConversation(item) ? item.participants.findLast((one) => !one.isMe)?.fullEmailAddress ?? item.participants[0]?.fullEmailAddress ?? "" : item.from;
  const [first] = parseAddresses(header);
  return h("span", { class: "avatar", "aria-hidden": "true", style: { "--hue": hueOf(first?.address ?? "") } }, initials(first?.name || first?.address || ""));
}

/**
 * Fill a row; one that is not known yet is left blank.
 * @param {HTMLElement} row @param {Mail | Conversation | undefined} item @param {ListOf} of
 */
export function fillRow(row, item, of) {
  if (!item) {
    row.classList.add("is-blank");
    row.removeAttribute("aria-label");
    fill(row, h("div", { role: "gridcell", class: "row-main", "aria-label": t("list.loading") }, h("span", { class: "blank-line" }), h("span", { class: "blank-line long" })));
    return;
  }
  row.classList.remove("is-blank");
  row.classList.toggle("is-unread", item.isUnread);
  row.classList.toggle("is-flagged", item.isFlagged);
  const subject = item.subject || t("list.noSubject");
  const name = who(item, of.folderId);
  const count = isConversation(item) ? Number(item.mailCount) : 1;
  row.setAttribute("aria-label", describe(item, name, subject, count));
  fill(row,
    h("div", { role: "gridcell", class: "row-check" }, picture(item),
      h("input", { type: "checkbox", tabindex: -1, "aria-label": t("list.select", { subject }) })),
    h("div", { role: "gridcell", class: "row-main" },
      h("span", { class: "row-top" },
        h("span", { class: "row-who" }, name),
        count > 1 && h("span", { class: "row-number" }, count),
        h("span", { class: "row-marks" }, marks(item)),
        h("time", { class: "row-date", datetime: new Date(Number(item.date) * 1000).toISOString(), title: formatLongDate(item.date) }, formatShortDate(item.date))),
      h("span", { class: "row-subject" }, labelChips(item.labelIds), placeChip(item, of), h("span", { class: "row-subject-text" }, subject)),
      h("span", { class: "row-snippet" }, sizeText(item, of), item.snippet)),
    h("div", { role: "gridcell", class: "row-end" },
      h("button", { class: "icon-button small row-flag", tabindex: -1, "aria-pressed": String(item.isFlagged), "aria-label": t(item.isFlagged ? "list.unflag" : "list.flag") }, icon("flag"))));
}

/** @param {Mail | Conversation} item @param {string} name @param {string} subject @param {number} count */
function describe(item, name, subject, count) {
  return [
    item.isUnread && t("list.unread"), item.isFlagged && t("list.flagged"), name, count > 1 && t("read.mails", { count }), subject,
    formatShortDate(item.date), item.hasAttachments && t("list.attachments"),
  ].filter(Boolean).join(", ");
}

/** @param {Mail | Conversation} item */
function marks(item) {
  const isDraft = isConversation(item) ? item.hasDrafts : item.isDraft;
  return [
    isDraft && mark("drafts", t("list.draft")),
    item.importance === "high" && mark("warning", t("list.important")),
    item.refwFlags.includes("re") && mark("reply", t("list.answered")),
    item.refwFlags.includes("fw") && mark("forward", t("list.forwarded")),
    item.hasAttachments && mark("attach", t("list.attachments")),
  ];
}

/** @param {import("../icons.js").IconName} name @param {string} text */
function mark(name, text) {
  return h("span", { title: text }, icon(name));
}

/** @param {string[]} labelIds */
export function labelChips(labelIds) {
  return state.get("labels").filter((label) => labelIds.includes(label.id))
    .map((label) => h("span", { class: "chip", style: { "--hue": hueOf(label.name) } }, label.name));
}

/** In results of a search: where the mail is. @param {Mail | Conversation} item @param {ListOf} of */
function placeChip(item, of) {
  if (isConversation(item) || item.originalFolderId === of.folderId) return null;
  const folder = findFolder(item.originalFolderId);
  return folder && h("span", { class: "chip plain" }, folder.name);
}

/** @param {Mail | Conversation} item @param {ListOf} of */
function sizeText(item, of) {
  return of.sort === "size" && !isConversation(item) ? h("span", { class: "row-size" }, formatSize(item.size)) : null;
}
