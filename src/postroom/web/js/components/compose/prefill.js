/**
 * What a mail that is being written begins with: nothing, an address, a draft, or the mail that is answered or
 * forwarded. A route says which: `draft`, `re` (with `all`), `fw`, `to`, `mailto`. Nothing is changed by what a route
 * says, as anybody can have one opened.
 */
import { api, decodeText } from "../../api.js";
import { h } from "../../dom.js";
import { formatLongDate, parseAddresses, shortName } from "../../format.js";
import { t } from "../../i18n.js";
import { ownAddress } from "../../state.js";
import { renderAddress } from "./recipients.js";
import { cleanHTML, textToNodes } from "./safe-html.js";

/** @typedef {import("../../types.js").Mail} Mail @typedef {import("./attachments.js").Attachments} Attachments */

/**
 * @typedef {{draftId: string, from: string, to: string, cc: string, bcc: string, subject: string, importance: string,
 *   refwType: string, refwMailId: string, content: Node[], isPlain: boolean, isNew: boolean}} Prefill
 * `isNew`: a signature belongs to it
 */

const OWN_ATTACHMENT = /^\/api\/v1\/mails\/[\w-]+\/attachments\/(\d+)$/;

/** @returns {Prefill} */
function empty() {
  return {
    draftId: "", from: "", to: "", cc: "", bcc: "", subject: "", importance: "normal", refwType: "", refwMailId: "",
    content: [makeLine()], isPlain: false, isNew: true,
  };
}

function makeLine() {
  return h("div", null, h("br"));
}

/**
 * @param {URLSearchParams} query @param {Attachments} attachments those of a forwarded mail or a draft are put there
 * @param {string[]} own the account's addresses, in small letters
 * @returns {Promise<Prefill>}
 */
export async function prefill(query, attachments, own) {
  const [draft, answered, forwarded] = ["draft", "re", "fw"].map((name) => query.get(name) ?? "");
  if (draft) return openDraft(await getMail(draft), attachments);
  if (answered) return answer(await getMail(answered), query.get("all") === "1", own);
  if (forwarded) return forward(await getMail(forwarded), attachments);
  return { ...empty(), ...readMailto(query.get("mailto") ?? ""), ...(query.has("to") ? { to: query.get("to") ?? "" } : {}) };
}

/** @param {string} id @returns {Promise<Mail>} */
function getMail(id) {
  return api.get(`/mails/${encodeURIComponent(id)}`);
}

/** What a link to write to somebody says (RFC 6068). @param {string} link */
function readMailto(link) {
  if (!/^mailto:/i.test(link)) return {};
  const [path, fields = ""] = link.slice(7).split("?");
  const query = new URLSearchParams(fields.replaceAll("+", "%2B"));
  const text = query.get("body");
  return {
    to: [safeDecode(path), query.get("to") ?? ""].filter(Boolean).join(", "),
    cc: query.get("cc") ?? "",
    bcc: query.get("bcc") ?? "",
    subject: query.get("subject") ?? "",
    ...(text ? { content: textToNodes(text) } : {}),
  };
}

/** @param {string} text */
function safeDecode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @param {Mail} mail @param {Attachments} attachments @returns {Promise<Prefill>} */
async function openDraft(mail, attachments) {
  const images = await takeImages(mail, attachments);
  /** @type {import("../../types.js").Body} */
  const body = await api.get(`/mails/${mail.id}/body`, { type: "html" });
  const isPlain = body.contentType.toLowerCase().startsWith("text/plain");
  return {
    ...empty(),
    draftId: mail.id, from: mail.from, to: mail.to, cc: mail.cc, bcc: mail.bcc, subject: mail.subject,
    importance: mail.importance || "normal", refwType: mail.refwType, refwMailId: mail.refwMailId,
    content: [cleanHTML(decodeText(body.data), images)], isPlain, isNew: false,
  };
}

