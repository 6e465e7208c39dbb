/** Programs that are told of what happens in the account (docs/webhooks.md). */
import { api } from "../../api.js";
import { h } from "../../dom.js";
import { t } from "../../i18n.js";
import { findFolder } from "../../state.js";
import { isContainer, listMailFolders } from "../folders.js";
import { askToConfirm } from "../dialog.js";
import { actionButton, beginDrawing, card, checkbox, field, isChecked, saveForm, select, shortDate, showSecret, text, thingList, valueOf } from "./form.js";

/**
 * @typedef {{id: string, url: string, kinds: string[], folderId: string | null, enabled: boolean,
 *   lastDelivery: string | null, failure: {message: string} | null}} Webhook
 */

const PATH = "/account/webhooks";
const KINDS = ["mail.delivered", "mail.changed", "mail.removed", "mail.sent", "mail.bounced", "folder.changed", "counters.changed"];

/** @param {HTMLElement} place */
export async function show(place) {
  const draw = beginDrawing(place);
  /** @type {{items: Webhook[]}} */
  const { items } = await api.get(PATH);
  const path = (/** @type {Webhook} */ one) => `${PATH}/${encodeURIComponent(one.id)}`;
  const remove = async (/** @type {Webhook} */ one) => {
    if (!(await askToConfirm(t("settings.webhooks"), t("settings.deleteNamed", { name: one.url }), t("action.delete")))) return;
    await api.delete(path(one));
    await show(place);
  };
  const toggle = async (/** @type {Webhook} */ one) => {
    await api.patch(path(one), { enabled: !one.enabled });
    await show(place);
  };
  await draw(
    card("", h("p", { class: "hint" }, t("settings.webhooksHint")),
      thingList(items, (one) => [
        h("div", null, one.url, h("div", { class: "hint" }, describe(one))),
        actionButton(t(one.enabled ? "settings.switchOff" : "settings.switchOn"), () => toggle(one), { kind: "text" }),
        actionButton(t("action.delete"), () => remove(one), { kind: "text", name: t("settings.deleteNamed", { name: one.url }) }),
      ], t("settings.noTokens"))),
    card(t("action.create"), makeForm(place)));
}

/** @param {Webhook} one */
function describe(one) {
  const folder = one.folderId ? findFolder(one.folderId)?.name ?? one.folderId : t("settings.allFolders");
  const kinds = one.kinds.length < KINDS.length ? one.kinds.join(", ") : "";
  const status = one.failure ? t("settings.webhookFailed", { message: one.failure.message }) : t("settings.lastUsed", { date: shortDate(one.lastDelivery ?? "") });
  return [folder, kinds, !one.enabled && t("settings.webhookOff"), status].filter(Boolean).join(" · ");
}

/** @param {HTMLElement} place */
function makeForm(place) {
  const folders = listMailFolders().filter(({ folder }) => !isContainer(folder));
  const kinds = h("fieldset", { class: "choices" }, h("legend", null, t("settings.webhookKinds")),
    KINDS.map((kind) => field(kind, checkbox(kind, true))));
  return saveForm([
    field(t("settings.webhookUrl"), text("url", "", { type: "url", required: true, maxlength: 2000 })),
    field(t("settings.folder"), select("folderId", [["", t("settings.allFolders")], ...folders.map(({ folder, depth }) => /** @type {[string, string]} */ ([folder.id, "\u2003".repeat(depth) + folder.name]))], "")),
    kinds,
  ], async (form) => {
    const made = await api.post(PATH, {
      url: valueOf(form, "url").trim(), kinds: KINDS.filter((kind) => isChecked(form, kind)), folderId: valueOf(form, "folderId") || null,
    });
    await show(place);
    await showSecret(made.url, t("settings.webhookSecret"), made.secret);
  }, { submit: t("action.create"), done: null });
}
