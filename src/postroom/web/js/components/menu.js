/**
 * Menus: opened at a button or at a point, ruled by the keys that menus are ruled by (WAI-ARIA menu pattern), closed
 * by Escape, by a choice, or by going elsewhere.
 */
import { h } from "../dom.js";
import { icon } from "../icons.js";

/**
 * @typedef {{text: string, run: () => void, icon?: import("../icons.js").IconName, isChecked?: boolean,
 *   isRadio?: boolean, isDangerous?: boolean, isDisabled?: boolean, hint?: string, depth?: number}} MenuItem
 * `isChecked`: given where the item is switched on and off.
 */

/**
 * @param {Element | {x: number, y: number}} anchor @param {(MenuItem | "line" | {heading: string})[]} items
 * @param {{label: string}} options
 */
export function openMenu(anchor, items, { label }) {
  document.querySelector("[role=menu]")?.remove();
  // A key may open it from elsewhere than its button.
  const active = document.activeElement;
  const opener = active instanceof HTMLElement && active !== document.body ? active : anchor instanceof HTMLElement ? anchor : null;
  const menu = h("div", { role: "menu", class: "menu", "aria-label": label, tabindex: -1 });
  const controller = new AbortController();
  const close = (isFocusReturned = true) => {
    controller.abort();
    menu.remove();
    if (anchor instanceof Element) anchor.setAttribute("aria-expanded", "false");
    if (isFocusReturned) opener?.focus({ preventScroll: true });
  };
  for (const item of items) menu.append(makeItem(item, close));
  document.body.append(menu);
  place(menu, anchor);
  if (anchor instanceof Element) anchor.setAttribute("aria-expanded", "true");
  const buttons = () => /** @type {HTMLElement[]} */ ([...menu.querySelectorAll("[role^=menuitem]:not([aria-disabled=true])")]);
  (buttons()[0] ?? menu).focus();
  const { signal } = controller;
  menu.addEventListener("keydown", (event) => moveFocus(event, buttons(), close), { signal });
  document.addEventListener("pointerdown", (event) => {
    if (!menu.contains(/** @type {Node} */ (event.target))) close(false);
  }, { signal, capture: true });
  addEventListener("hashchange", () => close(false), { signal });
  addEventListener("resize", () => close(false), { signal });
  addEventListener("blur", () => { if (document.activeElement instanceof HTMLIFrameElement) close(false); }, { signal });
  return close;
}

/** @param {MenuItem | "line" | {heading: string}} item @param {(isFocusReturned?: boolean) => void} close */
function makeItem(item, close) {
  if (item === "line") return h("div", { role: "separator", class: "menu-line" });
  if ("heading" in item) return h("div", { role: "presentation", class: "menu-heading" }, item.heading);
  const isSwitch = item.isChecked !== undefined;
  return h("button", {
    type: "button",
    role: isSwitch ? (item.isRadio ? "menuitemradio" : "menuitemcheckbox") : "menuitem",
    "aria-checked": isSwitch ? String(item.isChecked) : null,
    "aria-disabled": item.isDisabled ? "true" : null,
    class: `menu-item${item.isDangerous ? " danger" : ""}`,
    tabindex: -1,
    style: item.depth ? { "padding-inline-start": `${0.75 + item.depth}rem` } : {},
    onclick: () => {
      if (item.isDisabled) return;
      close();
      item.run();
    },
  }, isSwitch ? h("span", { class: "menu-check" }, item.isChecked && icon("check")) : item.icon && icon(item.icon),
  h("span", { class: "menu-text" }, item.text), item.hint && h("kbd", null, item.hint));
}

/** @param {KeyboardEvent} event @param {HTMLElement[]} buttons @param {(isFocusReturned?: boolean) => void} close */
function moveFocus(event, buttons, close) {
  const at = buttons.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const last = buttons.length - 1;
  event.stopPropagation();
  switch (event.key) {
    case "ArrowDown": buttons[at >= last ? 0 : at + 1]?.focus(); break;
    case "ArrowUp": buttons[at <= 0 ? last : at - 1]?.focus(); break;
    case "Home": buttons[0]?.focus(); break;
    case "End": buttons[last]?.focus(); break;
    case "Escape": close(); break;
    case "Tab": close(); return;
    default: {
      if (event.key.length !== 1 || event.key === " ") return;
      const key = event.key.toLowerCase();
      const order = [...buttons.slice(at + 1), ...buttons.slice(0, at + 1)];
      order.find((button) => button.textContent?.trim().toLowerCase().startsWith(key))?.focus();
    }
  }
  event.preventDefault();
}

/** @param {HTMLElement} menu @param {Element | {x: number, y: number}} anchor */
function place(menu, anchor) {
  const margin = 8;
  const box = anchor instanceof Element ? anchor.getBoundingClientRect() : new DOMRect(anchor.x, anchor.y, 0, 0);
  const { offsetWidth: width, offsetHeight: height } = menu;
  const left = Math.max(margin, Math.min(box.left, innerWidth - width - margin));
  const below = box.bottom + 4;
  const top = below + height + margin <= innerHeight ? below : Math.max(margin, box.top - height - 4);
  menu.style.left = `${left}px`;
  menu.style.top = `${top}px`;
  menu.style.maxHeight = `${innerHeight - top - margin}px`;
}
