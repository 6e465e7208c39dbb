/**
 * Short news at the edge of the screen: what was done, with a button to take it back; what failed; how far a job is.
 * They are told to screen readers too, and go after a while, but not while the pointer or the focus is on them.
 */
import { ApiError } from "../api.js";
import { Component, h, fill } from "../dom.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";

const SHOWN_MS = 6000;
const ACTION_MS = 10000;
const MOST = 3;

/** @typedef {{action?: {text: string, run: () => void}, isError?: boolean, milliseconds?: number}} ToastOptions */

/** @returns {HTMLElement} */
function region() {
  let found = /** @type {HTMLElement | null} */ (document.querySelector("pr-toasts"));
  if (!found) {
    found = document.createElement("pr-toasts");
    document.body.append(found);
  }
  return found;
}

class Toasts extends Component {
  render() {
    this.setAttribute("role", "region");
    this.setAttribute("aria-label", t("toast.region"));
  }
}

class Toast extends Component {
  /** @type {string} */
  text = "";
  /** @type {ToastOptions} */
  options = {};
  /** @type {number | null} from 0 to 100, below 0 where nobody knows; null where there is nothing to wait for */
  progress = null;
  #timer = 0;

  render() {
    this.setAttribute("role", this.options.isError ? "alert" : "status");
    this.update();
    const { signal } = this;
    const hold = () => clearTimeout(this.#timer);
    const release = () => this.#start();
    this.addEventListener("pointerenter", hold, { signal });
    this.addEventListener("focusin", hold, { signal });
    this.addEventListener("pointerleave", release, { signal });
    this.addEventListener("focusout", release, { signal });
    signal.addEventListener("abort", hold);
  }

  update() {
    const { action, isError } = this.options;
    this.classList.toggle("is-error", Boolean(isError));
    fill(
      this,
      isError && icon("warning"),
      h("span", { class: "toast-text" }, this.text),
      this.progress !== null && h("progress", { max: 100, value: this.progress < 0 ? null : this.progress, "aria-label": this.text }),
      action && h("button", { class: "button text", onclick: () => { this.remove(); action.run(); } }, action.text),
      h("button", { class: "icon-button", "aria-label": t("action.dismiss"), onclick: () => this.remove() }, icon("close")),
    );
    this.#start();
  }

  #start() {
    clearTimeout(this.#timer);
    if (this.progress !== null) return;
    const wait = this.options.milliseconds ?? (this.options.action || this.options.isError ? ACTION_MS : SHOWN_MS);
    this.#timer = window.setTimeout(() => this.remove(), wait);
  }
}

customElements.define("pr-toasts", Toasts);
customElements.define("pr-toast", Toast);

/**
 * Show a toast; what is returned can be changed (`text`, `progress`, `options`, then `update()`).
 * @param {string} text @param {ToastOptions & {progress?: number}} [options]
 */
export function showToast(text, options = {}) {
  const toast = /** @type {Toast} */ (document.createElement("pr-toast"));
  toast.text = text;
  toast.options = options;
  toast.progress = options.progress ?? null;
  const place = region();
  place.append(toast);
  while (place.childElementCount > MOST) place.firstElementChild?.remove();
  return toast;
}

/** What to tell somebody of an error. @param {unknown} error */
export function describeError(error) {
  // A screen whose module cannot be fetched; each browser says it in its own words.
  if (error instanceof TypeError && /module/i.test(error.message)) return t("error.unreachable");
  if (!(error instanceof ApiError)) return t("error.other", { message: error instanceof Error ? error.message : String(error) });
  switch (error.errorCode) {
    case "unreachable": return t("error.unreachable");
    case "tooManyRequests": return t("error.tooMany", { seconds: error.retryAfter });
    case "notPermitted": return t("error.notPermitted");
    case "notFound": return t("error.notFound");
    case "folderExists":
    case "labelExists": return t("error.exists");
    case "messageQuotaExceeded":
    case "sizeQuotaExceeded": return t("error.quota");
    case "unavailable": return t("error.unavailable");
    case "wrong": return error.message;
    // An address that was typed in or has been kept may name anything.
    case "badParameter":
      if (/^(mail|conversation|contact|folder)Id$/.test(error.details?.parameter)) return t("error.notFound");
      return t("error.other", { message: error.message });
    default: return t("error.other", { message: error.message });
  }
}

/** @param {unknown} error */
export function showError(error) {
  if (error instanceof DOMException && error.name === "AbortError") return;
  if (error instanceof ApiError && error.status === 401) return;
  if (!(error instanceof ApiError)) console.error(error);
  showToast(describeError(error), { isError: true });
}
