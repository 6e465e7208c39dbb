/**
 * Writing a mail. What is written is saved as a draft a moment after each change (compose/draft.js).
 *
 * What is sent goes under a key that stays the same while the same is tried again, so that nothing goes out twice
 * (Idempotency-Key); the draft is deleted then.
 */
import { api } from "../api.js";
import { Component, debounce, fill, h, uniqueId } from "../dom.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";
import { makeHash, navigate } from "../router.js";
import { ownAddress, state } from "../state.js";
import "./compose/attachments.js";
import { Draft } from "./compose/draft.js";
import "./compose/editor.js";
import { askAboutGaps, tellScheduled, tellSent } from "./compose/outgoing.js";
import { listOwnAddresses, prefill } from "./compose/prefill.js";
import { renderAddress } from "./compose/recipients.js";
import { cleanHTML, textToNodes } from "./compose/safe-html.js";
import { askForTime } from "./compose/schedule.js";
import { offerSignatures } from "./compose/signature.js";
import { askToConfirm } from "./dialog.js";
import { openMenu } from "./menu.js";
import { describeError, showError, showToast } from "./toast.js";

/** @typedef {import("./compose/recipients.js").Recipients} Recipients */
/** @typedef {import("./compose/editor.js").Editor} Editor */
/** @typedef {import("./compose/attachments.js").Attachments} Attachments */
/** @typedef {"to" | "cc" | "bcc"} Field */
/** @typedef {{requestReadReceipt: boolean, requestDeliveryReceipt: boolean}} Receipts */

const SAVE_AFTER_MS = 1200;
/** @type {Field[]} */
const FIELDS = ["to", "cc", "bcc"];

