/**
 * Logging in: name and password, a captcha where the server wants one, the second step where the account has one, a
 * new password where the old one must be changed; where the account must have a second step and has none, it is set up.
 * `signed-in` is dispatched when all of it is done. A session that stopped on the way goes on from there.
 */
import { api, ApiError } from "../api.js";
import { Component, fill, h } from "../dom.js";
import { t } from "../i18n.js";
import { makeField, makeForm, makeNameField, makePasswordFields } from "./login/form.js";
import { describePolicy } from "./settings/password.js";
import { describeError, showToast } from "./toast.js";

/** @typedef {{id: string, method: string, target: string}} Method */

const METHODS = "/account/security/methods";

class Login extends Component {
  #captchaId = "";
  #captchaUrl = "";
  /** Which of several captchas was asked for last. */
  #captchaRound = 0;

  render() {
    this.signal.addEventListener("abort", () => URL.revokeObjectURL(this.#captchaUrl));
    if (api.sessid) void this.#finish("").catch(() => this.#goBack());
    else this.#showFirstStep();
  }

  /** @param {string} title @param {HTMLFormElement} form @param {import("../dom.js").Child[]} [links] what else can be done */
  #show(title, form, links = [makeLink(t("login.back"), () => void this.#goBack())]) {
    fill(this, h("div", { class: "card login-card" },
      h("div", { class: "login-brand" }, h("img", { src: "/web/icons/icon.svg", alt: "", width: 48, height: 48 }), h("h1", null, title)),
      form, h("div", { class: "login-links" }, links)));
    const inputs = [...form.querySelectorAll("input")];
    (inputs.find((input) => !input.value) ?? inputs[0])?.focus();
  }

  /** Give up the login as far as it is. */
  async #goBack() {
    await api.logOut();
    this.#showFirstStep();
  }

  /** Ask for the second step, or have it set up: only a session that must do that may see all methods. @param {string} password */
  async #askForSecondStep(password) {
    try {
      await api.call("GET", METHODS, { isPublic: true });
    } catch (error) {
      if (!(error instanceof ApiError) || error.errorCode !== "secondFactorRequired") throw error;
      this.#showSecondStep((await api.get(METHODS, { scope: "2fa" })).items);
      return;
    }
    const { setUpSecondStep } = await import("./login/setup.js");
    await setUpSecondStep((title, form) => this.#show(title, form), () => this.#finish(password));
  }

