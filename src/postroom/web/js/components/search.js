/**
 * The search at the top: searches as one types, and suggests words, senders and the words that searches know. It is a
 * combobox for screen readers. What is searched for is in the address (`#/search/<text>`), so that Back leads back.
 */
import { api } from "../api.js";
import { Component, debounce, fill, h, uniqueId } from "../dom.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";
import { registerKeys } from "../keys.js";
import { makeHash, navigate } from "../router.js";
import { OPERATORS, splitLast } from "../search-language.js";
import { findRole, state } from "../state.js";

const TYPING_MS = 300;
const SUGGEST_MS = 120;
const SHORTEST = 2;

/** @typedef {{text: string, hint: string, icon: import("../icons.js").IconName, value: string}} Suggestion */

class Search extends Component {
  #input = h("input");
  #list = h("div");
  #clear = h("button");
  /** @type {Suggestion[]} */
  #suggestions = [];
  #active = -1;
  #place = "";
  #request = new AbortController();

  render() {
    const listId = uniqueId("suggestions");
    const { signal } = this;
    this.#input = h("input", {
      type: "search", role: "combobox", autocomplete: "off", spellcheck: "false", "aria-label": t("search.label"), placeholder: t("search.placeholder"),
      "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": listId, enterkeyhint: "search",
    });
    this.#list = h("div", { class: "suggestions", id: listId, role: "listbox", "aria-label": t("search.suggestions"), hidden: true });
    this.#clear = h("button", { type: "button", class: "icon-button", "aria-label": t("search.clear"), hidden: true, onclick: () => this.#leave() }, icon("close"));
    fill(this, h("form", { class: "search-box", role: "search", onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); this.#choose(); } }, icon("search"), this.#input, this.#clear), this.#list);
    const soonSearch = debounce(() => this.#search(), TYPING_MS);
    const soonSuggest = debounce(() => void this.#suggest(), SUGGEST_MS);
    this.#input.addEventListener("input", () => {
      this.#clear.hidden = !this.#input.value;
      soonSearch();
      soonSuggest();
    }, { signal });
    this.#input.addEventListener("focus", soonSuggest, { signal });
    this.#input.addEventListener("blur", () => this.#hide(), { signal });
    this.#input.addEventListener("keydown", (event) => this.#press(event), { signal });
    this.#list.addEventListener("pointerdown", (event) => this.#take(event), { signal });
    registerKeys([{ key: "/", name: "keys.search", run: () => this.#input.select() }], signal);
    state.watch(["route"], () => this.#follow(), signal);
    this.#follow();
  }

  #follow() {
    const { screen, parts } = state.get("route");
    if (screen === "mail") this.#place = location.hash;
    if (document.activeElement === this.#input && screen === "search") return;
    this.#input.value = screen === "search" ? parts[0] ?? "" : "";
    this.#clear.hidden = !this.#input.value;
  }

  #search() {
    const text = this.#input.value.trim();
    const { screen, parts } = state.get("route");
    if (document.activeElement !== this.#input) return;
    if (!text) {
      if (screen === "search") this.#leave();
      return;
    }
    if (text.length < SHORTEST || (screen === "search" && parts[0] === text)) return;
    // What one types is one step of the history, not one for each letter.
    navigate(makeHash("search", [text]), { replace: screen === "search" });
  }

  /** Go back to where the search began. */
  #leave() {
    this.#input.value = "";
    this.#clear.hidden = true;
    this.#hide();
    if (state.get("route").screen === "search") navigate(this.#place || makeHash("mail", [findRole("inbox")?.id ?? ""]));
  }

  async #suggest() {
    this.#request.abort();
    this.#request = new AbortController();
    const text = this.#input.value;
    const { before, operator, word } = splitLast(text);
    /** @type {Suggestion[]} */
    const found = [];
    if (!operator) {
      for (const [name, hint] of OPERATORS) {
        if ((word === "" && text.trim() === "") || (word !== "" && name.startsWith(word.toLowerCase()))) {
          found.push({ text: name, hint: t(/** @type {import("../i18n.js").MessageName} */ (hint)), icon: "search", value: before + name });
        }
      }
    }
    found.push(...suggestNames(operator, word, before));
    if (word.length >= SHORTEST && ["", "-", "from:", "to:", "subject:", "body:"].includes(operator)) {
      try {
        const { items } = await api.get("/mails/search/suggest", { prefix: word }, this.#request.signal);
        for (const one of items) {
          const isSender = one.kind === "sender";
          if (isSender && operator === "subject:") continue;
          const value = /\s/.test(one.text) ? `"${one.text}"` : one.text;
          found.push({ text: one.text, hint: one.count.toLocaleString(), icon: isSender ? "contacts" : "search", value: `${before}${operator || (isSender ? "from:" : "")}${value} ` });
        }
      } catch {
        // A search needs no suggestions.
      }
    }
    if (this.#input.value !== text || document.activeElement !== this.#input) return;
    this.#suggestions = found.slice(0, 12);
    this.#active = -1;
    this.#draw();
  }

  #draw() {
    const isOpen = this.#suggestions.length > 0;
    this.#list.hidden = !isOpen;
    this.#input.setAttribute("aria-expanded", String(isOpen));
    fill(this.#list, this.#suggestions.map((one, at) =>
      h("div", { role: "option", class: "suggestion", id: `${this.#list.id}-${at}`, "aria-selected": String(at === this.#active), dataset: { at } },
        icon(one.icon), h("span", null, one.text), h("span", { class: "hint" }, one.hint))));
    if (this.#active >= 0) this.#input.setAttribute("aria-activedescendant", `${this.#list.id}-${this.#active}`);
    else this.#input.removeAttribute("aria-activedescendant");
    this.#list.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }

  #hide() {
    this.#request.abort();
    this.#suggestions = [];
    this.#draw();
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (event.isComposing) return;
    const count = this.#suggestions.length;
    if (event.key === "ArrowDown" && count) this.#active = (this.#active + 1) % count;
    else if (event.key === "ArrowUp" && count) this.#active = (this.#active <= 0 ? count : this.#active) - 1;
    else if (event.key === "Escape") {
      if (count) this.#hide();
      else this.#input.blur();
      event.preventDefault();
      return;
    } else return;
    event.preventDefault();
    this.#draw();
  }

  /** Enter: take the suggestion that is chosen, else search for what is there. */
  #choose() {
    const chosen = this.#suggestions[this.#active];
    if (chosen) {
      this.#put(chosen);
      return;
    }
    this.#hide();
    const text = this.#input.value.trim();
    if (!text) return;
    navigate(makeHash("search", [text]), { replace: state.get("route").screen === "search" });
    // What was found has the focus now, for the arrows.
    this.#input.blur();
    this.dispatchEvent(new CustomEvent("searched", { bubbles: true }));
  }

  /** @param {PointerEvent} event */
  #take(event) {
    const option = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[role=option]"));
    if (!option) return;
    event.preventDefault();
    this.#put(this.#suggestions[Number(option.dataset.at)]);
  }

  /** @param {Suggestion} suggestion */
  #put(suggestion) {
    this.#input.value = suggestion.value;
    this.#clear.hidden = false;
    this.#hide();
    if (!suggestion.value.endsWith(":")) this.#search();
    void this.#suggest();
  }
}

/** Folders and labels by their beginning. @param {string} operator @param {string} word @param {string} before @returns {Suggestion[]} */
function suggestNames(operator, word, before) {
  const matches = (/** @type {string} */ name) => name.toLowerCase().startsWith(word.toLowerCase());
  const quoted = (/** @type {string} */ name) => (/\s/.test(name) ? `"${name}"` : name);
  const bare = operator.replace(/^-/, "");
  if (bare === "in:") {
    return state.get("folders").filter((one) => one.folderType === "mails" && matches(one.name))
      .map((one) => ({ text: one.name, hint: "", icon: "folder", value: `${before}in:${quoted(one.name)} ` }));
  }
  if (bare === "label:") {
    return state.get("labels").filter((one) => matches(one.name))
      .map((one) => ({ text: one.name, hint: "", icon: "label", value: `${before}${operator}${quoted(one.name)} ` }));
  }
  if (bare === "is:") {
    return ["unread", "read", "flagged", "answered", "forwarded", "important"].filter(matches)
      .map((name) => ({ text: name, hint: "", icon: "search", value: `${before}${operator}${name} ` }));
  }
  return [];
}

customElements.define("pr-search", Search);
