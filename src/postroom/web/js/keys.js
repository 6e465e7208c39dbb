/**
 * The keyboard. A screen registers what its keys do; keys do nothing while somebody types, while a dialog or menu is
 * open, or with Ctrl, Alt or Meta. Two keys after each other are written with a space: `g i`.
 */
import { t } from "./i18n.js";

/** @typedef {{key: string, name: import("./i18n.js").MessageName, run: (event: KeyboardEvent) => void}} Binding */

/** @type {Set<Binding[]>} */
const registered = new Set();
const SECOND_KEY_MS = 1200;
let first = "";
let firstAt = 0;

/** @param {Binding[]} bindings @param {AbortSignal} [signal] */
export function registerKeys(bindings, signal) {
  registered.add(bindings);
  signal?.addEventListener("abort", () => registered.delete(bindings), { once: true });
}

/** What the keys do at present, for the help. @returns {{key: string, text: string}[]} */
export function describeKeys() {
  return [...registered].flat().map(({ key, name }) => ({ key, text: t(name) }));
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && !["checkbox", "radio", "button"].includes(target.type);
}

/** @param {string} key */
function find(key) {
  // The last screen that came goes first.
  for (const bindings of [...registered].reverse()) {
    const found = bindings.find((binding) => binding.key === key);
    if (found) return found;
  }
  return undefined;
}

/** Let a key that was pressed elsewhere (in the frame of a mail) act as if pressed here. @param {KeyboardEvent} event */
export function pressKey(event) {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || isTyping(event.target)) return;
  if (document.querySelector("dialog[open], [role=menu]")) return;
  const second = first && performance.now() - firstAt < SECOND_KEY_MS ? find(`${first} ${event.key}`) : undefined;
  const binding = second ?? find(event.key);
  first = "";
  if (binding) {
    event.preventDefault();
    binding.run(event);
  } else if ([...registered].flat().some(({ key }) => key.startsWith(`${event.key} `))) {
    first = event.key;
    firstAt = performance.now();
  }
}

addEventListener("keydown", pressKey);
