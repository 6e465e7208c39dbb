/** The signatures that one can choose from while writing; the chosen one is a part of the text. */
import { api } from "../../api.js";
import { fill, h } from "../../dom.js";
import { t } from "../../i18n.js";
import { showError } from "../toast.js";
import { cleanHTML, textToNodes } from "./safe-html.js";

/** @typedef {import("./editor.js").Editor} Editor */

/**
 * Fill the choice; the first one is put under a new mail. Resolves to whether there are any.
 * @param {HTMLSelectElement} choice @param {Editor} editor @param {boolean} isNew
 * @param {{signal: AbortSignal, changed: () => void}} options `changed`: called when somebody chose another one
 */
export async function offerSignatures(choice, editor, isNew, { signal, changed }) {
  /** @type {{items: {id: string, name: string, type: string}[]}} */
  const { items } = await api.get("/account/signatures", {}, signal).catch(() => ({ items: [] }));
  fill(choice, h("option", { value: "" }, t("compose.noSignature")), items.map((one) => h("option", { value: one.id }, one.name)));
  choice.addEventListener("change", async () => {
    await sign(choice.value, editor, signal);
    changed();
  }, { signal });
  if (isNew && items.length) {
    choice.value = items[0].id;
    await sign(choice.value, editor, signal);
  }
  return items.length > 0;
}

/** Put a signature into the place of the present one; none if there is no id. @param {string} id @param {Editor} editor @param {AbortSignal} signal */
async function sign(id, editor, signal) {
  try {
    const part = h("div", { class: "signature" });
    if (id) {
      const { type, body } = await api.get(`/account/signatures/${encodeURIComponent(id)}`, {}, signal);
      part.append(h("div", null, "-- "), ...(type === "html" ? [cleanHTML(body)] : textToNodes(body)));
    }
    const old = editor.findPart("signature");
    if (old) old.replaceWith(part);
    else if (id) editor.insertPart(part);
  } catch (error) {
    showError(error);
  }
}
