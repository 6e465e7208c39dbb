/** Who else may see which of one's folders, and what they may do there (RFC 4314's letters, as people say them). */
import { api } from "../../api.js";
import { fill, h, inTurn } from "../../dom.js";
import { t } from "../../i18n.js";
import { makeHash, navigate } from "../../router.js";
import { state } from "../../state.js";
import { askToConfirm } from "../dialog.js";
import { showError } from "../toast.js";
import { actionButton, beginDrawing, card, field, saveForm, select, text, thingList, valueOf } from "./form.js";

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
  const draw = beginDrawing(place);
  const path = `/folders/${encodeURIComponent(folderId)}/permissions`;
  const { items } = await api.get(path);
  const title = /** @type {HTMLElement} */ (place.firstElementChild);
  const again = () => showGrants(place, folderId);
  const remove = async (/** @type {Grant} */ one) => {
    if (!(await askToConfirm(t("settings.unshare"), one.account, t("settings.unshare")))) return;
    await api.delete(path, { account: one.account });
    await again();
  };
  const share = async (/** @type {string} */ account, /** @type {string} */ role) => {
    await api.put(path, { account, permissions: [...ROLES[role]] });
    await again();
  };
  await draw(title,
    thingList(items, (/** @type {Grant} */ one) => {
      const { role, letters } = makePermissions(path, one, again);
      return [
        h("span", null, one.account), role,
        actionButton(t("settings.unshare"), () => remove(one), { kind: "text", name: t("settings.unshareNamed", { name: one.account }) }),
        h("details", { class: "letters" }, h("summary", null, t("read.details")), letters),
      ];
    }, t("settings.notShared")),
    saveForm([
      h("div", { class: "field-pair" },
        field(t("settings.withWhom"), text("account", "", { required: true, placeholder: "ben@example.org" }), t("settings.withWhomHint")),
        field(t("settings.role"), select("role", Object.keys(ROLES).map((role) => [role, t(/** @type {MessageName} */ (`settings.role.${role}`))]), "reader"))),
    ], (form) => share(valueOf(form, "account").trim(), valueOf(form, "role")), { submit: t("settings.share"), done: t("settings.shared") }));
}

/**
 * What somebody may do, as a role and letter by letter: each shows what the other says, and both are saved as they are
 * changed.
 * @param {string} path @param {Grant} grant @param {() => Promise<void>} again shows what the server has
 */
function makePermissions(path, { account, permissions }, again) {
  const boxes = LETTERS.map((letter) => h("input", { type: "checkbox", name: letter }));
  const role = select("role", [...Object.keys(ROLES), "custom"].map((name) => [name, t(/** @type {MessageName} */ (`settings.role.${name}`))]), "");
  role.setAttribute("aria-label", t("settings.roleOf", { name: account }));
  // It is what other letters are called, and says nothing by itself.
  role.options[role.length - 1].disabled = true;
  const chosen = () => boxes.filter((box) => box.checked).map((box) => box.name);
  const show = (/** @type {string[]} */ letters) => {
    for (const box of boxes) box.checked = letters.includes(box.name);
    role.value = roleOf(letters);
  };
  const save = inTurn((signal) => api.call("PUT", path, { body: { account, permissions: chosen() }, signal }));
  const change = async (/** @type {string[]} */ letters) => {
    show(letters);
    try {
      await save();
      if (!chosen().length) await again();
    } catch (error) {
      showError(error);
      await again().catch(showError);
    }
  };
  role.addEventListener("change", () => void change([...ROLES[role.value]]));
  for (const box of boxes) box.addEventListener("change", () => void change(chosen()));
  show(permissions);
  const letters = boxes.map((box) => field(t(/** @type {MessageName} */ (`settings.letter.${box.name}`)), box));
  return { role, letters };
}
