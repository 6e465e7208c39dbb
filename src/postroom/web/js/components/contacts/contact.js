/** One contact or distribution list: a form that shows it and changes it. */
import { api } from "../../api.js";
import { fill, h } from "../../dom.js";
import { formatSize } from "../../format.js";
import { icon } from "../../icons.js";
import { t } from "../../i18n.js";
import { makeHash } from "../../router.js";
import "../compose/recipients.js";
import { askToConfirm } from "../dialog.js";
import { actionButton, field, saveForm, text, valueOf } from "../settings/form.js";
import { showToast } from "../toast.js";

/**
 * @typedef {{id: string, folderId: string, isDistributionList: boolean, name: string, email: string, firstName: string,
 *   lastName: string, nickName: string, reversedName: string}} ListedContact
 * @typedef {ListedContact & {businessEmail: string, homeEmail: string, phone: string, organization: string,
 *   notes: string, members: string[], avatar: string}} Contact
 * @typedef {{changed: (id: string) => void, back: () => void}} Listener `changed`: to what is shown next, "" for nothing
 * @typedef {import("../../i18n.js").MessageName} MessageName
 */

/** @type {[keyof Contact & string, MessageName, Record<string, string>][]} */
const FIELDS = [
  ["name", "contacts.name", { autocomplete: "off" }],
  ["firstName", "settings.firstName", {}],
  ["lastName", "settings.lastName", {}],
  ["nickName", "contacts.nickName", {}],
  ["email", "login.username", { type: "email" }],
  ["businessEmail", "contacts.businessEmail", { type: "email" }],
  ["homeEmail", "contacts.homeEmail", { type: "email" }],
  ["phone", "settings.phone", { type: "tel" }],
  ["organization", "contacts.organization", {}],
];
const MOST_PICTURE_BYTES = 700_000;

/** @param {boolean} isList @returns {Contact} */
function makeEmpty(isList) {
  return {
    id: "", folderId: "", isDistributionList: isList, name: "", email: "", firstName: "", lastName: "", nickName: "", reversedName: "",
    businessEmail: "", homeEmail: "", phone: "", organization: "", notes: "", members: [], avatar: "",
  };
}

/** @param {HTMLElement} place @param {string} id @param {Listener} listener */
export async function showContact(place, id, listener) {
  const contact = id === "new" || id === "newlist" ? makeEmpty(id === "newlist") : await api.get(`/contacts/${encodeURIComponent(id)}`);
  const head = h("header", { class: "contact-head" },
    h("button", { type: "button", class: "icon-button contact-back", "aria-label": t("read.back"), onclick: listener.back }, icon("back")),
    h("h1", null, contact.name || contact.email || t(contact.isDistributionList ? "contacts.newList" : "contacts.new")),
    contact.id && contact.email && h("a", { class: "button", href: makeHash("compose", [], { to: contact.email }) }, icon("compose"), t("folders.compose")),
    contact.id && actionButton(t("action.delete"), () => remove(contact, listener)));
  fill(place, head, contact.isDistributionList ? makeListForm(contact, listener) : makeForm(contact, listener));
}

/** @param {Contact} contact @param {Listener} listener */
function makeForm(contact, listener) {
  let avatar = contact.avatar;
  let isNewPicture = false;
  const picture = h("span", { class: "picture-line" });
  const picker = h("input", { type: "file", accept: "image/*", hidden: true, "aria-label": t("settings.choosePicture") });
  const showPicture = () => fill(picture,
    avatar ? h("img", { class: "picture", src: `data:image/png;base64,${avatar}`, alt: t("settings.picture") }) : h("span", { class: "picture empty", "aria-hidden": "true" }),
    picker, h("button", { type: "button", class: "button", onclick: () => picker.click() }, t("settings.choosePicture")),
    avatar && h("button", { type: "button", class: "button", onclick: () => { avatar = ""; isNewPicture = true; showPicture(); } }, t("contacts.noPicture")));
  picker.addEventListener("change", async () => {
    const [file] = picker.files ?? [];
    picker.value = "";
    if (!file) return;
    if (file.size > MOST_PICTURE_BYTES) {
      showToast(t("contacts.pictureTooLarge", { size: formatSize(MOST_PICTURE_BYTES) }), { isError: true });
      return;
    }
    avatar = await toBase64(file);
    isNewPicture = true;
    showPicture();
  });
  showPicture();
  return saveForm([
    picture,
    ...FIELDS.map(([name, label, attributes]) => field(t(label), text(name, String(contact[name]), { maxlength: 255, ...attributes }))),
    field(t("contacts.notes"), h("textarea", { name: "notes", rows: 4, ".value": contact.notes })),
  ], async (form) => {
    const names = [...FIELDS.map(([name]) => name), "notes"];
    const said = Object.fromEntries(names.map((name) => [name, valueOf(form, name).trim()]).filter(([name, value]) => value !== String(contact[/** @type {keyof Contact} */ (name)])));
    await put(contact, { ...said, ...(isNewPicture ? { avatar } : {}) }, listener);
  });
}

/** @param {Contact} contact @param {Listener} listener */
function makeListForm(contact, listener) {
  const members = /** @type {import("../compose/recipients.js").Recipients} */ (document.createElement("pr-recipients"));
  members.label = t("contacts.members");
  members.value = contact.members.join(", ");
  return saveForm([field(t("contacts.name"), text("name", contact.name, { required: true, maxlength: 255 })), members],
    async (form) => {
      members.commit();
      await put(contact, { name: valueOf(form, "name").trim(), members: members.list }, listener);
    });
}

/** @param {Contact} contact @param {Record<string, unknown>} said @param {Listener} listener */
async function put(contact, said, listener) {
  const saved = contact.id ? await api.patch(`/contacts/${encodeURIComponent(contact.id)}`, said) : await api.post("/contacts", said);
  listener.changed(saved?.id ?? contact.id);
}

/** @param {Contact} contact @param {Listener} listener */
async function remove(contact, listener) {
  if (!(await askToConfirm(t("contacts.delete"), contact.name || contact.email, t("action.delete")))) return;
  await api.delete(`/contacts/${encodeURIComponent(contact.id)}`);
  listener.changed("");
}

/** @param {File} file @returns {Promise<string>} */
function toBase64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(String(reader.result).split(",")[1] ?? ""));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(file);
  });
}
