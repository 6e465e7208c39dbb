/**
 * The shell: decides between the login and the mailbox, and puts the screen of the route into its place. The mail
 * screens stay in the page while another screen covers them, so that nobody loses their place in a list.
 *
 * Other screens are modules of their own, fetched when first needed: the screen `compose` is
 * `components/compose.js`, which defines the element `pr-compose`; its property `route` is set before it enters the
 * page, and anew whenever the route changes within the screen.
 */
import { api } from "../api.js";
import { Component, fill, h } from "../dom.js";
import { live } from "../events.js";
import { currentLanguage, t } from "../i18n.js";
import { clearMailbox, loadMailbox } from "../mailbox.js";
import { makeHash, navigate } from "../router.js";
import { state } from "../state.js";
import { describeError, showError } from "./toast.js";

const SCREENS = ["compose", "contacts", "settings"];
const OFFLINE_MS = 3000;
const MAIL_SCREENS = ["mail", "search"];

/** @typedef {HTMLElement & {route?: import("../router.js").Route}} Screen */

class App extends Component {
  /** @type {Screen | null} */
  #screen = null;
  #screenName = "";
  #isLogin = false;
  #offlineTimer = 0;

  render() {
    const { signal } = this;
    api.addEventListener("signed-out", () => void this.#showLogin(), { signal });
    // Several calls may be told so at once.
    api.addEventListener("held-up", () => { if (!this.#isLogin) void this.#showLogin(); }, { signal });
    state.watch(["isLive"], () => this.#showOffline(), signal);
    state.watch(["route"], () => void this.#showScreen(), signal);
    if (api.sessid) void this.#enter();
    else void this.#showLogin();
  }

  /** Begin to show the mailbox of the session; back to the login where it is no good. */
  async #enter() {
    this.#isLogin = false;
    const { signal } = api.session;
    try {
      await loadMailbox();
    } catch (error) {
      if (!this.#isLogin && !signal.aborted) this.#showFailure(error);
      return;
    }
    state.set("isSignedIn", true);
    live.start();
    const [{ makeHeader }] = await Promise.all([import("./header.js"), import("./folders.js"), import("./mail.js")]);
    this.#screen = null;
    this.#screenName = "";
    fill(
      this,
      h("a", { class: "skip-link", href: "#main", onclick: (/** @type {Event} */ event) => this.#skip(event) }, t("app.skip")),
      makeHeader(),
      h("p", { class: "offline", role: "status" }),
      h("div", { class: "panes" },
        h("nav", { class: "nav-pane", "aria-label": t("app.navigation") }, h("pr-folders")),
        h("main", { id: "main", tabindex: -1 }, h("pr-mail"))),
    );
    this.#followLanguage();
    await this.#showScreen();
  }

  /** Say that nothing new is told, unless it is for a moment. */
  #showOffline() {
    clearTimeout(this.#offlineTimer);
    const show = (/** @type {string} */ text) => { const place = this.querySelector(".offline"); if (place) place.textContent = text; };
    if (state.get("isLive")) show("");
    else if (state.get("isSignedIn")) this.#offlineTimer = window.setTimeout(() => show(t("app.offline")), OFFLINE_MS);
  }

  /** The header has words, too, that change with the language. */
  #followLanguage() {
    const language = currentLanguage();
    const controller = new AbortController();
    state.watch(["settings", "isSignedIn"], () => {
      if (state.get("isSignedIn") && currentLanguage() === language) return;
      controller.abort();
      const header = this.querySelector(".app-header");
      if (!state.get("isSignedIn") || !header) return;
      void import("./header.js").then(({ makeHeader }) => header.replaceWith(makeHeader()));
      this.#followLanguage();
    }, AbortSignal.any([controller.signal, this.signal]));
  }

  /** @param {Event} event */
  #skip(event) {
    event.preventDefault();
    this.find("main").focus();
  }

  async #showLogin() {
    this.#isLogin = true;
    // First the screens go, so that none of them asks for anything any more.
    fill(this);
    state.set("isSignedIn", false);
    clearMailbox();
    await import("./login.js");
    const login = h("pr-login");
    login.addEventListener("signed-in", () => void this.#enter());
    fill(this, h("main", { id: "main", class: "login-page" }, login));
  }

  /** @param {unknown} error */
  #showFailure(error) {
    fill(this, h("main", { id: "main", class: "login-page" },
      h("div", { class: "card" },
        h("h1", null, "Postroom"),
        h("p", { role: "alert" }, describeError(error)),
        h("button", { class: "button primary", onclick: () => void this.#enter() }, t("action.retry")))));
  }

  async #showScreen() {
    const main = this.querySelector("main:not(.login-page)");
    if (!main) return;
    const route = state.get("route");
    /** @type {import("./mail.js").MailScreens} */
    const mail = this.find("pr-mail");
    document.body.classList.remove("is-nav-open");
    if (MAIL_SCREENS.includes(route.screen)) {
      const wasElsewhere = this.#screen !== null;
      this.#screen?.remove();
      this.#screen = null;
      this.#screenName = "";
      mail.hidden = false;
      if (wasElsewhere) mail.takeFocus();
      return;
    }
    if (this.#screen && this.#screenName === route.screen) {
      this.#screen.route = route;
      return;
    }
    if (!SCREENS.includes(route.screen)) {
      navigate(makeHash("mail"), { replace: true });
      return;
    }
    try {
      await import(`./${route.screen}.js`);
    } catch (error) {
      showError(error);
      navigate(makeHash("mail"), { replace: true });
      return;
    }
    if (state.get("route") !== route) return;
    const screen = /** @type {Screen} */ (document.createElement(`pr-${route.screen}`));
    screen.route = route;
    screen.classList.add("screen");
    this.#screen?.remove();
    this.#screen = screen;
    this.#screenName = route.screen;
    mail.hidden = true;
    main.append(screen);
  }
}

customElements.define("pr-app", App);
