/** What happened that concerns the account's security. */
import { api } from "../../api.js";
import { fill, h } from "../../dom.js";
import { t } from "../../i18n.js";
import { actionButton, card, shortDate } from "./form.js";

/** @typedef {{id: number, date: string, kind: string, client: string, details: Record<string, unknown>}} Event */
/** @typedef {import("../../i18n.js").MessageName} MessageName */

const PAGE = 50;

/** @param {HTMLElement} place */
export async function show(place) {
  const body = h("tbody");
  const more = h("div");
  let shown = 0;
  const load = async () => {
    const { items, totalItems } = await api.get("/account/security/events", { start: shown, limit: PAGE });
    shown += items.length;
    body.append(...items.map((/** @type {Event} */ one) => h("tr", null,
      h("td", null, shortDate(one.date)), h("td", null, t(/** @type {MessageName} */ (`settings.event.${one.kind}`))), h("td", null, one.client),
      h("td", { class: "hint" }, Object.entries(one.details).map(([name, value]) => `${name}: ${String(value)}`).join(", ")))));
    fill(more, !shown && h("p", { class: "hint" }, t("list.empty")), shown < totalItems && actionButton(t("settings.showMore"), load, { kind: "text" }));
  };
  fill(place, card("", h("div", { class: "table-scroll", tabindex: 0, role: "group", "aria-label": t("settings.activity") }, h("table", { class: "events" },
    h("thead", null, h("tr", null, ["settings.when", "settings.what", "settings.where", "read.details"].map((name) => h("th", { scope: "col" }, t(/** @type {MessageName} */ (name)))))), body)), more));
  await load();
}
