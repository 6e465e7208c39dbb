/**
 * A field of recipients: each a chip, with those one writes to most offered as one types (WAI-ARIA combobox pattern).
 * Enter, comma, semicolon and leaving the field make a chip; Backspace takes the last one back into the field.
 */
import { api } from "../../api.js";
import { Component, debounce, fill, h, uniqueId } from "../../dom.js";
import { parseAddresses } from "../../format.js";
import { icon } from "../../icons.js";
import { t } from "../../i18n.js";

/** @typedef {import("../../format.js").Address} Address */

const MOST = 8;
const SPECIALS = /[()<>[\]:;@\\,."]/;

/** An address as it is written in a header. @param {Address} one */
export function renderAddress({ name, address }) {
  if (!name) return address;
  const written = SPECIALS.test(name) ? `"${name.replace(/["\\]/g, "\\$&")}"` : name;
  return `${written} <${address}>`;
}

/** Whether it could be an address; the server decides. @param {string} address */
function isLikely(address) {
  return /^[^\s@<>]+@[^\s@<>]+$/.test(address);
}

export class Recipients extends Component {
  label = "";
  /** @type {Address[]} */
  #addresses = [];
  /** @type {Address[]} */
  #offers = [];
  #active = -1;
  #listId = uniqueId("offers");
  #inputId = uniqueId("recipients");
  #input = h("input", {
    type: "text", id: this.#inputId, role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false",
    "aria-controls": this.#listId, autocomplete: "off", autocapitalize: "off", spellcheck: "false", inputmode: "email",
  });
  #chips = h("ul", { class: "recipient-chips" });
  #list = h("ul", { id: this.#listId, role: "listbox", class: "suggestions", hidden: true });
  #soonAsk = debounce(() => void this.#ask(), 120);

  /** The field as a header says it. */
  get value() {
    return this.#addresses.map(renderAddress).join(", ");
  }

  set value(header) {
    this.#addresses = parseAddresses(header);
    this.#showChips();
  }

  /** Its addresses, each as a header says it. */
  get list() {
    return this.#addresses.map(renderAddress);
  }

  /** Whether there is anything in it. */
  get isEmpty() {
    return this.#addresses.length === 0 && this.#input.value.trim() === "";
  }

  /** The first that cannot be an address, "" where there is none. */
  get wrong() {
    return this.#addresses.find((one) => !isLikely(one.address))?.address ?? "";
  }

  render() {
    const { signal } = this;
    this.setAttribute("role", "group");
    this.setAttribute("aria-label", this.label);
    this.#list.setAttribute("aria-label", t("compose.offers"));
    fill(this,
      h("label", { for: this.#inputId }, this.label),
      h("div", { class: "recipient-box" }, this.#chips, this.#input, this.#list));
    this.#input.addEventListener("keydown", (event) => this.#press(event), { signal });
    this.#input.addEventListener("input", () => this.#typed(), { signal });
    this.#input.addEventListener("paste", (event) => this.#paste(event), { signal });
    this.#input.addEventListener("blur", () => this.commit(), { signal });
    this.addEventListener("click", (event) => { if (event.target === this.#chips || event.target === this) this.#input.focus(); }, { signal });
    this.#showChips();
  }

  /** Put the cursor into it. */
  begin() {
    this.#input.focus();
  }

  /** Make chips of what was typed. */
  commit() {
    this.#close();
    const text = this.#input.value.trim().replace(/[,;]+$/, "");
    this.#input.value = "";
    if (text) this.#add(parseAddresses(text.replaceAll(";", ",")));
  }

  /** @param {Address[]} some */
  #add(some) {
    const known = new Set(this.#addresses.map((one) => one.address.toLowerCase()));
    for (const one of some) {
      const address = one.address.trim();
      if (!address || known.has(address.toLowerCase())) continue;
      known.add(address.toLowerCase());
      this.#addresses.push({ name: one.name, address });
    }
    this.#showChips();
    this.#tell();
  }

  /** @param {number} at */
  #remove(at) {
    this.#addresses.splice(at, 1);
    this.#showChips();
    this.#tell();
    this.#input.focus();
  }

  #tell() {
    this.dispatchEvent(new Event("change", { bubbles: true }));
  }

  #showChips() {
    fill(this.#chips, this.#addresses.map((one, at) => h("li", { class: `chip${isLikely(one.address) ? "" : " is-wrong"}`, title: one.address },
      h("span", null, one.name || one.address),
      h("button", { type: "button", class: "chip-remove", "aria-label": t("compose.removeRecipient", { name: one.name || one.address }), onclick: () => this.#remove(at) }, icon("close")))));
    this.#chips.hidden = this.#addresses.length === 0;
  }

  #typed() {
    if (/[,;]$/.test(this.#input.value) && !/^[^"]*"[^"]*$/.test(this.#input.value)) {
      this.commit();
      return;
    }
    this.#soonAsk();
    this.#tell();
  }

  /** @param {ClipboardEvent} event */
  #paste(event) {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!text.includes("@") || !/[,;\n<]/.test(text)) return;
    event.preventDefault();
    this.#add(parseAddresses(text.replace(/[;\r\n]+/g, ",")));
  }

  async #ask() {
    const query = this.#input.value.trim();
    if (!query) {
      this.#close();
      return;
    }
    try {
      const { items } = await api.get("/contacts/autocomplete", { query, limit: MOST }, this.signal);
      if (this.#input.value.trim() !== query || document.activeElement !== this.#input) return;
      this.#offers = items.map((/** @type {any} */ one) => ({ name: one.name, address: one.email })).filter((/** @type {Address} */ one) => one.address);
    } catch {
      this.#offers = [];
    }
    this.#active = -1;
    this.#showOffers();
  }

  #showOffers() {
    this.#list.hidden = this.#offers.length === 0;
    this.#input.setAttribute("aria-expanded", String(!this.#list.hidden));
    fill(this.#list, this.#offers.map((one, at) => h("li", {
      id: `${this.#listId}-${at}`, role: "option", class: "suggestion", "aria-selected": String(at === this.#active),
      // Before the field loses the focus, which would make a chip of what was typed.
      onpointerdown: (/** @type {Event} */ event) => { event.preventDefault(); this.#take(at); },
    }, h("span", null, one.name || one.address), one.name && h("span", { class: "hint" }, one.address))));
    const active = this.#active < 0 ? "" : `${this.#listId}-${this.#active}`;
    if (active) this.#input.setAttribute("aria-activedescendant", active);
    else this.#input.removeAttribute("aria-activedescendant");
  }

  #close() {
    this.#offers = [];
    this.#active = -1;
    this.#showOffers();
  }

  /** @param {number} at */
  #take(at) {
    const chosen = this.#offers[at];
    this.#input.value = "";
    this.#close();
    this.#add([chosen]);
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const last = this.#offers.length - 1;
    switch (event.key) {
      case "ArrowDown": if (last < 0) return; this.#active = this.#active >= last ? 0 : this.#active + 1; break;
      case "ArrowUp": if (last < 0) return; this.#active = this.#active <= 0 ? last : this.#active - 1; break;
      case "Escape": if (last < 0) return; event.stopPropagation(); this.#offers = []; this.#active = -1; break;
      case "Enter":
        if (event.ctrlKey || event.metaKey) { this.commit(); return; }
        event.preventDefault();
        if (last >= 0) this.#take(Math.max(this.#active, 0));
        else this.commit();
        return;
      case "Backspace":
        if (this.#input.value || !this.#addresses.length) return;
        this.#input.value = renderAddress(/** @type {Address} */ (this.#addresses.pop()));
        this.#showChips();
        break;
      default: return;
    }
    event.preventDefault();
    this.#showOffers();
  }
}

customElements.define("pr-recipients", Recipients);