  /** @param {string} [name] @param {string} [note] news of a recovery */
  #showFirstStep(name = "", note = "") {
    const captcha = h("div", { class: "captcha" });
    const username = makeNameField(name);
    const password = makeField(t("login.password"), { name: "password", autocomplete: "current-password", type: "password", required: true });
    const remember = h("label", { class: "check" }, h("input", { type: "checkbox", name: "remember" }), t("login.remember"));
    username.input.addEventListener("change", () => void this.#updateCaptcha(captcha, username.input.value.trim()));
    const form = makeForm([username.field, password.field, captcha, remember], t("login.submit"), async () => {
      const isRemembered = remember.querySelector("input")?.checked ?? false;
      const text = /** @type {HTMLInputElement | null} */ (captcha.querySelector("input"))?.value;
      try {
        await this.#logIn(username.input.value.trim(), password.input.value, isRemembered, text);
      } catch (error) {
        await this.#updateCaptcha(captcha, username.input.value.trim());
        if (error instanceof ApiError && error.status === 401) {
          password.input.select();
          password.input.focus();
          throw new ApiError(401, "wrong", t(captcha.childElementCount ? "login.wrongOrCaptcha" : "login.wrong"));
        }
        throw error;
      }
    });
    const recovery = () => import("./login/recovery.js");
    /** @type {import("./login/form.js").Show} */
    const show = (title, next) => this.#show(title, next);
    const done = (/** @type {string} */ known, /** @type {string} */ news) => this.#showFirstStep(known, news);
    this.#show(t("login.title"), form, [
      makeLink(t("login.forgotPassword"), () => void recovery().then(({ recoverPassword }) => recoverPassword(show, done, username.input.value.trim()))),
      makeLink(t("login.forgotName"), () => void recovery().then(({ recoverName }) => recoverName(show, done))),
    ]);
    if (note) showToast(note);
  }

  /** @param {string} username @param {string} password @param {boolean} isRemembered @param {string} [captchaText] */
  async #logIn(username, password, isRemembered, captchaText) {
    const body = { username, password, rememberLogin: isRemembered, ...(captchaText ? { captchaText, captchaId: this.#captchaId } : {}) };
    const response = await api.fetch("POST", "/login/cookie", { body, isPublic: true });
    const { sessid } = await response.json();
    if (!window.isSecureContext) await this.#requireCookie(sessid);
    api.begin(sessid, isRemembered);
    if (response.headers.has("X-Axigen-2FA")) await this.#askForSecondStep(password);
    else await this.#finish(password);
  }

  /**
   * Of a page that came without HTTPS the browser throws away a cookie that is for HTTPS alone, and says nothing: then
   * the session is of no use, and the reader has to know why. @param {string} sessid
   */
  async #requireCookie(sessid) {
    try {
      await api.fetch("GET", "/mails/counters", { query: { _h: sessid }, isPublic: true });
    } catch (error) {
      if (error instanceof ApiError && error.errorCode === "notAuthenticated") throw new ApiError(400, "wrong", t("login.noHTTPS"));
    }
  }

  /** Where a captcha is required, show one. @param {HTMLElement} place @param {string} username */
  async #updateCaptcha(place, username) {
    const round = ++this.#captchaRound;
    const { isRequired } = username
      ? await api.call("GET", "/captha/status", { query: { username }, isPublic: true }).catch(() => ({ isRequired: false }))
      : { isRequired: false };
    if (round !== this.#captchaRound) return;
    if (!isRequired) {
      fill(place);
      return;
    }
    const response = await api.fetch("GET", "/captha", { query: { username, t: Date.now() }, isPublic: true });
    const image = await response.blob();
    // The id is that of the picture that is shown, also where several were asked for.
    if (round !== this.#captchaRound) return;
    URL.revokeObjectURL(this.#captchaUrl);
    this.#captchaId = response.headers.get("X-Captcha-Id") ?? "";
    this.#captchaUrl = URL.createObjectURL(image);
    const { field } = makeField(t("login.captcha"), { name: "captcha", autocomplete: "off", required: true, autocapitalize: "characters", spellcheck: "false" });
    fill(place,
      h("img", { src: this.#captchaUrl, alt: t("login.captchaImage") }),
      h("button", { type: "button", class: "button text", onclick: () => void this.#updateCaptcha(place, username) }, t("login.newCaptcha")),
      field);
  }

  /** @param {Method[]} methods */
  #showSecondStep(methods) {
    const code = makeField(t("login.code"), { name: "code", inputmode: "numeric", autocomplete: "one-time-code", required: true });
    const choices = h("fieldset", { class: "choices" }, h("legend", null, t("login.method")),
      methods.map((method, at) => h("label", { class: "check" },
        h("input", { type: "radio", name: "method", value: method.id, ".checked": at === 0, onchange: () => update() }), describeMethod(method))),
      h("label", { class: "check" }, h("input", { type: "radio", name: "method", value: "", ".checked": !methods.length, onchange: () => update() }), t("login.recoveryCode")));
    const note = h("span", { class: "hint", role: "status" });
    const sendCode = h("button", { type: "button", class: "button", onclick: async () => {
      sendCode.disabled = true;
      try {
        await api.post(`${METHODS}/${encodeURIComponent(chosen())}/sendtoken`);
        note.textContent = t("login.codeSent");
      } catch (error) {
        note.textContent = describeError(error);
      }
      sendCode.disabled = false;
    } }, t("login.sendCode"));
    const chosen = () => /** @type {HTMLInputElement | null} */ (choices.querySelector("input:checked"))?.value ?? "";
    const update = () => {
      const method = methods.find((one) => one.id === chosen());
      sendCode.hidden = !method || method.method === "authApp";
      code.input.inputMode = method ? "numeric" : "text";
      note.textContent = "";
    };
    const form = makeForm([choices, h("div", { class: "send-code" }, sendCode, note), code.field], t("login.verify"), async () => {
      const text = code.input.value.replace(/\s/g, "");
      try {
        await api.call("POST", "/login/2fa", { body: chosen() ? { methodId: chosen(), totpToken: text } : { recoveryCode: text }, isPublic: true });
      } catch (error) {
        if (error instanceof ApiError && [400, 401].includes(error.status)) {
          if (error.errorCode === "notAuthenticated") {
            api.end();
            this.#showFirstStep();
            return;
          }
          code.input.select();
          throw new ApiError(error.status, "wrong", t("login.wrongCode"));
        }
        throw error;
      }
      await this.#finish("");
    });
    this.#show(t("login.secondStep"), form);
    update();
    code.input.focus();
  }

  /** Do what the account needs yet: the second step, a new password. @param {string} password */
  async #finish(password) {
    let info;
    try {
      info = await api.call("GET", "/account/info", { isPublic: true });
    } catch (error) {
      if (!(error instanceof ApiError) || error.errorCode !== "secondFactorRequired") throw error;
      await this.#askForSecondStep(password);
      return;
    }
    const { passwordPolicy } = info.restrictions;
    if (passwordPolicy.mustChangePassword) this.#showNewPassword(password, passwordPolicy);
    else this.dispatchEvent(new Event("signed-in"));
  }

  /** @param {string} oldPassword @param {any} policy */
  #showNewPassword(oldPassword, policy) {
    const [first, second] = makePasswordFields();
    const rules = h("ul", { class: "hint" }, describePolicy(policy).map((rule) => h("li", null, rule)));
    const form = makeForm([h("p", null, t("login.mustChange")), first.field, second.field, rules], t("login.setPassword"), async () => {
      const newPassword = first.input.value;
      if (newPassword !== second.input.value) throw new ApiError(400, "wrong", t("login.differ"));
      if (newPassword === oldPassword) throw new ApiError(400, "wrong", t("login.samePassword"));
      await api.post("/account/password/set", { newPassword });
      this.dispatchEvent(new Event("signed-in"));
    });
    this.#show(t("login.newPasswordTitle"), form);
  }
}

/** @param {string} text @param {() => void} run */
function makeLink(text, run) {
  return h("button", { type: "button", class: "button text", onclick: run }, text);
}

/** @param {Method} method */
function describeMethod({ method, target }) {
  if (method === "authApp") return t("login.byApp");
  return method === "sms" ? t("login.bySMS", { target }) : t("login.byEmail", { target });
}

customElements.define("pr-login", Login);
