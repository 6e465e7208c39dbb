/**
 * One mail as it is read: who and when, attachments, and the body in a frame of its own.
 *
 * The body comes from strangers. The server has made it safe already; nonetheless it is shown in a frame whose page
 * runs no script (by its `sandbox` attribute and by its own policy) and, unless pictures are to be shown, fetches
 * nothing. The mail's HTML is parsed into a document in which nothing runs, and its nodes are put into the frame.
 * Pictures that came with the mail are fetched by us and put in as blobs, so that the session's id is never in there.
 */
import { api, decodeText } from "../api.js";
import { Component, fill, h, parseMail } from "../dom.js";
import { formatLongDate, formatShortDate, formatSize, hueOf, initials, parseAddresses, shortName } from "../format.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";
import { pressKey } from "../keys.js";
import { makeHash, navigate } from "../router.js";
import { findFolder, state } from "../state.js";
import { isScheduled } from "./folders.js";
import { labelChips } from "./mail-row.js";
import { openMenu } from "./menu.js";
import { describeError } from "./toast.js";

/** @typedef {import("../types.js").Mail} Mail @typedef {import("../types.js").Body} Body */

/** Modal windows are for printing: no script runs there that could open another. */
const SANDBOX = "allow-same-origin allow-popups allow-popups-to-escape-sandbox allow-modals";
const OWN_ATTACHMENT = /^\/api\/v1(\/mails\/[\w-]+\/attachments\/\d+)$/;

/** Whether pictures from elsewhere are shown without being asked for: they tell their senders who reads when. */
function showsImages() {
  return state.get("settings")?.externalImages === "always";
}

export class MailView extends Component {
  /** @type {Mail} */
  mail = /** @type {any} */ (null);
  isOpen = true;
  isAlone = true;
  #hasDetails = false;
  #areImagesShown = showsImages();
  /** @type {string[]} */
  #urls = [];
  #bodyPlace = h("div");

