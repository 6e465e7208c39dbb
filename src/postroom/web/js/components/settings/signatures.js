/** Signatures: texts that are put under mails. */
import { api } from "../../api.js";
import { h } from "../../dom.js";
import { t } from "../../i18n.js";
import { askToConfirm } from "../dialog.js";
import "../compose/editor.js";
import { cleanHTML, textToNodes } from "../compose/safe-html.js";
import { actionButton, beginDrawing, card, checkbox, field, isChecked, saveForm, text, thingList, valueOf } from "./form.js";

/** @typedef {{id: string, name: string, type: string, body: string}} Signature */

/** @param {HTMLElement} place */
export async function show(place) {
  const draw = beginDrawing(place);
  const { items } = await api.get("/account/signatures");
  const open = async (/** @type {string} */ id) => edit(place, await api.get(`/account/signatures/${encodeURIComponent(id)}`));
  const remove = async (/** @type {Signature} */ one) => {
    if (!(await askToConfirm(t("settings.removeSignature"), one.name, t("action.delete")))) return;
    await api.delete(`/account/signatures/${encodeURIComponent(one.id)}`);
    await show(place);
  };
  await draw(card("", h("p", { class: "hint" }, t("settings.signaturesHint")),
    thingList(items, (/** @type {Signature} */ one) => [
      h("span", null, one.name),
      actionButton(t("settings.edit"), () => open(one.id), { kind: "text", name: t("settings.editNamed", { name: one.name }) }),
      actionButton(t("action.delete"), () => remove(one), { kind: "text", name: t("settings.deleteNamed", { name: one.name }) }),
    ], t("settings.noSignatures")),
    actionButton(t("settings.newSignature"), async () => edit(place, { id: "", name: "", type: "html", body: "" }))));
}

/** @param {HTMLElement} place @param {Signature} signature */
async function edit(place, signature) {
  const editor = /** @type {import("../compose/editor.js").Editor} */ (document.createElement("pr-editor"));
  const isPlain = signature.type === "text";
  editor.isPlain = isPlain;
  editor.load(...(isPlain ? textToNodes(signature.body) : [cleanHTML(signature.body)]));
  const plain = checkbox("isPlain", isPlain);
  plain.addEventListener("change", () => editor.setPlain(plain.checked));
  await beginDrawing(place)(card(signature.name || t("settings.newSignature"), saveForm([
    field(t("settings.signatureName"), text("name", signature.name, { required: true, maxlength: 255 })),
    field(t("compose.plain"), plain),
    h("div", { class: "signature-editor" }, editor),
  ], async (form) => {
    const type = isChecked(form, "isPlain") ? "text" : "html";
    const body = { name: valueOf(form, "name").trim(), type, body: type === "html" ? editor.html : editor.text };
    if (signature.id) await api.put(`/account/signatures/${encodeURIComponent(signature.id)}`, body);
    else await api.post("/account/signatures", body);
    await show(place);
  }), h("button", { type: "button", class: "button text", onclick: () => void show(place) }, t("action.cancel"))));
}
