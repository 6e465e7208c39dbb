/**
 * The attachments of a mail that is being written: files go up one after the other as soon as they are chosen, with a
 * bar each. Pictures of the text have a content id and are shown in the text, not in the list.
 */
import { api, ApiError } from "../../api.js";
import { Component, fill, h } from "../../dom.js";
import { formatSize } from "../../format.js";
import { icon } from "../../icons.js";
import { t } from "../../i18n.js";
import { describeError, showError } from "../toast.js";

/**
 * @typedef {{id: number, name: string, size: number, contentType: string, contentId: string, isInline: boolean,
 *   progress: number, problem: string, abort?: () => void}} Item
 * `id`: 0 until it is up; `progress`: from 0 to 100
 */

export class Attachments extends Component {
  /** @type {Item[]} */
  items = [];
  /** @type {Promise<unknown>} */
  #queue = Promise.resolve();
  #list = h("ul", { class: "upload-list" });

  render() {
    this.setAttribute("role", "group");
    this.setAttribute("aria-label", t("compose.attachments"));
    fill(this, this.#list);
    this.#show();
    this.signal.addEventListener("abort", () => this.items.forEach((item) => item.abort?.()));
  }

  /** Resolves when all that was chosen is up. */
  async whenReady() {
    await this.#queue;
  }

  /** Whether something could not be taken. */
  get hasProblem() {
    return this.items.some((item) => item.problem);
  }

  /** As the API takes them; pictures that the text no longer shows are left out. @param {Set<string>} contentIds */
  toSend(contentIds) {
    return this.items
      .filter((item) => item.id && (!item.isInline || contentIds.has(item.contentId)))
      .map(({ id, contentId, isInline }) => (isInline ? { id, contentId, isInline } : { id }));
  }

  /** Take over the attachments of a mail. @param {string} mailId @returns {Promise<Item[]>} */
  async takeFrom(mailId) {
    const { items } = await api.post("/temporaryAttachments/store", { mailId });
    const taken = items.map((/** @type {any} */ one) => ({
      id: one.id, name: one.name, size: one.size, contentType: one.contentType, contentId: one.contentId,
      isInline: one.isInline && Boolean(one.contentId), progress: 100, problem: "",
    }));
    this.items.push(...taken);
    this.#show();
    return taken;
  }

  /** Put files up. @param {File[]} files */
  add(files) {
    for (const file of files) this.#enqueue(file, "", false);
  }

  /** Put a picture of the text up; resolves to its content id, "" if that failed. @param {File} file */
  async addInline(file) {
    const contentId = `${crypto.randomUUID()}@postroom`;
    const item = await this.#enqueue(file, contentId, true);
    return item.problem ? "" : contentId;
  }

  /** @param {File} file @param {string} contentId @param {boolean} isInline @returns {Promise<Item>} */
  #enqueue(file, contentId, isInline) {
    /** @type {Item} */
    const item = { id: 0, name: file.name, size: file.size, contentType: file.type, contentId, isInline, progress: 0, problem: "" };
    this.items.push(item);
    this.#show();
    const done = this.#queue.then(() => this.#upload(item, file));
    this.#queue = done;
    return done.then(() => item);
  }

  /** @param {Item} item @param {File} file */
  async #upload(item, file) {
    if (!this.items.includes(item)) return;
    try {
      const [stored] = (await this.#post(item, file)).items;
      item.id = stored.id;
      item.size = stored.size;
      item.progress = 100;
    } catch (error) {
      item.problem = describeError(error);
      if (item.isInline) {
        this.items.splice(this.items.indexOf(item), 1);
        showError(error);
      }
    }
    item.abort = undefined;
    this.#show();
    this.#tell();
  }

  /**
   * Only XMLHttpRequest tells how far an upload is.
   * @param {Item} item @param {File} file @returns {Promise<{items: {id: number, size: number}[]}>}
   */
  #post(item, file) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", api.url("/temporaryAttachments"));
      request.responseType = "json";
      request.upload.addEventListener("progress", (event) => {
        item.progress = event.lengthComputable ? Math.floor((99 * event.loaded) / event.total) : 0;
        this.#showProgress(item);
      });
      request.addEventListener("load", () => {
        if (request.status === 200 || request.status === 201) return resolve(request.response);
        const { errorCode = "internalError", message = request.statusText, details = {} } = request.response ?? {};
        return reject(new ApiError(request.status, errorCode, message, details));
      });
      request.addEventListener("error", () => reject(new ApiError(0, "unreachable", "")));
      request.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
      item.abort = () => request.abort();
      const form = new FormData();
      form.append("file", file, file.name);
      request.send(form);
    });
  }

  /** @param {Item} item */
  #remove(item) {
    item.abort?.();
    this.items.splice(this.items.indexOf(item), 1);
    if (item.id) void api.delete(`/temporaryAttachments/${item.id}`).catch(() => undefined);
    this.#show();
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change", { bubbles: true }));
  }

  /** @param {Item} item */
  #showProgress(item) {
    const bar = this.#list.querySelectorAll("progress")[this.#shown().filter((one) => !one.problem && one.progress < 100).indexOf(item)];
    if (bar) bar.value = item.progress;
  }

  #shown() {
    return this.items.filter((item) => !item.isInline);
  }

  #show() {
    const shown = this.#shown();
    this.hidden = shown.length === 0;
    fill(this.#list, shown.map((item) => h("li", { class: `upload${item.problem ? " is-wrong" : ""}` },
      icon("file"), h("span", { class: "upload-name", title: item.name }, item.name),
      item.problem
        ? h("span", { class: "upload-problem", role: "alert" }, item.problem)
        : item.progress < 100
          ? h("progress", { max: 100, value: item.progress, "aria-label": t("compose.uploading", { name: item.name }) })
          : h("span", { class: "hint" }, formatSize(item.size)),
      h("button", { type: "button", class: "icon-button small", "aria-label": t("compose.removeAttachment", { name: item.name }), onclick: () => this.#remove(item) }, icon("close")))));
  }
}

customElements.define("pr-attachments", Attachments);
