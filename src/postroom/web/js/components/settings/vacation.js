/** The notice that answers mails while somebody is away. */
import { api } from "../../api.js";
import { fill, h } from "../../dom.js";
import { t } from "../../i18n.js";
import { card, checkbox, field, isChecked, saveForm, text, valueOf } from "./form.js";

/** @param {number} seconds */
function toInput(seconds) {
  const date = new Date(seconds * 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** @param {HTMLElement} place */
export async function show(place) {
  const found = await api.get("/account/vacation");
  const now = Math.floor(Date.now() / 3_600_000) * 3600;
  const always = checkbox("applyAlways", found.applyAlways);
  const start = text("startTime", toInput(Number(found.startTime) || now), { type: "datetime-local" });
  const end = text("endTime", toInput(Number(found.endTime) || now + 7 * 86_400), { type: "datetime-local" });
  const times = h("div", { class: "field-pair" }, field(t("settings.from"), start), field(t("settings.to"), end));
  const showTimes = () => { times.hidden = always.checked; };
  always.addEventListener("change", showTimes);
  showTimes();
  fill(place, card("", saveForm([
    field(t("settings.vacationOn"), checkbox("enabled", found.enabled)),
    field(t("settings.vacationAlways"), always), times,
    field(t("compose.subject"), text("subject", found.subject, { maxlength: 998 }), t("settings.vacationSubjectHint")),
    field(t("settings.vacationText"), h("textarea", { name: "body", rows: 8, ".value": found.body })),
    field(t("settings.vacationInternal"), checkbox("applyToInternal", found.applyToInternal)),
    field(t("settings.vacationExternal"), checkbox("applyToExternal", found.applyToExternal)),
    field(t("settings.vacationAge"), text("age", String(found.age || 7), { type: "number", min: 1, max: 365, required: true }), t("settings.vacationAgeHint")),
  ], (form) => api.post("/account/vacation", {
    enabled: isChecked(form, "enabled"), applyAlways: isChecked(form, "applyAlways"),
    applyToInternal: isChecked(form, "applyToInternal"), applyToExternal: isChecked(form, "applyToExternal"),
    age: Number(valueOf(form, "age")), body: valueOf(form, "body"), subject: valueOf(form, "subject"),
    ...(isChecked(form, "applyAlways") ? {} : {
      startTime: Math.floor(new Date(valueOf(form, "startTime")).getTime() / 1000),
      endTime: Math.floor(new Date(valueOf(form, "endTime")).getTime() / 1000),
    }),
  }))));
}
