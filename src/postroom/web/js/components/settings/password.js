/** Another password. */
import { api } from "../../api.js";
import { fill, h } from "../../dom.js";
import { t } from "../../i18n.js";
import { state } from "../../state.js";
import { card, field, saveForm, text, valueOf } from "./form.js";

/** @typedef {import("../../i18n.js").MessageName} MessageName */

/** What a password must be. @param {any} policy @returns {string[]} */
export function describePolicy(policy) {
  const { contentPolicy, history } = policy;
  const found = [];
  if (contentPolicy?.enabled) {
    found.push(t("settings.policyLength", { min: contentPolicy.minLength, max: contentPolicy.maxLength }));
    found.push(t(/** @type {MessageName} */ (`settings.policy.${contentPolicy.mustInclude}`)));
  }
  if (history?.enabled) found.push(t("settings.policyHistory", { count: history.size }));
  return found;
}

/** @param {HTMLElement} place */
export async function show(place) {
  /** @type {any} */
  const policy = state.get("account")?.restrictions.passwordPolicy ?? {};
  if (policy.allowChangeByUser === false) {
    fill(place, card("", h("p", null, t("settings.passwordFixed"))));
    return;
  }
  const password = (/** @type {string} */ name, /** @type {string} */ autocomplete) => text(name, "", { type: "password", required: true, autocomplete });
  const rules = describePolicy(policy);
  fill(place, card("", saveForm([
    field(t("settings.oldPassword"), password("oldPassword", "current-password")),
    field(t("login.newPassword"), password("newPassword", "new-password")),
    field(t("login.repeatPassword"), password("repeated", "new-password")),
    rules.length > 0 && h("ul", { class: "hint" }, rules.map((rule) => h("li", null, rule))),
    h("p", { class: "hint" }, t("settings.passwordHint")),
  ], async (form) => {
    if (valueOf(form, "newPassword") !== valueOf(form, "repeated")) throw new Error(t("login.differ"));
    await api.post("/account/password/reset", { oldPassword: valueOf(form, "oldPassword"), newPassword: valueOf(form, "newPassword") });
    form.reset();
  }, { submit: t("login.setPassword") })));
}
