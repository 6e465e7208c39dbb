/** Passwords and tokens for programs: each of its own, taken away one by one. */
import { api } from "../../api.js";
import { h, uniqueId } from "../../dom.js";
import { t } from "../../i18n.js";
import { askForText, askToConfirm, openDialog } from "../dialog.js";
import { actionButton, beginDrawing, card, select, shortDate, showSecret, thingList, withPassword } from "./form.js";

/** @typedef {{id: string, name: string, scope?: string, createdDate: string, lastUsedDate: string}} Token */
/** @typedef {import("../../i18n.js").MessageName} MessageName */

const PASSWORDS = "/account/apppasswords";
const BADGES = "/account/badgetokens";

/** @param {HTMLElement} place */
export async function show(place) {
  const draw = beginDrawing(place);
  const [passwords, badges] = await Promise.all([api.get(PASSWORDS), api.get(BADGES)]);
  const remove = async (/** @type {string} */ path, /** @type {Token} */ one) => {
    if (!(await askToConfirm(t("settings.revoke"), t("settings.revokeText", { name: one.name }), t("settings.revoke")))) return;
    await withPassword(() => api.delete(`${path}/${encodeURIComponent(one.id)}`));
    await show(place);
  };
  const list = (/** @type {string} */ path, /** @type {Token[]} */ items, /** @type {string} */ empty) => thingList(items, (one) => [
    h("span", null, one.name, " ", one.scope && h("span", { class: "hint" }, t(/** @type {MessageName} */ (`settings.scope.${one.scope}`)))),
    h("span", { class: "hint" }, t("settings.lastUsed", { date: shortDate(one.lastUsedDate) })),
    actionButton(t("settings.revoke"), () => remove(path, one), { kind: "text", name: t("settings.revokeNamed", { name: one.name }) }),
  ], empty);
  await draw(
    card(t("settings.appPasswords"), h("p", { class: "hint" }, t("settings.appPasswordsHint")),
      list(PASSWORDS, passwords.items, t("settings.noTokens")), actionButton(t("settings.newAppPassword"), async () => { await makePassword(); await show(place); })),
    card(t("settings.badgeTokens"), h("p", { class: "hint" }, t("settings.badgeTokensHint")),
      list(BADGES, badges.items, t("settings.noTokens")), actionButton(t("settings.newBadgeToken"), async () => { await makeBadge(); await show(place); })));
}

async function makePassword() {
  const id = uniqueId("name");
  const name = h("input", { id, type: "text", required: true, maxlength: 100 });
  const scope = select("scope", ["all", "read", "counters"].map((one) => [one, t(/** @type {MessageName} */ (`settings.scope.${one}`))]), "all");
  scope.id = uniqueId("scope");
  const form = await openDialog({
    title: t("settings.newAppPassword"), confirm: t("action.create"),
    content: [
      h("div", { class: "field" }, h("label", { for: id }, t("settings.programName")), name),
      h("div", { class: "field" }, h("label", { for: scope.id }, t("settings.scope")), scope),
    ],
  });
  if (!form) return;
  const made = await withPassword(() => api.post(PASSWORDS, { name: name.value.trim(), scope: scope.value }));
  if (made) await showSecret(made.name, t("settings.shownOnce"), made.password);
}

async function makeBadge() {
  const name = await askForText({ title: t("settings.newBadgeToken"), label: t("settings.programName"), confirm: t("action.create"), maxlength: 100 });
  if (!name) return;
  const made = await withPassword(() => api.post(BADGES, { name }));
  if (made) await showSecret(made.name, t("settings.shownOnce"), made.token);
}
