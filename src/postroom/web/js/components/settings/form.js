/** Parts of the settings' pages: cards, fields, lists of things with buttons; and forms that are saved by a call. */
import { api, ApiError } from "../../api.js";
import { fill, h, uniqueId } from "../../dom.js";
import { t } from "../../i18n.js";
import { released } from "../../press.js";
import { openDialog } from "../dialog.js";
import { describeError, showError, showToast } from "../toast.js";

/** @typedef {import("../../dom.js").Child} Child */
/** @typedef {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} Control */

/** @param {string} title @param {...(Child | Child[])} children */
export function card(title, ...children) {
  return h("div", { class: "settings-card" }, title && h("h3", null, title), ...children);
}

/**
 * A control with its label above it, or beside it where it is a checkbox. Its `name` is the parameter of the call: what
 * the server says of that parameter is shown here.
 * @param {string} label @param {Control} control @param {string} [hint]
 */
export function field(label, control, hint) {
  control.id ||= uniqueId("field");
  const isCheck = control instanceof HTMLInputElement && control.type === "checkbox";
  const name = h("label", { for: control.id }, label);
  const note = hint && h("p", { class: "hint", id: `${control.id}-hint` }, hint);
  if (hint) control.setAttribute("aria-describedby", `${control.id}-hint`);
  return h("div", { class: isCheck ? "check-field" : "field" }, isCheck ? h("div", { class: "check" }, control, name) : [name, control], note);
}

/** @param {string} name @param {boolean} isChecked */
export function checkbox(name, isChecked) {
  return h("input", { type: "checkbox", name, ".checked": isChecked });
}

/** @param {string} name @param {string} value @param {Record<string, any>} [attributes] */
export function text(name, value, attributes = {}) {
  return h("input", { type: "text", name, ".value": value, ...attributes });
}

/** @param {string} name @param {[string, string][]} options value and text @param {string} value */
export function select(name, options, value) {
  const made = h("select", { name }, options.map(([one, label]) => h("option", { value: one }, label)));
  made.value = value;
  return made;
}

/**
 * A form that is saved by a call.
 * @param {(Child | Child[])[]} children
 * @param {(form: HTMLFormElement) => Promise<unknown>} save
 * @param {{submit?: string, done?: string | null}} [options] `done`: what is told afterwards; null for nothing
 */
export function saveForm(children, save, { submit = t("action.save"), done = t("settings.saved") } = {}) {
  const problem = h("p", { class: "form-problem", role: "alert" });
  const button = h("button", { class: "button primary" }, submit);
  const form = h("form", { novalidate: true }, ...children, problem, button);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearProblems(form, problem);
    const missing = [...form.querySelectorAll("input, select, textarea")].find((one) => !(/** @type {Control} */ (one)).checkValidity());
    if (missing) {
      problem.textContent = /** @type {Control} */ (missing).validationMessage || t("form.missing");
      /** @type {Control} */ (missing).focus();
      return;
    }
    button.disabled = true;
    try {
      await save(form);
      if (done) showToast(done);
    } catch (error) {
      showProblem(form, problem, error);
    } finally {
      button.disabled = false;
    }
  });
  return form;
}

/** @param {HTMLFormElement} form @param {HTMLElement} problem */
function clearProblems(form, problem) {
  problem.textContent = "";
  for (const one of form.querySelectorAll("[aria-invalid]")) one.removeAttribute("aria-invalid");
}

/** Say what the server refused, at the field that it is about. @param {HTMLFormElement} form @param {HTMLElement} problem @param {unknown} error */
function showProblem(form, problem, error) {
  problem.textContent = describeError(error);
  const parameter = error instanceof ApiError ? String(error.details?.parameter ?? "") : "";
  const control = parameter ? form.elements.namedItem(parameter.split(".").at(-1) ?? "") : null;
  if (control instanceof HTMLElement) {
    control.setAttribute("aria-invalid", "true");
    control.focus();
  }
}

/** The value of a control of a form. @param {HTMLFormElement} form @param {string} name */
export function valueOf(form, name) {
  const control = /** @type {Control} */ (form.elements.namedItem(name));
  return control.value;
}

/** @param {HTMLFormElement} form @param {string} name */
export function isChecked(form, name) {
  return /** @type {HTMLInputElement} */ (form.elements.namedItem(name)).checked;
}

/**
 * A list of things, each with buttons.
 * @template T
 * @param {T[]} items @param {(item: T) => (Child | Child[])[]} show @param {string} empty
 */
export function thingList(items, show, empty) {
  if (!items.length) return h("p", { class: "hint" }, empty);
  return h("ul", { class: "thing-list" }, items.map((item) => h("li", null, ...show(item))));
}

/** A button that does something, and says so where it fails. @param {string} label @param {() => Promise<unknown>} run @param {{kind?: string, name?: string}} [options] */
export function actionButton(label, run, { kind = "", name = "" } = {}) {
  const button = h("button", { type: "button", class: `button ${kind}`, "aria-label": name || null }, label);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await run();
    } catch (error) {
      showError(error);
    } finally {
      button.disabled = false;
    }
  });
  return button;
}

/** How often something was begun to be drawn in a place. @type {WeakMap<Element, number>} */
const begun = new WeakMap();

/**
 * Begin to draw in a place what is fetched first. The function that is returned draws it once nothing is pressed, since
 * somebody goes on with the next thing before the answer is there; and not where something else was begun meanwhile,
 * which is of later.
 * @param {Element} place @returns {(...children: (Child | Child[])[]) => Promise<void>}
 */
export function beginDrawing(place) {
  const number = (begun.get(place) ?? 0) + 1;
  begun.set(place, number);
  return async (...children) => {
    await released();
    if (begun.get(place) === number) fill(place, ...children);
  };
}

/**
 * Make a call that needs the password once more: it is asked for where the present proof does not do.
 * @template T
 * @param {() => Promise<T>} call
 * @returns {Promise<T | undefined>} undefined where nobody has given it
 */
export async function withPassword(call) {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof ApiError) || error.errorCode !== "securityTokenRequired") throw error;
  }
  return (await askForPassword()) ? call() : undefined;
}

async function askForPassword() {
  for (let problem = ""; ;) {
    const id = uniqueId("password");
    const input = h("input", { id, type: "password", required: true, autocomplete: "current-password", autofocus: true });
    const form = await openDialog({
      title: t("settings.confirmTitle"), confirm: t("settings.confirm"),
      content: [
        h("p", null, t("settings.confirmText")),
        h("div", { class: "field" }, h("label", { for: id }, t("login.password")), input),
        h("p", { class: "form-problem", role: "alert" }, problem),
      ],
    });
    if (!form) return false;
    try {
      const { securityToken } = await api.post("/account/security/check", { password: input.value });
      api.securityToken = securityToken;
      return true;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 400) throw error;
      problem = t("settings.wrongPassword");
    }
  }
}

/** Show something once: a password, codes; with a button that copies it. @param {string} title @param {string} note @param {string} secret */
export async function showSecret(title, note, secret) {
  await openDialog({
    title,
    content: [
      h("p", null, note),
      h("pre", { class: "secret", tabindex: 0 }, secret),
      actionButton(t("settings.copy"), async () => {
        await navigator.clipboard.writeText(secret);
        showToast(t("settings.copied"));
      }),
    ],
  });
}

/** A date of the API, as people read it. @param {string} seconds @param {string} [none] */
export function shortDate(seconds, none = "–") {
  const value = Number(seconds);
  return value ? new Date(value * 1000).toLocaleString(document.documentElement.lang || "en", { dateStyle: "medium", timeStyle: "short" }) : none;
}
