/** Who else may see which of one's folders, and what they may do there (RFC 4314's letters, as people say them). */
import { api } from "../../api.js";
import { fill, h } from "../../dom.js";
import { t } from "../../i18n.js";
import { makeHash, navigate } from "../../router.js";
import { state } from "../../state.js";
import { askToConfirm } from "../dialog.js";
import { actionButton, card, field, redraw, saveForm, select, text, thingList, valueOf } from "./form.js";

/** @typedef {{account: string, permissions: string[]}} Grant @typedef {import("../../i18n.js").MessageName} MessageName */

const LETTERS = [..."lrswikxtea"];
/** @type {Record<string, string>} what people choose mostly */
const ROLES = { reader: "lrs", writer: "lrswi", editor: "lrswikxte", owner: "lrswikxtea" };

/** @param {string[]} permissions */
function roleOf(permissions) {
  const letters = LETTERS.filter((letter) => permissions.includes(letter)).join("");
  return Object.keys(ROLES).find((role) => ROLES[role] === letters) ?? "custom";
}

/** @param {HTMLElement} place @param {import("../../router.js").Route} route */
export async function show(place, route) {
  const folders = state.get("folders").filter((one) => one.accessMode === "local" || one.permissions.includes("a"));
  const asked = route.query.get("folder") ?? "";
  const folder = folders.find((one) => one.id === asked) ?? folders.find((one) => one.role === "inbox") ?? folders[0];
  if (!folder) return;
  const chooser = select("folder", folders.map((one) => [one.id, pathOf(one.id)]), folder.id);
  chooser.addEventListener("change", () => navigate(makeHash("settings", ["sharing"], { folder: chooser.value })));
  const grants = card(t("settings.sharedWith", { folder: folder.name }));
  fill(place, card("", h("p", { class: "hint" }, t("settings.sharingHint")), field(t("settings.folder"), chooser)), grants);
  await showGrants(grants, folder.id);
}

/** @param {string} id */
function pathOf(id) {
  const names = [];
  const folders = state.get("folders");
  for (let one = folders.find((each) => each.id === id); one; one = folders.find((each) => each.id === one?.parentId)) names.unshift(one.name);
  return names.join(" / ");
}

/** @param {HTMLElement} place @param {string} folderId */
async function showGrants(place, folderId) {
  const path = `/folders/${encodeURIComponent(folderId)}/permissions`;
  const { items } = await api.get(path);
  const title = /** @type {HTMLElement} */ (place.firstElementChild);
  const again = () => showGrants(place, folderId);
  const remove = async (/** @type {Grant} */ one) => {
    if (!(await askToConfirm(t("settings.unshare"), one.account, t("settings.unshare")))) return;
    await api.delete(path, { account: one.account });
    await again();
  };
  const put = async (/** @type {string} */ account, /** @type {string[]} */ permissions) => {
    await api.put(path, { account, permissions });
    await again();
  };
  await redraw(place, title,
    thingList(items, (/** @type {Grant} */ one) => [
      h("span", null, one.account), roleChooser(one, put),
      actionButton(t("settings.unshare"), () => remove(one), { kind: "text", name: t("settings.unshareNamed", { name: one.account }) }),
      h("details", { class: "letters" }, h("summary", null, t("read.details")), letterBoxes(one, put)),
    ], t("settings.notShared")),
    saveForm([
      h("div", { class: "field-pair" },
        field(t("settings.withWhom"), text("account", "", { required: true, placeholder: "ben@example.org" }), t("settings.withWhomHint")),
        field(t("settings.role"), select("role", Object.keys(ROLES).map((role) => [role, t(/** @type {MessageName} */ (`settings.role.${role}`))]), "reader"))),
    ], (form) => put(valueOf(form, "account").trim(), [...ROLES[valueOf(form, "role")]]), { submit: t("settings.share"), done: t("settings.shared") }));
}

/** @param {Grant} one @param {(account: string, permissions: string[]) => Promise<void>} put */
function roleChooser(one, put) {
  const role = roleOf(one.permissions);
  const names = [...Object.keys(ROLES), ...(role === "custom" ? ["custom"] : [])];
  const made = select("role", names.map((name) => [name, t(/** @type {MessageName} */ (`settings.role.${name}`))]), role);
  made.setAttribute("aria-label", t("settings.roleOf", { name: one.account }));
  made.addEventListener("change", () => { if (made.value !== "custom") void put(one.account, [...ROLES[made.value]]); });
  return made;
}

/** @param {Grant} one @param {(account: string, permissions: string[]) => Promise<void>} put */
function letterBoxes(one, put) {
  return LETTERS.map((letter) => {
    const box = h("input", { type: "checkbox", name: letter, ".checked": one.permissions.includes(letter) });
    box.addEventListener("change", () => {
      const left = LETTERS.filter((each) => (each === letter ? box.checked : one.permissions.includes(each)));
      void put(one.account, left);
    });
    return field(t(/** @type {MessageName} */ (`settings.letter.${letter}`)), box);
  });
}