  render() {
    this.signal.addEventListener("abort", () => this.#forget());
    this.setAttribute("role", "article");
    this.setAttribute("aria-label", shortName(this.mail.from) || t("list.noSender"));
    this.#update();
  }

  #forget() {
    for (const url of this.#urls.splice(0)) URL.revokeObjectURL(url);
  }

  /** Take over what has changed of the mail; the body is not fetched again. @param {Mail} mail */
  replace(mail) {
    const old = this.mail;
    this.mail = mail;
    const shown = (/** @type {Mail} */ one) => JSON.stringify([one.isUnread, one.isFlagged, one.labelIds, one.refwFlags, one.folderId]);
    if (this.isConnected && shown(old) !== shown(mail)) this.#updateHead();
  }

  /** @param {boolean} isOpen */
  toggle(isOpen = !this.isOpen) {
    if (this.isOpen === isOpen) return;
    this.isOpen = isOpen;
    this.#update();
  }

  #update() {
    this.#forget();
    this.classList.toggle("is-open", this.isOpen);
    fill(this, this.#makeHead());
    if (!this.isOpen) return;
    this.#bodyPlace = h("div", { class: "mail-body" });
    this.append(this.#bodyPlace, ...this.#makeAttachments());
    void this.#showBody();
  }

  #updateHead() {
    this.querySelector(".mail-head")?.replaceWith(this.#makeHead());
  }

  #makeHead() {
    const { mail } = this;
    const [from] = parseAddresses(mail.from);
    const name = from ? from.name || from.address : t("list.noSender");
    const folder = findFolder(mail.originalFolderId || mail.folderId);
    const summary = h("div", { class: "mail-who" },
      h("span", { class: "mail-from" }, h("strong", null, name), this.isOpen && from?.name && h("span", { class: "hint" }, `<${from.address}>`)),
      this.isOpen ? h("span", { class: "hint mail-to" }, t("list.to", { names: parseAddresses(mail.replyToAll).map((one) => one.name || one.address).join(", ") || "–" })) : h("span", { class: "hint mail-snippet" }, mail.snippet));
    const opener = this.isAlone ? summary : h("button", {
      class: "mail-toggle", "aria-expanded": String(this.isOpen), title: t(this.isOpen ? "read.collapse" : "read.expand", { name }), onclick: () => this.toggle(),
    }, summary);
    return h("header", { class: `mail-head${mail.isUnread ? " is-unread" : ""}` },
      h("div", { class: "mail-line" },
        h("span", { class: "avatar", "aria-hidden": "true", style: { "--hue": hueOf(from?.address ?? "") } }, initials(name)),
        opener,
        h("div", { class: "mail-when" },
          !this.isAlone && folder && folder.role !== "inbox" && h("span", { class: "chip plain" }, folder.name),
          mail.isFlagged && h("span", { class: "mail-flagged", role: "img", "aria-label": t("list.flagged") }, icon("flag")),
          h("time", { class: "hint", datetime: new Date(Number(mail.date) * 1000).toISOString(), title: formatLongDate(mail.date) }, formatShortDate(mail.date))),
        this.isOpen && this.#makeButtons()),
      this.isOpen && this.#hasDetails && this.#makeDetails());
  }

  #makeButtons() {
    const { mail } = this;
    const answer = (/** @type {Record<string, string>} */ query) => () => navigate(makeHash("compose", [], query));
    const id = mail.originalMailId || mail.id;
    const place = findFolder(mail.originalFolderId || mail.folderId);
    const button = (/** @type {string} */ text, /** @type {import("../icons.js").IconName} */ name, /** @type {() => void} */ run) =>
      h("button", { class: "icon-button", "aria-label": text, title: text, onclick: run }, icon(name));
    const more = h("button", { class: "icon-button", "aria-label": t("action.more"), title: t("action.more"), "aria-haspopup": "menu", "aria-expanded": "false", onclick: () => this.#openMenu(more) }, icon("more"));
    return h("div", { class: "mail-buttons" },
      place && isScheduled(place) ? button(t("compose.unschedule"), "schedule", () => void unschedule(id))
        : mail.isDraft ? button(t("mail.edit"), "compose", answer({ draft: id })) : button(t("mail.reply"), "reply", answer({ re: id })), more);
  }

  /** @param {HTMLElement} anchor */
  #openMenu(anchor) {
    const id = this.mail.originalMailId || this.mail.id;
    const answer = (/** @type {Record<string, string>} */ query) => () => navigate(makeHash("compose", [], query));
    const open = (/** @type {string} */ path) => () => void window.open(api.url(`/mails/${id}${path}`), "_blank", "noopener");
    openMenu(anchor, [
      { text: t("mail.reply"), icon: "reply", hint: "r", run: answer({ re: id }) },
      { text: t("mail.replyAll"), icon: "replyAll", hint: "a", run: answer({ re: id, all: "1" }) },
      { text: t("mail.forward"), icon: "forward", hint: "f", run: answer({ fw: id }) },
      "line",
      { text: t("read.details"), isChecked: this.#hasDetails, run: () => { this.#hasDetails = !this.#hasDetails; this.#updateHead(); } },
      { text: t("read.source"), icon: "file", run: open("/source") },
      { text: t("read.downloadSource"), icon: "download", run: open("/source/download") },
      { text: t("read.print"), icon: "file", run: () => this.#print() },
    ], { label: t("action.more") });
  }

  #print() {
    this.querySelector("iframe")?.contentWindow?.print();
  }

  #makeDetails() {
    const { mail } = this;
    const row = (/** @type {string} */ name, /** @type {string} */ value) => value && h("div", null, h("dt", null, name), h("dd", null, value));
    return h("dl", { class: "mail-details" },
      row(t("read.from"), mail.from), row(t("read.to"), mail.to), row(t("read.cc"), mail.cc), row(t("read.bcc"), mail.bcc),
      row(t("read.date"), formatLongDate(mail.date)), h("div", null, labelChips(mail.labelIds)));
  }

  #makeAttachments() {
    const { mail } = this;
    const shown = mail.attachments.filter((one) => !one.isInline);
    if (!shown.length) return [];
    const base = `/mails/${mail.id}/attachments`;
    return [h("section", { class: "attachments", "aria-label": t("read.attachments", { count: shown.length }) },
      h("header", null, h("h2", null, t("read.attachments", { count: shown.length })),
        shown.length > 1 && h("a", { class: "button text", href: api.url(`${base}/download`), download: "" }, icon("download"), t("read.downloadAll"))),
      h("ul", null, shown.map((one) => h("li", { class: "attachment" },
        h("a", { class: "attachment-open", href: api.url(`${base}/${one.id}`), target: "_blank", rel: "noopener", title: t("read.open", { name: one.name }) },
          one.contentType.startsWith("image/")
            ? h("img", { src: api.url(`${base}/${one.id}/thumbnail`, { width: 256, height: 160 }), alt: "", loading: "lazy" })
            : h("span", { class: "attachment-kind" }, icon("file"), h("span", null, extension(one.name))),
          h("span", { class: "attachment-name", title: one.name }, one.name),
          h("span", { class: "hint" }, formatSize(one.size))),
        h("a", { class: "icon-button", href: api.url(`${base}/${one.id}/download`), download: one.name, "aria-label": t("read.download", { name: one.name }) }, icon("download"))))))];
  }

  async #showBody() {
    const { signal } = this;
    const place = this.#bodyPlace;
    try {
      const query = { type: "html", showExternalImages: this.#areImagesShown };
      /** @type {Body} */
      const body = await api.get(`/mails/${this.mail.id}/body`, query, signal);
      if (place !== this.#bodyPlace) return;
      const notes = [];
      if (body.hasExternalImages && !this.#areImagesShown) {
        notes.push(h("div", { class: "mail-note" }, icon("image"), h("span", null, t("read.imagesHidden")),
          h("button", { class: "button text", onclick: () => this.#showImages() }, t("read.showImages"))));
      }
      if (body.isTruncated) {
        notes.push(h("div", { class: "mail-note" }, icon("warning"), h("span", null, t("read.truncated")),
          h("a", { class: "button text", href: api.url(`/mails/${this.mail.id}/body/full`, { type: "html" }), target: "_blank", rel: "noopener" }, t("read.whole"))));
      }
      fill(place, notes, this.#makeFrame(decodeText(body.data)));
    } catch (error) {
      if (!signal.aborted) fill(place, h("p", { class: "mail-note", role: "alert" }, describeError(error)));
    }
  }

  #showImages() {
    this.#areImagesShown = true;
    void this.#showBody();
  }

  /** @param {string} html */
  #makeFrame(html) {
    const frame = h("iframe", {
      class: "mail-frame", sandbox: SANDBOX, title: t("read.body"), referrerpolicy: "no-referrer",
      src: this.#areImagesShown ? "/web/frame-remote.html" : "/web/frame.html",
    });
    frame.addEventListener("load", () => this.#fillFrame(frame, html), { once: true });
    return frame;
  }

  /** @param {HTMLIFrameElement} frame @param {string} html */
  #fillFrame(frame, html) {
    const inner = frame.contentDocument;
    const view = frame.contentWindow;
    if (!inner || !view) return;
    const parsed = parseMail(html, view);
    const isPlain = !parsed.querySelector("[style*=color], [style*=background], [bgcolor], [background], [color], style");
    inner.documentElement.classList.toggle("is-plain", isPlain);
    frame.classList.toggle("is-plain", isPlain);
    for (const image of parsed.querySelectorAll("img")) void this.#showOwnImage(image);
    // The mail's own head has its styles; what it says of the document itself is of no account here.
    inner.head.append(...[...parsed.head.querySelectorAll("style")].map((style) => inner.adoptNode(style)));
    for (const attribute of parsed.body.attributes) inner.body.setAttribute(attribute.name, attribute.value);
    inner.body.replaceChildren(...[...parsed.body.childNodes].map((node) => inner.adoptNode(node)));
    for (const link of inner.querySelectorAll("a[href]")) {
      link.setAttribute("target", "_blank");
      link.setAttribute("rel", "noopener noreferrer");
    }
    inner.addEventListener("keydown", pressKey);
    inner.addEventListener("click", (event) => this.#click(event));
    const fit = () => {
      // Measured at no height: a page is never lower than its frame.
      const height = Math.ceil(inner.body.getBoundingClientRect().height + 2);
      const isWide = inner.body.scrollWidth > inner.documentElement.clientWidth;
      frame.style.height = `${Math.max(height, inner.body.scrollHeight) + (isWide ? 18 : 0)}px`;
    };
    const observer = new ResizeObserver(fit);
    observer.observe(inner.body);
    this.signal.addEventListener("abort", () => observer.disconnect());
    inner.addEventListener("load", fit, true);
    fit();
  }

  /** Links to write to somebody lead to our own compose. @param {MouseEvent} event */
  #click(event) {
    const link = /** @type {Element} */ (event.target).closest?.("a[href]");
    const href = link?.getAttribute("href") ?? "";
    if (!/^mailto:/i.test(href)) return;
    event.preventDefault();
    navigate(makeHash("compose", [], { mailto: href }));
  }

  /** Fetch a picture that came with the mail. @param {HTMLImageElement} image */
  async #showOwnImage(image) {
    const source = image.getAttribute("src") ?? "";
    const match = OWN_ATTACHMENT.exec(source);
    if (!match) return;
    image.removeAttribute("src");
    try {
      const url = URL.createObjectURL(await api.blob(match[1], {}, this.signal));
      this.#urls.push(url);
      image.src = url;
    } catch {
      // The picture's own text stands for it.
    }
  }
}

/** Stop a scheduled mail, and go on writing it. No address leads here, as anybody can have one opened. @param {string} id */
async function unschedule(id) {
  const { cancelSchedule } = await import("./compose/outgoing.js");
  await cancelSchedule(id);
}

/** @param {string} name */
function extension(name) {
  const match = /\.([\p{L}\p{N}]{1,5})$/u.exec(name);
  return match ? match[1].toUpperCase() : "";
}

customElements.define("pr-mail-view", MailView);
