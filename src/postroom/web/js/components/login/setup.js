/**
 * The second step of an account that must have one and has none: a session that may do nothing but set it up. Which
 * methods the account's class allows is not told to such a session; one that is refused says so.
 */
import { api } from "../../api.js";
import { h } from "../../dom.js";
import { t } from "../../i18n.js";
import { actionButton, thingList } from "../settings/form.js";
import { addApp, addTarget, METHODS, nameOf, switchTwoFactor } from "../settings/security.js";

/** @param {import("./form.js").Show} show @param {() => Promise<void>} done */
export async function setUpSecondStep(show, done) {
  /** @type {{items: import("../settings/security.js").Method[]}} */
  const { items } = await api.get(METHODS, { scope: "2fa" });
  const switchOn = async () => { if (await switchTwoFactor(items, true)) await done(); };
  const add = (/** @type {string} */ text, /** @type {() => Promise<boolean>} */ run) =>
    actionButton(text, async () => { if (await run()) await setUpSecondStep(show, done); }, { kind: "wide" });
  show(t("login.secondStep"), h("form", { class: "stack" },
    h("p", null, t("login.mandatory")),
    items.length > 0 && [
      thingList(items, (one) => [h("span", null, nameOf(one), " ", h("span", { class: "hint" }, one.target))], ""),
      actionButton(t("settings.switchOn"), switchOn, { kind: "primary wide" }),
    ],
    add(t("settings.addApp"), addApp),
    add(t("settings.addEmail"), () => addTarget("email")),
    add(t("settings.addPhone"), () => addTarget("sms"))));
}
