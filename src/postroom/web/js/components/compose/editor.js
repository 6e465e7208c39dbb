/**
 * The text of a mail as it is written: formatted (HTML, with the same as plain text beside it) or plain. What is pasted
 * is made safe first (safe-html.js); pictures that are pasted or dropped are handed on by `files`.
 */
import { Component, fill, h } from "../../dom.js";
import { icon } from "../../icons.js";
import { t } from "../../i18n.js";
import { askForText } from "../dialog.js";
import { cleanHTML, renderHTML, renderText, textToNodes, usedContentIds } from "./safe-html.js";

/** @typedef {import("../../icons.js").IconName} IconName @typedef {import("../../i18n.js").MessageName} MessageName */

/** @type {[string, IconName, MessageName, string?][]} a command of the browser, its picture, its name, its value */
const COMMANDS = [
  ["bold", "bold", "compose.bold"],
  ["italic", "italic", "compose.italic"],
  ["underline", "underline", "compose.underline"],
  ["strikeThrough", "strike", "compose.strike"],
  ["insertUnorderedList", "list", "compose.bullets"],
  ["insertOrderedList", "numbers", "compose.numbers"],
  ["formatBlock", "quote", "compose.quote", "blockquote"],
  ["removeFormat", "clear", "compose.clear"],
];

