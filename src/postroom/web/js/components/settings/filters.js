/** What keeps spam out: the filters, the white list and the black list. */
import { api } from "../../api.js";
import { fill, h } from "../../dom.js";
import { t } from "../../i18n.js";
import { showError } from "../toast.js";
import { actionButton, beginDrawing, card, checkbox, field, saveForm, select, text, thingList, valueOf } from "./form.js";

/** @typedef {import("../../i18n.js").MessageName} MessageName @typedef {{id: string, emailAddress: string}} Entry */

const ROOT = "/account/avas";
const PAGE = 100;

/** A checkbox that is saved at once. @param {string} name @param {boolean} value @param {(isOn: boolean) => Promise<unknown>} save */
function switchOf(name, value, save) {
  const made = checkbox(name, value);
  made.addEventListener("change", async () => {
    try {
      await save(made.checked);
    } catch (error) {
      made.checked = !made.checked;
      showError(error);
    }
  });
  return made;
}

/** @param {HTMLElement} place */
export async function show(place) {
  const [options, presets, { preset }, filters] = await Promise.all([
    api.get(ROOT), api.get(`${ROOT}/filters/onoff/presets`), api.get(`${ROOT}/filters/onoff/preset`), api.get(`${ROOT}/filters/onoff`),
  ]);
  const names = [...presets.items, ...(preset === "custom" ? ["custom"] : [])];
  const chooser = select("preset", names.map((one) => [one, t(/** @type {MessageName} */ (`settings.preset.${one}`))]), preset);
  chooser.addEventListener("change", async () => {
    try {
      if (chooser.value !== "custom") await api.post(`${ROOT}/filters/onoff/preset`, { preset: chooser.value });
      await show(place);
    } catch (error) {
      showError(error);
    }
  });
  const white = card(t("settings.whitelist"));
  const black = card(t("settings.blacklist"));
  fill(place,
    card(t("settings.spamFilters"), field(t("settings.strength"), chooser),
      ...filters.items.map((/** @type {{id: number, enabled: boolean}} */ one) => field(
        t(/** @type {MessageName} */ (`settings.filter.${one.id}`)),
        switchOf(`filter${one.id}`, one.enabled, async (enabled) => {
          await api.patch(`${ROOT}/filters/onoff/${one.id}`, { enabled });
          await show(place);
        })))),
    white, black);
  await Promise.all([
    showList(white, "whitelist", t("settings.whitelistHint"), field(t("settings.includeContacts"), switchOf("whitelistIncludeAddressBook", options.whitelistIncludeAddressBook, (value) => api.patch(ROOT, { whitelistIncludeAddressBook: value })))),
    showList(black, "blacklist", t("settings.blacklistHint"), field(t("settings.excludeContacts"), switchOf("blacklistExcludeAddressBook", options.blacklistExcludeAddressBook, (value) => api.patch(ROOT, { blacklistExcludeAddressBook: value })))),
  ]);
}

/** @param {HTMLElement} place @param {string} list @param {string} hint @param {HTMLElement} option */
async function showList(place, list, hint, option) {
  const path = `${ROOT}/${list}`;
  const rows = h("div");
  /** @param {Entry[]} [before] what is shown already, and stays */
  const load = async (before = []) => {
    const draw = beginDrawing(rows);
    const { items, totalItems } = await api.get(path, { start: before.length, limit: PAGE });
    /** @type {Entry[]} */
    const entries = [...before, ...items];
    await draw(
      thingList(entries, (one) => [
        h("span", null, one.emailAddress),
        actionButton(t("action.delete"), async () => { await api.delete(`${path}/${encodeURIComponent(one.id)}`); await load(); }, { kind: "text", name: t("settings.deleteNamed", { name: one.emailAddress }) }),
      ], t("settings.emptyList")),
      entries.length < totalItems && actionButton(t("settings.showMore"), () => load(entries), { kind: "text" }));
  };
  const adder = saveForm([field(t("settings.addressOrDomain"), text("emailAddress", "", { required: true, placeholder: "bea@example.org, @example.org" }))], async (form) => {
    await api.post(path, { emailAddress: valueOf(form, "emailAddress").trim() });
    form.reset();
    await load();
  }, { submit: t("settings.add"), done: null });
  place.append(h("p", { class: "hint" }, hint), option, rows, adder);
  await load();
}
