/** The bar at the top: the menu of a phone, the search, the account. */
import { api } from "../api.js";
import { h } from "../dom.js";
import { live } from "../events.js";
import { hueOf, initials } from "../format.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";
import { makeHash, navigate } from "../router.js";
import { ownAddress, state } from "../state.js";
import { showKeys } from "./keys-help.js";
import { openMenu } from "./menu.js";
import "./search.js";

/** The header, with its menus. */
export function makeHeader() {
  const address = ownAddress();
  const account = h("button", {
    class: "icon-button", "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": t("app.account", { address }),
    onclick: () => openAccountMenu(account),
  }, h("span", { class: "avatar", style: { "--hue": hueOf(address) }, dataset: { initials: initials(state.get("account")?.fullName || address) } }));
  return h("header", { class: "app-header" },
    h("button", {
      class: "icon-button menu-button", "aria-label": t("app.menu"),
      onclick: () => document.body.classList.toggle("is-nav-open"),
    }, icon("menu")),
    h("a", { class: "brand", href: makeHash("mail") }, h("img", { src: "/web/icons/icon.svg", alt: "" }), "Postroom"),
    h("pr-search"),
    h("div", { class: "header-end" },
      h("button", { class: "icon-button", "aria-label": t("keys.title"), onclick: () => void showKeys() }, icon("help")),
      account),
    h("div", { class: "nav-shade", onclick: () => document.body.classList.remove("is-nav-open") }));
}

/** @param {HTMLElement} button */
function openAccountMenu(button) {
  const address = ownAddress();
  openMenu(button, [
    { heading: address },
    { text: t("folders.settings"), icon: "settings", run: () => navigate(makeHash("settings")) },
    { text: t("folders.contacts"), icon: "contacts", run: () => navigate(makeHash("contacts")) },
    { text: t("keys.title"), icon: "help", hint: "?", run: () => void showKeys() },
    "line",
    { text: t("login.signOut"), icon: "signOut", run: () => void logOut() },
  ], { label: t("app.account", { address }) });
}

/** End the session, here and on the server. */
async function logOut() {
  live.stop();
  await api.logOut();
  api.dispatchEvent(new Event("signed-out"));
}