export class Editor extends Component {
  /** Whether there is no formatting. */
  isPlain = false;
  #place = h("div", {
    class: "editor-text", contenteditable: "true", role: "textbox", "aria-multiline": "true", spellcheck: "true", tabindex: 0,
  });
  #toolbar = h("div", { class: "editor-tools", role: "toolbar" });

  render() {
    const { signal } = this;
    this.#place.setAttribute("aria-label", t("compose.text"));
    this.#toolbar.setAttribute("aria-label", t("compose.format"));
    this.#place.addEventListener("input", () => this.#tell(), { signal });
    this.#place.addEventListener("paste", (event) => this.#paste(event), { signal });
    this.#place.addEventListener("drop", (event) => this.#drop(event), { signal });
    document.addEventListener("selectionchange", () => this.#showState(), { signal });
    document.execCommand("defaultParagraphSeparator", false, "div");
    this.#showTools();
    fill(this, this.#toolbar, this.#place);
  }

  /** The HTML to send. */
  get html() {
    return renderHTML(this.#place);
  }

  get text() {
    return renderText(this.#place).trimEnd();
  }

  get contentIds() {
    return usedContentIds(this.#place);
  }

  get isEmpty() {
    return this.text.trim() === "" && !this.#place.querySelector("img");
  }

  /** Replace all of it. @param {...Node} content */
  load(...content) {
    fill(this.#place, ...content);
  }

  /** Put the cursor at the beginning. */
  begin() {
    this.#place.focus();
    getSelection()?.collapse(this.#place, 0);
  }

  /** The element with this class, where the editor has one: a signature. @param {string} name @returns {HTMLElement | null} */
  findPart(name) {
    return this.#place.querySelector(`.${name}`);
  }

  /** Put a part in front of what is quoted, or at the end. @param {HTMLElement} part */
  insertPart(part) {
    const quote = this.#place.querySelector(".quoted");
    if (quote) quote.before(part);
    else this.#place.append(part);
  }

  /** @param {string} contentId @param {string} url @param {string} name */
  insertImage(contentId, url, name) {
    const image = h("img", { src: url, alt: name, dataset: { cid: contentId } });
    const selection = getSelection();
    if (selection?.rangeCount && this.#place.contains(selection.anchorNode)) {
      const range = selection.getRangeAt(0);
      range.deleteContents();
      range.insertNode(image);
      range.collapse(false);
    } else {
      this.insertPart(h("div", null, image));
    }
    this.#tell();
  }

  /** Switch between formatted and plain. @param {boolean} isPlain */
  setPlain(isPlain) {
    if (this.isPlain === isPlain) return;
    this.isPlain = isPlain;
    if (isPlain) this.load(...textToNodes(this.text));
    this.#showTools();
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change", { bubbles: true }));
  }

  #showTools() {
    this.classList.toggle("is-plain", this.isPlain);
    const tool = (/** @type {string} */ command, /** @type {IconName} */ picture, /** @type {MessageName} */ name, /** @type {() => void} */ run) =>
      h("button", {
        type: "button", class: "icon-button small", "aria-label": t(name), title: t(name), dataset: { command },
        "aria-pressed": "false", onpointerdown: (/** @type {Event} */ event) => event.preventDefault(), onclick: run,
      }, icon(picture));
    fill(this.#toolbar,
      !this.isPlain && COMMANDS.map(([command, picture, name, value]) => tool(command, picture, name, () => this.#run(command, value))),
      !this.isPlain && tool("createLink", "link", "compose.link", () => void this.#link()));
    this.#toolbar.hidden = this.isPlain;
  }

  #showState() {
    if (!this.#place.contains(document.activeElement)) return;
    for (const button of this.#toolbar.querySelectorAll("button")) {
      const command = button.dataset.command ?? "";
      const isOn = !["formatBlock", "removeFormat", "createLink"].includes(command) && document.queryCommandState(command);
      button.setAttribute("aria-pressed", String(isOn));
    }
  }

  /** @param {string} command @param {string} [value] */
  #run(command, value) {
    this.#place.focus();
    const isQuoted = command === "formatBlock" && getSelection()?.anchorNode?.parentElement?.closest("blockquote");
    document.execCommand(isQuoted ? "outdent" : command, false, isQuoted ? undefined : value);
    this.#tell();
  }

  async #link() {
    const selection = getSelection();
    const range = selection?.rangeCount ? selection.getRangeAt(0).cloneRange() : null;
    const typed = await askForText({ title: t("compose.link"), label: t("compose.linkAddress"), confirm: t("compose.linkAdd") });
    const address = completeAddress(typed?.trim() ?? "");
    if (!address || !range) return;
    this.#place.focus();
    selection?.removeAllRanges();
    selection?.addRange(range);
    if (range.collapsed) {
      range.insertNode(h("a", { href: address }, address));
      range.collapse(false);
    } else {
      document.execCommand("createLink", false, address);
    }
    this.#tell();
  }

  /** @param {ClipboardEvent} event */
  #paste(event) {
    const data = event.clipboardData;
    if (!data) return;
    event.preventDefault();
    const html = data.getData("text/html");
    const files = [...data.files];
    if (files.length && !html) {
      this.#handOn(files);
      return;
    }
    if (html && !this.isPlain) this.#insert(cleanHTML(html));
    else document.execCommand("insertText", false, data.getData("text/plain"));
    this.#tell();
  }

  /** @param {DragEvent} event */
  #drop(event) {
    const files = [...event.dataTransfer?.files ?? []];
    event.preventDefault();
    if (!files.length) {
      document.execCommand("insertText", false, event.dataTransfer?.getData("text/plain") ?? "");
      return;
    }
    event.stopPropagation();
    this.#handOn(files);
  }

  /** @param {File[]} files */
  #handOn(files) {
    this.dispatchEvent(new CustomEvent("files", { detail: files }));
  }

  /** @param {DocumentFragment} fragment */
  #insert(fragment) {
    const selection = getSelection();
    if (!selection?.rangeCount || !this.#place.contains(selection.anchorNode)) {
      this.#place.append(fragment);
      return;
    }
    const range = selection.getRangeAt(0);
    range.deleteContents();
    const last = fragment.lastChild;
    range.insertNode(fragment);
    if (last) {
      range.setStartAfter(last);
      range.collapse(true);
      selection.removeAllRanges();
      selection.addRange(range);
    }
  }
}

/** The address that was meant: a page without its scheme, or somebody's mail address; "" if it is another thing. @param {string} typed */
function completeAddress(typed) {
  if (!typed || /\s/.test(typed)) return "";
  if (/^(https?|mailto):./i.test(typed)) return typed;
  if (/^[a-z][a-z\d+.-]*:(?!\d)/i.test(typed)) return "";
  return typed.includes("@") && !typed.includes("/") ? `mailto:${typed}` : ["https:", "", typed].join("/");
}

customElements.define("pr-editor", Editor);
