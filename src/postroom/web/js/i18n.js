/**
 * Words in the reader's language. A table (i18n/<language>.js) is flat: a name and a text, or a name and a text for
 * each plural form (Intl.PluralRules) of `count`. `{name}` in a text stands for a value. What a table lacks is taken
 * from English; a test sees to it that none lacks anything.
 *
 * @typedef {string | {zero?: string, one?: string, two?: string, few?: string, many?: string, other: string}} Message
 * @typedef {Record<string, Message>} Table
 */
import en from "./i18n/en.js";

export const LANGUAGES = ["en", "de", "fr", "ro", "ja"];

/** @type {Table} */
let table = en;
let language = "en";
let plural = new Intl.PluralRules("en");

/** @typedef {keyof typeof import("./i18n/en.js").default} MessageName */

/**
 * The text of a message.
 * @param {MessageName} name @param {Record<string, string | number>} [values]
 */
export function t(name, values = {}) {
  const message = table[name] ?? en[name] ?? name;
  const text = typeof message === "string" ? message : choose(message, Number(values.count));
  return text.replace(/\{(\w+)\}/g, (whole, key) => {
    const value = values[key];
    if (value === undefined) return whole;
    return typeof value === "number" ? value.toLocaleString(language) : value;
  });
}

/** @param {Exclude<Message, string>} forms @param {number} count */
function choose(forms, count) {
  return forms[plural.select(count)] ?? forms.other;
}

/** The language in use. */
export function currentLanguage() {
  return language;
}

/**
 * Use the first language that there is a table for.
 * @param {readonly string[]} wishes
 */
export async function useLanguage(wishes) {
  const found = wishes.map((wish) => wish.toLowerCase().split("-")[0]).find((wish) => LANGUAGES.includes(wish)) ?? "en";
  if (found === language) return;
  table = (await import(`./i18n/${found}.js`)).default;
  language = found;
  plural = new Intl.PluralRules(found);
  document.documentElement.lang = found;
}