class Compose extends Component {
  /** @type {import("../router.js").Route} */
  #route = { screen: "compose", parts: [], query: new URLSearchParams() };
  #reference = { refwType: "", refwMailId: "" };
  #importance = "normal";
  /** @type {Receipts} */
  #receipts = { requestReadReceipt: false, requestDeliveryReceipt: false };
  #isLoaded = false;
  /** It is being sent: a key that is held down sends it once. */
  #isGoing = false;
  #isClosed = false;
  /** @type {{content: string, key: string}} */
  #attempt = { content: "", key: "" };
  #draft = new Draft({
    read: () => this.#fields(), tell: (text) => this.#tell(text), refused: (error) => this.#showProblem(error),
    made: (id) => this.#showDraft(id),
  });
  #soonSave = debounce(() => void this.#draft.save().catch(() => undefined), SAVE_AFTER_MS);
  #title = h("h1", null, "");
  #status = h("span", { class: "hint compose-status", role: "status" });
  #problem = h("p", { class: "form-problem", role: "alert" });
  #from = h("select", { id: uniqueId("from") });
  #signature = h("select", { id: uniqueId("signature") });
  #subject = h("input", { id: uniqueId("subject"), type: "text", maxlength: 2000, autocomplete: "off" });
  #recipients = Object.fromEntries(FIELDS.map((name) => [name, /** @type {Recipients} */ (document.createElement("pr-recipients"))]));
  #editor = /** @type {Editor} */ (document.createElement("pr-editor"));
  #attachments = /** @type {Attachments} */ (document.createElement("pr-attachments"));

  get route() {
    return this.#route;
  }

  set route(route) {
    const isOther = route.query.toString() !== this.#route.query.toString();
    this.#route = route;
    if (!this.isConnected || !isOther || route.query.get("draft") === this.#draft.id && this.#draft.id) return;
    // Another mail is to be written: what there was is saved, and a new screen takes the place of this one.
    const next = /** @type {Compose} */ (document.createElement("pr-compose"));
    next.route = route;
    next.className = this.className;
    this.replaceWith(next);
  }

  render() {
    const { signal } = this;
    for (const name of FIELDS) this.#recipients[name].label = t(`compose.${name}`);
    fill(this, this.#makeHead(), h("form", { class: "compose-form", onsubmit: (/** @type {Event} */ event) => event.preventDefault() },
      this.#problem, this.#makeFields(), this.#attachments, this.#editor));
    this.addEventListener("change", () => this.#changed(), { signal });
    this.#subject.addEventListener("input", () => this.#changed(), { signal });
    this.#editor.addEventListener("files", (event) => void this.#takeFiles(/** @type {CustomEvent} */ (event).detail), { signal });
    this.addEventListener("dragover", (event) => this.#dragOver(event), { signal });
    this.addEventListener("dragleave", () => this.classList.remove("is-drop"), { signal });
    this.addEventListener("drop", (event) => this.#drop(event), { signal });
    this.addEventListener("keydown", (event) => this.#press(event), { signal });
    addEventListener("pagehide", () => { if (this.#isLoaded) this.#draft.keep(); }, { signal });
    addEventListener("beforeunload", (event) => { if (this.#draft.isChanged && !this.#draft.isOver) event.preventDefault(); }, { signal });
    signal.addEventListener("abort", () => this.#leave());
    void this.#load();
  }

  #makeHead() {
    const more = h("button", { type: "button", class: "icon-button", "aria-label": t("action.more"), title: t("action.more"), "aria-haspopup": "menu", "aria-expanded": "false", onclick: () => this.#openMenu(more) }, icon("more"));
    const picker = h("input", { type: "file", multiple: true, hidden: true, "aria-label": t("compose.attach"), onchange: () => { this.#attachments.add([...picker.files ?? []]); picker.value = ""; } });
    const button = (/** @type {string} */ text, /** @type {import("../icons.js").IconName} */ name, /** @type {() => void} */ run) =>
      h("button", { type: "button", class: "icon-button", "aria-label": text, title: text, onclick: run }, icon(name));
    return h("header", { class: "compose-head" },
      button(t("compose.close"), "back", () => this.#close()), this.#title, this.#status,
      h("div", { class: "compose-buttons" },
        picker, button(t("compose.attach"), "attach", () => picker.click()),
        button(t("compose.schedule"), "schedule", () => void this.#schedule()),
        button(t("compose.discard"), "trash", () => void this.#discard()), more,
        h("button", { type: "button", class: "button primary", title: "Ctrl+Enter", onclick: () => void this.#send() }, icon("sent"), t("compose.send"))));
  }

  #makeFields() {
    const { to, cc, bcc } = this.#recipients;
    const adder = h("button", { type: "button", class: "button text", onclick: () => { cc.hidden = bcc.hidden = false; adder.remove(); cc.begin(); } }, t("compose.addCopies"));
    cc.hidden = bcc.hidden = true;
    const line = (/** @type {string} */ text, /** @type {HTMLElement} */ field, /** @type {string} */ name) =>
      h("div", { class: `compose-line ${name}` }, h("label", { for: field.id }, text), field);
    return h("div", { class: "compose-fields" },
      line(t("compose.from"), this.#from, "from"), h("div", { class: "to-line" }, to, adder), cc, bcc,
      line(t("compose.subject"), this.#subject, "subject"), line(t("compose.signature"), this.#signature, "signature"));
  }

  // What it begins with

  async #load() {
    try {
      this.#draft.query = this.#route.query.toString();
      const addresses = await listOwnAddresses();
      const begin = await prefill(this.#route.query, this.#attachments, addresses.map((one) => one.toLowerCase()));
      this.#showFrom(addresses, begin.from);
      this.#draft.id = begin.draftId;
      this.#reference = { refwType: begin.refwType, refwMailId: begin.refwMailId };
      this.#importance = begin.importance;
      for (const name of FIELDS) this.#recipients[name].value = begin[name];
      this.#recipients.cc.hidden = !begin.cc;
      this.#recipients.bcc.hidden = !begin.bcc;
      this.#subject.value = begin.subject;
      this.#editor.setPlain(begin.isPlain);
      this.#editor.load(...begin.content);
      this.#receipts = { ...this.#receipts, ...pickReceipts(state.get("settings")?.receipts) };
      const isSigned = await offerSignatures(this.#signature, this.#editor, begin.isNew, { signal: this.signal, changed: () => this.#changed() });
      this.querySelector(".compose-line.signature")?.toggleAttribute("hidden", !isSigned);
      this.#title.textContent = t(begin.refwType === "re" ? "compose.reply" : begin.refwType === "fw" ? "compose.forward" : "compose.title");
      this.#restore();
      this.#draft.begin();
      this.#isLoaded = true;
      if (begin.to) this.#editor.begin();
      else this.#recipients.to.begin();
    } catch (error) {
      if (this.signal.aborted) return;
      showError(error);
      this.#draft.isOver = true;
      this.#close();
    }
  }

  /** @param {string[]} addresses @param {string} chosen */
  #showFrom(addresses, chosen) {
    const name = state.get("account")?.fullName ?? "";
    fill(this.#from, addresses.map((address) => h("option", { value: address }, renderAddress({ name, address }))));
    const wanted = addresses.find((address) => chosen.toLowerCase().includes(address.toLowerCase()));
    this.#from.value = wanted ?? ownAddress();
    this.querySelector(".compose-line.from")?.toggleAttribute("hidden", addresses.length < 2);
  }

  // Changes and drafts

  #changed() {
    if (!this.#isLoaded || this.#draft.isOver) return;
    this.#problem.textContent = "";
    this.#draft.isChanged = true;
    this.#tell("");
    this.#soonSave();
  }

  /** The address names the draft. @param {string} id */
  #showDraft(id) {
    if (this.isConnected) history.replaceState(null, "", makeHash("compose", [], { draft: id }));
  }

  /** @param {string} text */
  #tell(text) {
    this.#status.textContent = text;
  }

  /** What the API takes. */
  #fields() {
    const { isPlain, html, text, contentIds } = this.#editor;
    const from = renderAddress({ name: state.get("account")?.fullName ?? "", address: this.#from.value || ownAddress() });
    const { refwType, refwMailId } = this.#reference;
    return {
      from, subject: this.#subject.value, importance: this.#importance,
      ...Object.fromEntries(FIELDS.map((name) => [name, this.#recipients[name].value])),
      bodyText: text, ...(isPlain ? {} : { bodyHtml: html }),
      ...(refwType && refwMailId ? { refwType, refwMailId } : {}),
      temporaryAttachments: this.#attachments.toSend(contentIds),
    };
  }

  /** Take back what was kept of this same mail. */
  #restore() {
    const fields = this.#draft.takeKept();
    if (!fields) return;
    for (const name of FIELDS) this.#recipients[name].value = fields[name];
    this.#subject.value = fields.subject;
    if (fields.bodyHtml) this.#editor.load(cleanHTML(fields.bodyHtml));
    else this.#editor.load(...textToNodes(fields.bodyText));
    this.#soonSave();
    showToast(t("compose.restored"));
  }

  #leave() {
    if (this.#draft.isOver || !this.#isLoaded) return;
    this.#draft.keep();
    if (this.#draft.isChanged && api.sessid) void this.#draft.save().catch(() => undefined);
  }

  // What is done with it

  /** Say what is wrong at the field that it is about. @param {unknown} error */
  #showProblem(error) {
    this.#problem.textContent = describeError(error);
    this.#problem.scrollIntoView({ block: "nearest" });
  }

  /** Whether it can go out; else the reader is told why not. */
  async #check() {
    for (const name of FIELDS) this.#recipients[name].commit();
    this.#problem.textContent = "";
    const wrong = FIELDS.map((name) => this.#recipients[name].wrong).find(Boolean);
    if (wrong) this.#problem.textContent = t("compose.wrongAddress", { address: wrong });
    else if (FIELDS.every((name) => this.#recipients[name].isEmpty)) this.#problem.textContent = t("compose.noRecipient");
    if (this.#problem.textContent) {
      this.#recipients.to.begin();
      return false;
    }
    this.#tell(t("compose.uploadingRest"));
    await this.#attachments.whenReady();
    this.#tell("");
    if (this.#attachments.hasProblem) {
      this.#problem.textContent = t("compose.attachmentProblem");
      return false;
    }
    return askAboutGaps(this.#subject.value, this.#editor.text, this.#attachments.items.some((item) => !item.isInline));
  }

  #send() {
    return this.#goOut({}, "send", tellSent);
  }

  async #schedule() {
    const time = await askForTime();
    if (time) await this.#goOut({ deliveryTime: time }, "send/schedule", tellScheduled);
  }

  /**
   * Send or schedule: a mail of its own, in whose place the draft goes, where receipts are asked for; else the draft.
   * @param {Record<string, unknown>} extra @param {string} call @param {(answer: any) => void} then
   */
  async #goOut(extra, call, then) {
    if (this.#draft.isOver || this.#isGoing) return;
    this.#isGoing = true;
    try {
      if (!(await this.#check())) return;
      this.classList.add("is-busy");
      this.#tell(t("compose.sending"));
      const fields = { ...this.#fields(), ...this.#receipts, ...extra };
      const content = JSON.stringify([call, fields]);
      if (this.#attempt.content !== content) this.#attempt = { content, key: crypto.randomUUID() };
      await this.#draft.whenIdle();
      const answer = await api.call("POST", `/mails/${call}`, { body: fields, headers: { "Idempotency-Key": this.#attempt.key } });
      await this.#draft.end();
      await this.#draft.remove().catch(() => undefined);
      then(answer);
      this.#close();
    } catch (error) {
      if (this.isConnected) this.#showProblem(error);
      else showError(error);
      this.#tell("");
    } finally {
      this.#isGoing = false;
      this.classList.remove("is-busy");
    }
  }

  async #discard() {
    const isWorth = !this.#editor.isEmpty || this.#subject.value !== "" || this.#attachments.items.length > 0;
    if (isWorth && !(await askToConfirm(t("compose.discard"), t("compose.discardText"), t("compose.discard")))) return;
    await this.#draft.end();
    await this.#draft.remove().catch(showError);
    this.#close();
  }

  #close() {
    // Once alone: somebody may have gone elsewhere while it was sent, and going back takes a moment.
    if (this.#isClosed || !this.isConnected) return;
    this.#isClosed = true;
    const [loaded] = performance.getEntriesByType("navigation");
    // Where the client was opened with this screen, there is nothing of it to go back to.
    if (loaded && new URL(loaded.name).hash.startsWith("#/compose")) navigate(makeHash("mail"));
    else history.back();
  }

  /** @param {HTMLElement} anchor */
  #openMenu(anchor) {
    const level = (/** @type {string} */ value, /** @type {import("../i18n.js").MessageName} */ name) => ({
      text: t(name), isChecked: this.#importance === value, isRadio: true, run: () => { this.#importance = value; this.#changed(); },
    });
    const receipt = (/** @type {keyof Receipts} */ name, /** @type {import("../i18n.js").MessageName} */ text) => ({
      text: t(text), isChecked: this.#receipts[name], run: () => { this.#receipts = { ...this.#receipts, [name]: !this.#receipts[name] }; },
    });
    openMenu(anchor, [
      { text: t("compose.plain"), isChecked: this.#editor.isPlain, run: () => void this.#switchPlain() },
      "line", { heading: t("compose.importance") },
      level("high", "compose.high"), level("normal", "compose.normal"), level("low", "compose.low"),
      "line", receipt("requestReadReceipt", "compose.readReceipt"), receipt("requestDeliveryReceipt", "compose.deliveryReceipt"),
    ], { label: t("action.more") });
  }

  async #switchPlain() {
    const isPlain = !this.#editor.isPlain;
    if (isPlain && !(await askToConfirm(t("compose.plain"), t("compose.plainText"), t("compose.plainDo"), false))) return;
    this.#editor.setPlain(isPlain);
  }

  /** Files from the clipboard or dropped into the text: pictures go into it. @param {File[]} files */
  async #takeFiles(files) {
    for (const file of files) {
      if (!file.type.startsWith("image/") || this.#editor.isPlain) {
        this.#attachments.add([file]);
        continue;
      }
      const contentId = await this.#attachments.addInline(file);
      if (contentId) this.#editor.insertImage(contentId, URL.createObjectURL(file), file.name);
    }
  }

  /** @param {DragEvent} event */
  #dragOver(event) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    this.classList.add("is-drop");
  }

  /** @param {DragEvent} event */
  #drop(event) {
    this.classList.remove("is-drop");
    const files = [...event.dataTransfer?.files ?? []];
    if (!files.length || event.defaultPrevented) return;
    event.preventDefault();
    this.#attachments.add(files);
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      void this.#send();
    } else if (event.key === "Escape" && !event.defaultPrevented) {
      event.preventDefault();
      this.#close();
    }
  }
}

/** @param {any} receipts */
function pickReceipts(receipts) {
  return receipts
    ? { requestReadReceipt: Boolean(receipts.requestReadReceipts), requestDeliveryReceipt: Boolean(receipts.requestDeliveryReceipts) }
    : {};
}

customElements.define("pr-compose", Compose);
