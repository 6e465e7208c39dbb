/**
 * Building elements by code. Text is always text: nothing here, and nothing in the client, parses HTML, but for
 * `parseMail`, whose document never runs a script.
 */

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * @typedef {Child | Child[]} Children
 * @typedef {Record<string, any> | null} Attributes
 * @typedef {{
 *   <K extends keyof HTMLElementTagNameMap>(tag: K, attributes?: Attributes, ...children: Children[]): HTMLElementTagNameMap[K],
 *   (tag: string, attributes?: Attributes, ...children: Children[]): HTMLElement,
 * }} MakeElement
 */

/**
 * Make an element. Attributes: `class`, `style` (an object of properties), `on…` (listeners), `dataset`, a property
 * with a dot in front (`.value`), anything else as an attribute; `true` is an empty attribute, false and null none.
 */
export const h = /** @type {MakeElement} */ (makeElement);

/** @param {string} tag @param {Attributes} [attributes] @param {...Children} children */
function makeElement(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) setAttribute(element, name, value);
  element.append(...nodes(children));
  return element;
}

/** @param {HTMLElement} element @param {string} name @param {any} value */
function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name.startsWith(".")) /** @type {any} */ (element)[name.slice(1)] = value;
  else if (name === "style") for (const [key, one] of Object.entries(value)) element.style.setProperty(key, String(one));
  else if (name === "dataset") Object.assign(element.dataset, value);
  else element.setAttribute(name, value === true ? "" : String(value));
}

/** @param {Children[]} children @returns {(Node | string)[]} */
function nodes(children) {
  const found = [];
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    found.push(child instanceof Node ? child : String(child));
  }
  return found;
}

/** Replace all that is in an element. @param {Element} element @param {...Children} children */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
}

/**
 * A custom element that stops listening when it leaves the page. Subclasses implement `render`, which is called each
 * time the element enters the page, and hand `this.signal` to whatever they listen to.
 */
export class Component extends HTMLElement {
  #controller = new AbortController();

  /** Aborted when the element leaves the page. */
  get signal() {
    return this.#controller.signal;
  }

  connectedCallback() {
    this.#controller = new AbortController();
    this.render();
  }

  disconnectedCallback() {
    this.#controller.abort();
  }

  render() {}

  /**
   * The element inside that a selector names; it must be there.
   * @template {Element} [T=HTMLElement]
   * @param {string} selector
   * @returns {T}
   */
  find(selector) {
    const found = this.querySelector(selector);
    if (!found) throw new Error(`no ${selector} in ${this.localName}`);
    return /** @type {T} */ (found);
  }
}

let uniqueCount = 0;

/** An id that no other element has. @param {string} prefix */
export function uniqueId(prefix) {
  return `${prefix}-${++uniqueCount}`;
}

/**
 * Call a function once, some time after the last of several calls.
 * @template {any[]} A
 * @param {(...values: A) => void} call @param {number} milliseconds
 */
export function debounce(call, milliseconds) {
  /** @type {number | undefined} */
  let timer;
  return (/** @type {A} */ ...values) => {
    clearTimeout(timer);
    timer = window.setTimeout(() => call(...values), milliseconds);
  };
}

const LONGEST_CALL_MS = 30_000;

/**
 * Make a function that makes one call after the other, so that no earlier answer comes over a later one: those that
 * are wanted while one runs are made as one when it is done. A call is given a signal to hand on to what it waits for:
 * one that hangs does not hold up all that follow.
 * @param {(signal: AbortSignal) => Promise<void>} call @returns {() => Promise<void>} settled when nothing is wanted any more
 */
export function inTurn(call) {
  let isWanted = false;
  /** @type {Promise<void> | null} */
  let running = null;
  const run = async () => {
    try {
      while (isWanted) {
        isWanted = false;
        try {
          await call(AbortSignal.timeout(LONGEST_CALL_MS));
        } catch (error) {
          // The next call may go well, and speaks for all that wait.
          if (!isWanted) throw error;
        }
      }
    } finally {
      running = null;
    }
  };
  return () => {
    isWanted = true;
    running ??= run();
    return running;
  };
}

/**
 * Trusted Types allow no text to become HTML or the address of a script but by this policy, which is used here alone:
 * for mails, which are shown where no script runs, and for the service worker.
 * @type {{createHTML(text: string): string, createScriptURL(text: string): string}}
 */
const policy = /** @type {any} */ (window).trustedTypes?.createPolicy("postroom", {
  createHTML: (/** @type {string} */ text) => text,
  createScriptURL: (/** @type {string} */ text) => {
    if (text !== "/sw.js") throw new TypeError("not a script of ours");
    return text;
  },
}) ?? { createHTML: (text) => text, createScriptURL: (text) => text };

/**
 * Parse the HTML of a mail into a document of its own, in which nothing runs or loads.
 * @param {string} html @param {Window} frame the window that it is for, whose policy decides which styles it keeps
 */
export function parseMail(html, frame) {
  const { DOMParser: Parser } = /** @type {{DOMParser: typeof DOMParser}} */ (/** @type {unknown} */ (frame));
  return new Parser().parseFromString(policy.createHTML(html), "text/html");
}

/** Start the service worker, where there can be one. */
export function startWorker() {
  if (!("serviceWorker" in navigator)) return;
  navigator.serviceWorker.register(policy.createScriptURL("/sw.js")).catch(() => undefined);
}