/** @param {Mail} mail @param {boolean} isToAll @param {string[]} own @returns {Promise<Prefill>} */
async function answer(mail, isToAll, own) {
  const isMine = (/** @type {import("../../format.js").Address} */ one) => own.includes(one.address.toLowerCase());
  const sender = parseAddresses(mail.replyTo || mail.from);
  // Whoever answers their own mail goes on writing to those whom they wrote to.
  const to = sender.every(isMine) ? parseAddresses(mail.to) : sender;
  const known = new Set(to.map((one) => one.address.toLowerCase()));
  const others = parseAddresses(mail.replyToAll).filter((one) => !isMine(one) && !known.has(one.address.toLowerCase()));
  const addressed = parseAddresses(mail.replyToAll).find(isMine);
  return {
    ...empty(),
    from: addressed?.address ?? "",
    to: to.map(renderAddress).join(", "),
    cc: isToAll ? others.map(renderAddress).join(", ") : "",
    subject: withPrefix(mail.subject, "Re:", /^(re|aw|antw|sv|r)\s*(\[\d+\])?:/i),
    refwType: "re", refwMailId: mail.id,
    content: [makeLine(), makeLine(), h("div", { class: "quoted" },
      h("div", null, t("compose.wrote", { date: formatLongDate(mail.date), name: shortName(mail.from) })),
      h("blockquote", null, await quoteBody(mail, () => null)))],
  };
}

/** @param {Mail} mail @param {Attachments} attachments @returns {Promise<Prefill>} */
async function forward(mail, attachments) {
  const images = await takeImages(mail, attachments);
  const line = (/** @type {string} */ name, /** @type {string} */ value) => value && h("div", null, h("b", null, `${name}: `), value);
  return {
    ...empty(),
    subject: withPrefix(mail.subject, "Fwd:", /^(fwd?|wg|tr|i)\s*(\[\d+\])?:/i),
    refwType: "fw", refwMailId: mail.id,
    content: [makeLine(), makeLine(), h("div", { class: "quoted" },
      h("div", null, `---------- ${t("compose.forwarded")} ----------`),
      line(t("read.from"), mail.from), line(t("read.date"), formatLongDate(mail.date)),
      line(t("compose.subject"), mail.subject), line(t("read.to"), mail.to), line(t("read.cc"), mail.cc),
      h("br"), await quoteBody(mail, images))],
  };
}

/** @param {string} subject @param {string} prefix @param {RegExp} known */
function withPrefix(subject, prefix, known) {
  return known.test(subject) ? subject : `${prefix} ${subject}`.trim();
}

/** @param {Mail} mail @param {import("./safe-html.js").FindImage} images */
async function quoteBody(mail, images) {
  /** @type {import("../../types.js").Body} */
  const body = await api.get(`/mails/${mail.id}/body`, { type: "html", showExternalImages: false });
  return cleanHTML(decodeText(body.data), images);
}

/**
 * Take the attachments of a mail over; return what finds the pictures that its text shows.
 * @param {Mail} mail @param {Attachments} attachments @returns {Promise<import("./safe-html.js").FindImage>}
 */
async function takeImages(mail, attachments) {
  if (!mail.attachments.length) return () => null;
  const taken = await attachments.takeFrom(mail.id);
  /** @type {Map<string, string>} */
  const urls = new Map();
  for (const item of taken.filter((one) => one.isInline)) {
    urls.set(item.contentId, URL.createObjectURL(await api.blob(`/temporaryAttachments/${item.id}`)));
  }
  return (source) => {
    const number = Number(OWN_ATTACHMENT.exec(source)?.[1]);
    const contentId = mail.attachments.find((one) => one.id === number)?.contentId ?? "";
    const url = urls.get(contentId);
    return url ? { contentId, url } : null;
  };
}

/** The account's addresses: the main one, aliases, temporary aliases. @returns {Promise<string[]>} */
export async function listOwnAddresses() {
  const [aliases, temporary] = await Promise.all([
    api.get("/account/aliases").catch(() => ({ items: [] })),
    api.get("/account/temporaryaliases").catch(() => ({ items: [] })),
  ]);
  const found = [...aliases.items, ...temporary.items].map((/** @type {any} */ one) => one.emailAddress);
  return [...new Set([ownAddress(), ...found])].filter(Boolean);
}
