/** When a mail is to be sent: some times that people choose often, or any other. */
import { h, uniqueId } from "../../dom.js";
import { formatLongDate } from "../../format.js";
import { t } from "../../i18n.js";
import { openDialog } from "../dialog.js";

/** @typedef {{text: string, date: Date}} Preset */

/** @param {Date} now @returns {Preset[]} */
function presets(now) {
  const at = (/** @type {number} */ days, /** @type {number} */ hour) =>
    new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, hour);
  const toMonday = ((8 - now.getDay()) % 7) || 7;
  const found = [
    { text: t("compose.laterToday"), date: at(0, 18) },
    { text: t("compose.tomorrowMorning"), date: at(1, 8) },
    { text: t("compose.tomorrowAfternoon"), date: at(1, 13) },
    { text: t("compose.mondayMorning"), date: at(toMonday, 8) },
  ];
  return found.filter((one) => one.date.getTime() - now.getTime() > 600_000);
}

/** What an input of date and time takes. @param {Date} date */
function toLocal(date) {
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** Ask for a time; null where there is none. @returns {Promise<number | null>} seconds since 1970 */
export async function askForTime() {
  const now = new Date();
  const id = uniqueId("time");
  const choices = presets(now);
  const first = choices[0].date;
  const input = h("input", {
    id, type: "datetime-local", required: true, ".value": toLocal(first),
    min: toLocal(now), max: toLocal(new Date(now.getTime() + 364 * 86_400_000)),
  });
  const form = await openDialog({
    title: t("compose.schedule"),
    confirm: t("compose.scheduleDo"),
    content: [
      h("div", { class: "presets" }, choices.map((one) => h("button", {
        type: "button", class: "button", title: formatLongDate(String(one.date.getTime() / 1000)),
        onclick: () => { input.value = toLocal(one.date); },
      }, one.text))),
      h("div", { class: "field" }, h("label", { for: id }, t("compose.time")), input),
    ],
  });
  return form && input.value ? Math.floor(new Date(input.value).getTime() / 1000) : null;
}
