/** The help that the key `?` shows. */
import { h } from "../dom.js";
import { t } from "../i18n.js";
import { describeKeys } from "../keys.js";
import { openDialog } from "./dialog.js";

/** Show what the keys do at present. */
export async function showKeys() {
  const rows = describeKeys().map(({ key, text }) =>
    h("div", null, h("dt", null, key.split(" ").map((one) => [h("kbd", null, one), " "]).flat()), h("dd", null, text)));
  await openDialog({ title: t("keys.title"), content: [h("dl", { class: "key-table" }, rows)], isWide: true });
}
