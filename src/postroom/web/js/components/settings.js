/**
 * The settings: a list of sections beside the one that is open (`#/settings/<section>`). Each section is a module under
 * settings/, fetched when it is first opened, with one function `show(place, route, signal)` that fills its place.
 */
import { Component, fill, h } from "../dom.js";
import { currentLanguage, t } from "../i18n.js";
import { makeHash } from "../router.js";
import { state } from "../state.js";
import { showError } from "./toast.js";

/** @typedef {import("../router.js").Route} Route @typedef {import("../i18n.js").MessageName} MessageName */
/** @typedef {{show: (place: HTMLElement, route: Route, signal: AbortSignal) => Promise<void>}} Section */

/** @type {Record<string, () => Promise<Section>>} */
const SECTIONS = {
  general: () => import("./settings/general.js"),
  profile: () => import("./settings/profile.js"),
  addresses: () => import("./settings/addresses.js"),
  signatures: () => import("./settings/signatures.js"),
  vacation: () => import("./settings/vacation.js"),
  filters: () => import("./settings/filters.js"),
  sharing: () => import("./settings/sharing.js"),
  password: () => import("./settings/password.js"),
  security: () => import("./settings/security.js"),
  programs: () => import("./settings/programs.js"),
  webhooks: () => import("./settings/webhooks.js"),
  activity: () => import("./settings/activity.js"),
};

class Settings extends Component {
  /** @type {Route} */
  #route = { screen: "settings", parts: [], query: new URLSearchParams() };
  #shown = new AbortController();
  #list = h("ul");
  #place = h("div", { class: "settings-place" });

  get route() {
    return this.#route;
  }

  set route(route) {
    this.#route = route;
    if (this.isConnected) void this.#show();
  }

  render() {
    let language = currentLanguage();
    state.watch(["settings"], () => {
      // Words in another language are for all of it.
      if (language === currentLanguage()) return this.#showList();
      language = currentLanguage();
      this.#build();
    }, this.signal);
    this.signal.addEventListener("abort", () => this.#shown.abort());
    this.#build();
  }

  #build() {
    fill(this,
      h("nav", { class: "settings-nav", "aria-label": t("settings.title") }, h("h1", null, t("settings.title")), this.#list),
      this.#place);
    void this.#show();
  }

  #name() {
    const [name = "general"] = this.#route.parts;
    return name in SECTIONS ? name : "general";
  }

  #showList() {
    fill(this.#list, Object.keys(SECTIONS).map((name) => h("li", null, h("a", {
      href: makeHash("settings", [name]), class: "nav-link", "aria-current": name === this.#name() ? "page" : null,
    }, t(/** @type {MessageName} */ (`settings.${name}`))))));
  }

  async #show() {
    this.#shown.abort();
    const { signal } = this.#shown = new AbortController();
    this.#showList();
    const name = this.#name();
    const place = h("section", { class: "settings-section", "aria-label": t(/** @type {MessageName} */ (`settings.${name}`)) });
    fill(this.#place, h("h2", null, t(/** @type {MessageName} */ (`settings.${name}`))), place);
    this.#list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
    try {
      const section = await SECTIONS[name]();
      if (!signal.aborted) await section.show(place, this.#route, signal);
    } catch (error) {
      if (!signal.aborted) showError(error);
    }
  }
}

customElements.define("pr-settings", Settings);
