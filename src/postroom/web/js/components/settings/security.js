/**
 * 2-step verification and recovery: the methods, switching it on with the code of one, recovery codes. What changes
 * anything asks for the password once more (withPassword).
 */
import { api } from "../../api.js";
import { h, uniqueId } from "../../dom.js";
import { t } from "../../i18n.js";
import { loadMailbox } from "../../mailbox.js";
import { state } from "../../state.js";
import { askForText, askToConfirm, openDialog } from "../dialog.js";
import { showToast } from "../toast.js";
import { actionButton, beginDrawing, card, shortDate, showSecret, thingList, withPassword } from "./form.js";

/** @typedef {{id: string, method: "email" | "sms" | "authApp", target: string, lastUsedDate: string}} Method */
/** @typedef {import("../../i18n.js").MessageName} MessageName */

export const METHODS = "/account/security/methods";
const TWO_FACTOR = "/account/security/2fa";

/** @param {Method} one */
export function nameOf(one) {
  return t(/** @type {MessageName} */ (`settings.method.${one.method}`));
}

/** @param {HTMLElement} place */
export async function show(place) {
  const draw = beginDrawing(place);
  const [{ items }, { items: usable }] = await Promise.all([api.get(METHODS), api.get(METHODS, { scope: "2fa" })]);
  const account = state.get("account");
  const policy = account?.restrictions.securityPolicy;
  const isOn = Boolean(account?.twoFactorAuthConfigured);
  const again = async () => {
    await loadMailbox();
    await show(place);
  };
  await draw(
    policy?.twoFactorAuthPolicy.status !== "disabled" && card(t("settings.twoFactor"),
      h("p", { role: "status" }, t(isOn ? "settings.twoFactorOn" : "settings.twoFactorOff")),
      h("div", { class: "button-line" },
        isOn
          ? [actionButton(t("settings.newCodes"), () => makeCodes()), actionButton(t("settings.switchOff"), async () => { if (await switchTwoFactor(usable, false)) await again(); })]
          : usable.length ? actionButton(t("settings.switchOn"), async () => { if (await switchTwoFactor(usable, true)) await again(); }, { kind: "primary" })
            : h("p", { class: "hint" }, t("settings.needsMethod")))),
    card(t("settings.methods"), h("p", { class: "hint" }, t("settings.methodsHint")),
      thingList(items, (/** @type {Method} */ one) => [
        h("span", null, nameOf(one), " ", h("span", { class: "hint" }, one.target)),
        h("span", { class: "hint" }, t("settings.lastUsed", { date: shortDate(one.lastUsedDate) })),
        actionButton(t("action.delete"), async () => { await removeMethod(one); await again(); }, { kind: "text", name: t("settings.deleteNamed", { name: nameOf(one) }) }),
      ], t("settings.noMethods")),
      h("div", { class: "button-line" },
        actionButton(t("settings.addApp"), async () => { if (await addApp()) await again(); }),
        policy?.securityMethods.alternateEmailAddress && actionButton(t("settings.addEmail"), async () => { if (await addTarget("email")) await again(); }),
        policy?.securityMethods.phoneNumber && actionButton(t("settings.addPhone"), async () => { if (await addTarget("sms")) await again(); }))));
}

/** @param {Method} one */
async function removeMethod(one) {
  if (!(await askToConfirm(t("settings.removeMethod"), `${nameOf(one)} ${one.target}`, t("action.delete")))) return;
  await withPassword(() => api.delete(`${METHODS}/${encodeURIComponent(one.id)}`));
}

/** Ask for a code, given what leads there; null where there is none. @param {string} title @param {import("../../dom.js").Child[]} before */
async function askForCode(title, before) {
  const id = uniqueId("code");
  const input = h("input", { id, type: "text", inputmode: "numeric", autocomplete: "one-time-code", required: true, pattern: "\\s*(\\d\\s*){6}", maxlength: 12 });
  const form = await openDialog({ title, content: [...before, h("div", { class: "field" }, h("label", { for: id }, t("login.code")), input)], confirm: t("login.verify") });
  return form ? input.value.replace(/\s/g, "") : null;
}

