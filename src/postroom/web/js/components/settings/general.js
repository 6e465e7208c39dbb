/** How mails are listed and shown, and what happens to them. */
import { api } from "../../api.js";
import { fill } from "../../dom.js";
import { LANGUAGES, t } from "../../i18n.js";
import { refreshSettings } from "../../mailbox.js";
import { card, checkbox, field, isChecked, saveForm, select, text, valueOf } from "./form.js";

/** @typedef {import("../../i18n.js").MessageName} MessageName */

const NATIVE = { en: "English", de: "Deutsch", fr: "Français", ro: "Română", ja: "日本語" };
/** @type {[string, MessageName][]} switches of the account */
const SWITCHES = [
  ["conversationView", "settings.conversationView"],
  ["confirmMailDelete", "settings.confirmMailDelete"],
  ["deleteToTrash", "settings.deleteToTrash"],
  ["autoAddRecipients", "settings.autoAddRecipients"],
  ["saveToSent", "settings.saveToSent"],
  ["purgeTrashOnLogout", "settings.purgeTrashOnLogout"],
  ["purgeSpamOnLogout", "settings.purgeSpamOnLogout"],
];

/** @param {HTMLElement} place */
export async function show(place) {
  const settings = await api.get("/account/settings");
  const options = (/** @type {string} */ group, /** @type {string[]} */ values) =>
    /** @type {[string, string][]} */ (values.map((value) => [value, t(/** @type {MessageName} */ (`settings.${group}.${value}`))]));
  // A language that the client does not speak stays as it is, until another one is chosen.
  const languages = /** @type {[string, string][]} */ (Object.entries(NATIVE));
  if (!LANGUAGES.includes(settings.language)) languages.unshift([settings.language, settings.language]);
  const zones = Intl.supportedValuesOf("timeZone");
  const timezones = /** @type {[string, string][]} */ ([...new Set(["UTC", settings.timezone, ...zones])].map((zone) => [zone, zone.replaceAll("_", " ")]));
  fill(place, saveForm([
    card(t("settings.languageAndTime"),
      field(t("settings.language"), select("language", languages, settings.language)),
      field(t("settings.timezone"), select("timezone", timezones, settings.timezone), t("settings.timezoneHint"))),
    card(t("settings.list"),
      ...SWITCHES.slice(0, 1).map(([name, label]) => field(t(label), checkbox(name, settings[name]))),
      field(t("settings.pageSize"), text("pageSize", String(settings.pageSize), { type: "number", min: 1, max: 1000, required: true }))),
    card(t("settings.reading"),
      field(t("settings.filtering"), select("bodyHtmlFilteringLevel", options("level", ["0", "1", "2", "3"]), String(settings.bodyHtmlFilteringLevel))),
      field(t("settings.externalImages"), select("externalImages", options("images", ["byLevel", "never", "always"]), settings.externalImages), t("settings.imagesHint")),
      field(t("settings.sendReadReceipts"), select("sendReadReceipts", options("receipts", ["ask", "always", "never"]), settings.receipts.sendReadReceipts))),
    card(t("settings.handling"),
      ...SWITCHES.slice(1).map(([name, label]) => field(t(label), checkbox(name, settings[name]))),
      field(t("settings.archiving"), select("archivingPolicy", options("archive", ["none", "folderPerYear", "folderPerMonth", "subfolderPerMonth"]), settings.archivingPolicy))),
    card(t("settings.receiptsOfOthers"),
      field(t("settings.requestReadReceipts"), checkbox("requestReadReceipts", settings.receipts.requestReadReceipts)),
      field(t("settings.requestDeliveryReceipts"), checkbox("requestDeliveryReceipts", settings.receipts.requestDeliveryReceipts))),
  ], async (form) => {
    await api.patch("/account/settings", {
      ...Object.fromEntries(SWITCHES.map(([name]) => [name, isChecked(form, name)])),
      ...Object.fromEntries(["language", "timezone", "externalImages", "archivingPolicy"].map((name) => [name, valueOf(form, name)])),
      pageSize: Number(valueOf(form, "pageSize")),
      bodyHtmlFilteringLevel: Number(valueOf(form, "bodyHtmlFilteringLevel")),
      receipts: {
        sendReadReceipts: valueOf(form, "sendReadReceipts"),
        requestReadReceipts: isChecked(form, "requestReadReceipts"),
        requestDeliveryReceipts: isChecked(form, "requestDeliveryReceipts"),
      },
    });
    await refreshSettings();
    await show(place);
  }));
}
