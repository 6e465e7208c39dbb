/** Who somebody is: contact information and a picture. */
import { api, ApiError } from "../../api.js";
import { fill, h } from "../../dom.js";
import { t } from "../../i18n.js";
import { showError } from "../toast.js";
import { actionButton, card, field, saveForm, text, valueOf } from "./form.js";

/** @typedef {import("../../i18n.js").MessageName} MessageName */

/** @type {[string, MessageName, string][]} */
const FIELDS = [
  ["title", "settings.nameTitle", "honorific-prefix"],
  ["firstName", "settings.firstName", "given-name"],
  ["middleName", "settings.middleName", "additional-name"],
  ["lastName", "settings.lastName", "family-name"],
  ["suffix", "settings.suffix", "honorific-suffix"],
  ["personalEmailAddress", "settings.personalEmail", "email"],
];

/** @param {HTMLElement} place @param {unknown} _route @param {AbortSignal} signal */
export async function show(place, _route, signal) {
  const [info, picture] = await Promise.all([api.get("/account/contactinfo"), findPicture()]);
  const url = picture && URL.createObjectURL(picture);
  if (url) signal.addEventListener("abort", () => URL.revokeObjectURL(url));
  const again = () => show(place, _route, signal);
  const picker = h("input", {
    type: "file", accept: "image/*", hidden: true, "aria-label": t("settings.choosePicture"),
    onchange: async () => {
      const [file] = picker.files ?? [];
      if (!file) return;
      const form = new FormData();
      form.append("file", file, file.name);
      try {
        await api.call("PUT", "/account/avatar", { body: form });
        await again();
      } catch (error) {
        showError(error);
      }
    },
  });
  fill(place,
    card(t("settings.picture"), h("div", { class: "picture-line" },
      url ? h("img", { class: "picture", src: url, alt: t("settings.picture") }) : h("span", { class: "picture empty", "aria-hidden": "true" }),
      picker,
      h("button", { type: "button", class: "button", onclick: () => picker.click() }, t("settings.choosePicture")),
      url && actionButton(t("action.delete"), async () => { await api.delete("/account/avatar"); await again(); }))),
    card(t("settings.contactInfo"), saveForm(
      FIELDS.map(([name, label, autocomplete]) => field(t(label), text(name, info[name], { autocomplete, maxlength: 255 }))),
      (form) => api.put("/account/contactinfo", Object.fromEntries(FIELDS.map(([name]) => [name, valueOf(form, name).trim()]))))));
}

/** @returns {Promise<Blob | null>} */
async function findPicture() {
  try {
    return await api.blob("/account/avatar");
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}
