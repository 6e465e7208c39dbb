/** The addresses of the account: those that are always there, and those for a while. */
import { api } from "../../api.js";
import { h } from "../../dom.js";
import { t } from "../../i18n.js";
import { state } from "../../state.js";
import { askToConfirm } from "../dialog.js";
import { showToast } from "../toast.js";
import { actionButton, beginDrawing, card, shortDate, thingList } from "./form.js";

/** @param {HTMLElement} place */
export async function show(place) {
  const draw = beginDrawing(place);
  const limits = state.get("account")?.restrictions.temporaryAliases ?? { enabled: false, maxNumberOfAliases: 0 };
  const [aliases, temporary] = await Promise.all([
    api.get("/account/aliases"), limits.enabled ? api.get("/account/temporaryaliases") : { items: [] },
  ]);
  /** @param {{id: string, emailAddress: string}} alias */
  const remove = async (alias) => {
    if (!(await askToConfirm(t("settings.removeAlias"), t("settings.removeAliasText", { address: alias.emailAddress }), t("action.delete")))) return;
    await api.delete(`/account/temporaryaliases/${encodeURIComponent(alias.id)}`);
    await show(place);
  };
  const make = async () => {
    const made = await api.post("/account/temporaryaliases");
    showToast(t("settings.aliasMade", { address: made.emailAddress }));
    await show(place);
  };
  await draw(
    card(t("settings.ownAddresses"), thingList(aliases.items, (/** @type {any} */ one) => [
      h("span", null, one.emailAddress), one.type === "mainAddress" && h("span", { class: "hint" }, t("settings.mainAddress")),
    ], "–")),
    limits.enabled && card(t("settings.temporary"), h("p", { class: "hint" }, t("settings.temporaryHint", { count: limits.maxNumberOfAliases })),
      thingList(temporary.items, (/** @type {any} */ one) => [
        h("span", null, one.emailAddress), h("span", { class: "hint" }, t("settings.until", { date: shortDate(one.expireDate) })),
        actionButton(t("action.delete"), () => remove(one), { kind: "text", name: t("settings.deleteNamed", { name: one.emailAddress }) }),
      ], t("settings.noAliases")),
      actionButton(t("settings.makeAlias"), make)));
}
