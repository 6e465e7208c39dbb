/** Forms of the login: labelled fields, and a place for what goes wrong when they are sent. */
import { h, uniqueId } from "../../dom.js";
import { t } from "../../i18n.js";
import { describeError } from "../toast.js";

/**
 * A step of the login: shows a form under a title.
 * @typedef {(title: string, form: HTMLFormElement) => void} Show
 */

/**
 * A labelled input.
 * @param {string} label @param {Record<string, any>} attributes
 */
export function makeField(label, attributes) {
  const id = uniqueId("field");
  const input = h("input", { id, ...attributes });
  return { field: h("div", { class: "field" }, h("label", { for: id }, label), input), input };
}

/** A field for an account's name. @param {string} [value] */
export function makeNameField(value = "") {
  return makeField(t("login.username"), { name: "username", autocomplete: "username", type: "email", required: true, autocapitalize: "off", spellcheck: "false", ".value": value });
}

/** Two fields for a new password. */
export function makePasswordFields() {
  const make = (/** @type {string} */ label, /** @type {string} */ name) => makeField(label, { name, type: "password", autocomplete: "new-password", required: true });
  return [make(t("login.newPassword"), "new"), make(t("login.repeatPassword"), "repeat")];
}

/**
 * A form that shows what goes wrong when it is sent.
 * @param {import("../../dom.js").Child[]} content @param {string} button @param {(form: HTMLFormElement) => Promise<void>} send
 */
export function makeForm(content, button, send) {
  const problem = h("p", { class: "form-problem", role: "alert" });
  const submit = h("button", { class: "button primary wide" }, button);
  const form = h("form", {
    novalidate: true,
    onsubmit: async (/** @type {Event} */ event) => {
      event.preventDefault();
      const missing = /** @type {HTMLInputElement | undefined} */ ([...form.elements].find((one) => one instanceof HTMLInputElement && one.required && !one.value));
      if (missing) {
        missing.focus();
        problem.textContent = t("form.missing");
        return;
      }
      submit.disabled = true;
      problem.textContent = "";
      try {
        await send(form);
      } catch (error) {
        problem.textContent = describeError(error);
      } finally {
        submit.disabled = false;
      }
    },
  }, content, problem, submit);
  return form;
}