export async function addApp() {
  const made = await withPassword(() => api.post(METHODS, { method: "authApp" }));
  if (!made) return false;
  const url = URL.createObjectURL(await api.blob(`${METHODS}/${encodeURIComponent(made.id)}/qr`));
  try {
    const code = await askForCode(t("settings.addApp"), [
      h("p", null, t("settings.scan")),
      h("img", { class: "qr", src: url, alt: t("settings.qr") }),
      h("details", null, h("summary", null, t("settings.byHand")), h("pre", { class: "secret" }, made.otpauthUri)),
    ]);
    if (!code) return false;
    await withPassword(() => api.post(`${METHODS}/${encodeURIComponent(made.id)}/activate`, { totpToken: code }));
    showToast(t("settings.methodAdded"));
    return true;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** @param {"email" | "sms"} method */
export async function addTarget(method) {
  const target = await askForText({ title: t(method === "email" ? "settings.addEmail" : "settings.addPhone"), label: t(method === "email" ? "login.username" : "settings.phone"), confirm: t("login.sendCode") });
  if (!target) return false;
  const made = await withPassword(() => api.post(METHODS, { method, target }));
  if (!made) return false;
  const path = `${METHODS}/${encodeURIComponent(made.id)}`;
  await api.post(`${path}/sendtoken`);
  const code = await askForCode(t(/** @type {MessageName} */ (`settings.method.${method}`)), [h("p", null, t("settings.codeSentTo", { target }))]);
  if (!code) return false;
  await withPassword(() => api.post(`${path}/activate`, { totpToken: code }));
  showToast(t("settings.methodAdded"));
  return true;
}

/** @param {Method[]} methods @param {boolean} isOn */
export async function switchTwoFactor(methods, isOn) {
  const method = await chooseMethod(methods);
  if (!method) return false;
  if (method.method !== "authApp") await api.post(`${METHODS}/${encodeURIComponent(method.id)}/sendtoken`);
  const code = await askForCode(nameOf(method), [h("p", null, method.method === "authApp" ? t("settings.nextCode") : t("settings.codeSentTo", { target: method.target }))]);
  if (!code) return false;
  const body = { methodId: method.id, totpToken: code };
  const answer = await withPassword(() => api.call(isOn ? "POST" : "DELETE", TWO_FACTOR, { body }).then((found) => found ?? {}));
  if (!answer) return false;
  if (isOn) await showCodes(answer.recoveryCodes);
  else showToast(t("settings.twoFactorOff"));
  return true;
}

/** @param {Method[]} methods @returns {Promise<Method | null>} */
async function chooseMethod(methods) {
  if (methods.length === 1) return methods[0];
  const group = uniqueId("method");
  const form = await openDialog({
    title: t("login.method"), confirm: t("settings.next"),
    content: [h("fieldset", { class: "choices" }, methods.map((one, at) => h("label", { class: "check" },
      h("input", { type: "radio", name: group, value: one.id, ".checked": at === 0 }), `${nameOf(one)} ${one.target}`)))],
  });
  const chosen = form?.querySelector("input:checked");
  return methods.find((one) => one.id === /** @type {HTMLInputElement | null | undefined} */ (chosen)?.value) ?? null;
}

async function makeCodes() {
  if (!(await askToConfirm(t("settings.newCodes"), t("settings.newCodesText"), t("settings.newCodes"), false))) return;
  const answer = await withPassword(() => api.post(`${TWO_FACTOR}/recoverycodes`));
  if (answer) await showCodes(answer.recoveryCodes);
}

/** @param {string[]} codes */
function showCodes(codes) {
  return showSecret(t("settings.recoveryCodes"), t("settings.recoveryCodesText"), codes.join("\n"));
}
