/**
 * Contacts: the list, by pages as one scrolls, or what a search finds; beside it the contact of the route
 * (`#/contacts/<id>`, `#/contacts/new`, `#/contacts/newlist`), to be read and changed at once.
 */
import { api } from "../api.js";
import { Component, debounce, fill, h } from "../dom.js";
import { onLive } from "../events.js";
import { hueOf, initials } from "../format.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";
import { whenReleased } from "../press.js";
import { makeHash, navigate } from "../router.js";
import { showContact } from "./contacts/contact.js";
import { showError, showToast } from "./toast.js";

/** @typedef {import("./contacts/contact.js").ListedContact} ListedContact */

const PAGE = 100;
const MOST = 1000;

class Contacts extends Component {
  /** @type {import("../router.js").Route} */
  #route = { screen: "contacts", parts: [], query: new URLSearchParams() };
  /** @type {ListedContact[]} */
  #items = [];
  #total = 0;
  #query = "";
  #round = 0;
  #isLoading = false;
  #rows = h("ul", { class: "contact-rows" });
  #count = h("p", { class: "hint", role: "status" });
  #detail = h("div", { class: "contact-detail" });
  #end = h("div", { class: "contact-end" });

  get route() {
    return this.#route;
  }

  set route(route) {
    this.#route = route;
    if (!this.isConnected) return;
    this.#showRows();
    void this.#showDetail();
  }

  render() {
    const search = h("input", { type: "search", placeholder: t("contacts.search"), "aria-label": t("contacts.search"), autocomplete: "off" });
    search.addEventListener("input", debounce(() => { this.#query = search.value.trim(); void this.#reload(); }, 150), { signal: this.signal });
    const soon = debounce(() => void this.#reload(), 200);
    onLive("contacts", soon, this.signal);
    onLive("refresh", soon, this.signal);
    const picker = h("input", { type: "file", accept: ".vcf,text/vcard", hidden: true, "aria-label": t("contacts.import"), onchange: () => void this.#import(picker) });
    const button = (/** @type {string} */ name, /** @type {import("../icons.js").IconName} */ picture, /** @type {() => void} */ run) =>
      h("button", { type: "button", class: "icon-button", "aria-label": name, title: name, onclick: run }, icon(picture));
    fill(this,
      h("div", { class: "contact-list" },
        h("header", null, h("h1", null, t("contacts.title")), h("div", { class: "contact-tools" },
          button(t("contacts.new"), "plus", () => navigate(makeHash("contacts", ["new"]))),
          button(t("contacts.newList"), "shared", () => navigate(makeHash("contacts", ["newlist"]))),
          picker, button(t("contacts.import"), "upload", () => picker.click()),
          h("a", { class: "icon-button", href: api.url("/contacts/export", { version: "4.0" }), download: "contacts.vcf", "aria-label": t("contacts.export"), title: t("contacts.export") }, icon("download")))),
        search, this.#count, h("div", { class: "contact-scroll", tabindex: 0, role: "group", "aria-label": t("contacts.title") }, this.#rows, this.#end)),
      this.#detail);
    const observer = new IntersectionObserver((entries) => { if (entries.some((one) => one.isIntersecting)) void this.#more(); });
    observer.observe(this.#end);
    this.signal.addEventListener("abort", () => observer.disconnect());
    void this.#reload();
    void this.#showDetail();
  }

  /** Fetch anew what is shown; it stays until that is there. */
  async #reload() {
    this.#round += 1;
    await this.#load(0, Math.min(MOST, Math.max(PAGE, this.#items.length)));
  }

  /** Fetch the next page; what a search finds comes at once. */
  async #more() {
    if (this.#isLoading || (this.#items.length > 0 && (this.#query !== "" || this.#items.length >= this.#total))) return;
    await this.#load(this.#items.length, PAGE);
  }

  /** @param {number} start @param {number} limit */
  async #load(start, limit) {
    if (this.signal.aborted) return;
    this.#isLoading = true;
    const round = this.#round;
    try {
      const page = this.#query
        ? await api.get("/contacts/autocomplete", { query: this.#query, limit: 50 }, this.signal)
        : await api.get("/contacts", { sort: "name", dir: "ASC", start, limit }, this.signal);
      if (round !== this.#round) return;
      this.#total = page.totalItems;
      this.#items = [...this.#items.slice(0, start), ...page.items];
      whenReleased(this.#follow);
    } catch (error) {
      if (!this.signal.aborted) showError(error);
    } finally {
      if (round === this.#round) this.#isLoading = false;
    }
  }

  #follow = () => this.#showRows();

  #showRows() {
    const [chosen] = this.#route.parts;
    const focused = this.#rows.contains(document.activeElement) && document.activeElement?.getAttribute("href");
    this.#count.textContent = t("contacts.count", { count: this.#total });
    fill(this.#rows, this.#items.map((one) => h("li", null, h("a", {
      href: makeHash("contacts", [one.id]), class: "contact-row", "aria-current": one.id === chosen ? "page" : null,
    },
    h("span", { class: "avatar", "aria-hidden": "true", style: { "--hue": hueOf(one.email || one.name) } }, one.isDistributionList ? icon("shared") : initials(one.name || one.email)),
    h("span", { class: "contact-name" }, h("strong", null, one.name || one.email), h("span", { class: "hint" }, one.name ? one.email : ""))))));
    if (!this.#items.length) fill(this.#rows, h("li", { class: "hint" }, t(this.#query ? "contacts.noneFound" : "contacts.none")));
    if (focused) [...this.#rows.querySelectorAll("a")].find((one) => one.getAttribute("href") === focused)?.focus({ preventScroll: true });
  }

  async #showDetail() {
    const [id = ""] = this.#route.parts;
    this.classList.toggle("has-detail", id !== "");
    if (!id) {
      fill(this.#detail, h("p", { class: "hint" }, t("contacts.choose")));
      return;
    }
    try {
      await showContact(this.#detail, id, {
        changed: (next) => { void this.#reload(); navigate(makeHash("contacts", next ? [next] : []), { replace: true }); },
        back: () => navigate(makeHash("contacts")),
      });
    } catch (error) {
      showError(error);
      navigate(makeHash("contacts"), { replace: true });
    }
  }

  /** @param {HTMLInputElement} picker */
  async #import(picker) {
    const [file] = picker.files ?? [];
    picker.value = "";
    if (!file) return;
    try {
      const form = new FormData();
      form.append("file", file, file.name);
      const { imported, updated, failed } = await api.call("POST", "/contacts/import", { body: form });
      showToast(t("contacts.imported", { imported, updated, failed }));
      await this.#reload();
    } catch (error) {
      showError(error);
    }
  }
}

customElements.define("pr-contacts", Contacts);
