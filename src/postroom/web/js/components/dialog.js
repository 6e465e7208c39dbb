/** Dialogs: the platform's own `<dialog>`, with a name, buttons, and an answer that can be waited for. */
import { h, uniqueId } from "../dom.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";

/**
 * Show a dialog until it is closed; the form is returned when it was confirmed, null when not.
 * @param {{title: string, content: import("../dom.js").Child[], confirm?: string, isDangerous?: boolean,
 *   isWide?: boolean}} options `confirm`: text of the button that says yes; without it there is none
 * @returns {Promise<HTMLFormElement | null>}
 */
export function openDialog({ title, content, confirm, isDangerous = false, isWide = false }) {
  const id = uniqueId("dialog");
  const form = h("form", { method: "dialog" },
    h("header", { role: "presentation" },
      h("h2", { id }, title),
      h("button", { type: "button", class: "icon-button", "aria-label": t("action.close"), onclick: () => dialog.close() }, icon("close"))),
    h("div", { class: "dialog-content" }, content),
    confirm && h("footer", { role: "presentation" },
      h("button", { type: "button", class: "button", onclick: () => dialog.close() }, t("action.cancel")),
      h("button", { class: `button ${isDangerous ? "danger" : "primary"}`, value: "yes" }, confirm)));
  const dialog = h("dialog", { "aria-labelledby": id, class: isWide ? "wide" : "" }, form);
  let isConfirmed = false;
  form.addEventListener("submit", (event) => {
    // Closed by code: a policy that lets no form be sent would stop method=dialog in some browsers.
    event.preventDefault();
    isConfirmed = true;
    dialog.close();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(isConfirmed ? form : null);
    }, { once: true });
  });
}

/** Ask whether to do something. @param {string} title @param {string} text @param {string} yes */
export async function askToConfirm(title, text, yes, isDangerous = true) {
  return (await openDialog({ title, content: [h("p", null, text)], confirm: yes, isDangerous })) !== null;
}

/**
 * Ask for one line of text; null where there is none.
 * @param {{title: string, label: string, value?: string, confirm: string, maxlength?: number}} options
 */
export async function askForText({ title, label, value = "", confirm, maxlength = 255 }) {
  const id = uniqueId("field");
  const input = h("input", { id, type: "text", required: true, maxlength, autofocus: true, ".value": value });
  queueMicrotask(() => input.select());
  const form = await openDialog({ title, content: [h("div", { class: "field" }, h("label", { for: id }, label), input)], confirm });
  return form ? input.value.trim() || null : null;
}
