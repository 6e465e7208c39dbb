/**
 * Forgotten passwords and forgotten names. Whoever asks learns nothing by it: the server answers alike whatever it
 * knows, so that these screens say "if".
 */
import { api, ApiError } from "../../api.js";
import { h } from "../../dom.js";
import { t } from "../../i18n.js";
import { describePolicy } from "../settings/password.js";
import { makeField, makeForm, makeNameField, makePasswordFields } from "./form.js";

/** @typedef {import("./form.js").Show} Show @typedef {(username: string, note: string) => void} Done */

/** @param {string} path @param {Record<string, string>} body */
function post(path, body) {
  return api.call("POST", `/recover/${path}`, { body, isPublic: true });
}

/** An address or a phone number, as the API names it. @param {string} text */
function nameTarget(text) {
  /** @type {Record<string, string>} */
  const target = text.includes("@") ? { email: text } : { phoneNumber: text };
  return target;
}

function makeTargetField() {
  return makeField(t("login.target"), { name: "target", required: true, autocapitalize: "off", spellcheck: "false" });
}

/** @param {Show} show @param {Done} done */
export function recoverName(show, done) {
  const target = makeTargetField();
  show(t("login.forgotName"), makeForm([h("p", null, t("login.nameHint")), target.field], t("login.send"), async () => {
    await post("username", nameTarget(target.input.value.trim()));
    done("", t("login.nameSent"));
  }));
}

/** @param {Show} show @param {Done} done @param {string} name */
export function recoverPassword(show, done, name) {
  const username = makeNameField(name);
  show(t("login.forgotPassword"), makeForm([username.field], t("settings.next"), async () => {
    const given = username.input.value.trim();
    const { items } = await api.call("GET", "/recover/password/methods", { query: { username: given }, isPublic: true });
    if (!items.length) throw new ApiError(404, "wrong", t("login.noWay"));
    chooseTarget(show, done, given, items.map((/** @type {{target: string}} */ one) => one.target));
  }));
}

/** @param {Show} show @param {Done} done @param {string} username @param {string[]} targets */
function chooseTarget(show, done, username, targets) {
  const target = makeTargetField();
  const hint = h("p", null, t("login.targetHint", { targets: targets.join(", ") }));
  show(t("login.forgotPassword"), makeForm([hint, target.field], t("login.sendCode"), async () => {
    await post("password/sendtoken", { username, ...nameTarget(target.input.value.trim()) });
    askForToken(show, done, username);
  }));
}

/** @param {Show} show @param {Done} done @param {string} username */
function askForToken(show, done, username) {
  const code = makeField(t("login.code"), { name: "code", autocomplete: "one-time-code", required: true, autocapitalize: "off", spellcheck: "false" });
  show(t("login.forgotPassword"), makeForm([h("p", null, t("login.maybeSent")), code.field], t("login.verify"), async () => {
    const recoveryToken = code.input.value.trim();
    try {
      const { passwordPolicy } = await post("password/validatetoken", { username, recoveryToken });
      setPassword(show, done, { username, recoveryToken, policy: passwordPolicy });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 400) throw error;
      code.input.select();
      throw new ApiError(400, "wrong", t("login.wrongCode"));
    }
  }));
}

/** @param {Show} show @param {Done} done @param {{username: string, recoveryToken: string, policy: any}} known */
function setPassword(show, done, { username, recoveryToken, policy }) {
  const [first, second] = makePasswordFields();
  const rules = describePolicy({
    contentPolicy: { ...policy, enabled: policy.mustInclude !== "" }, history: { enabled: policy.historySize, size: policy.historySize },
  });
  show(t("login.newPasswordTitle"), makeForm([first.field, second.field, h("ul", { class: "hint" }, rules.map((rule) => h("li", null, rule)))], t("login.setPassword"), async () => {
    const newPassword = first.input.value;
    if (newPassword !== second.input.value) throw new ApiError(400, "wrong", t("login.differ"));
    await post("password/reset", { username, recoveryToken, newPassword });
    done(username, t("login.recovered"));
  }));
}
