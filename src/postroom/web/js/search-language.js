/**
 * What people type into the search, and what the API is asked for. Words are searched in all of a mail; `from:ann`,
 * `subject:"two words"`, `is:unread`, `has:attachment`, `label:work`, `in:sent`, `before:2026-03-01`, `larger:2M` and
 * so on narrow it down; a `-` in front turns a criterion round.
 *
 * @typedef {import("./types.js").Criterion} Criterion
 * @typedef {{query: Criterion[], folderName: string, unknown: string[]}} Search `folderName`: "" for all folders
 */

const TEXT_FIELDS = ["from", "to", "cc", "bcc", "subject", "body"];
/** @type {Record<string, Criterion>} */
const STATES = {
  unread: { field: "unread" },
  read: { field: "unread", negate: true },
  flagged: { field: "flag", value: "followup" },
  starred: { field: "flag", value: "followup" },
  answered: { field: "replied" },
  replied: { field: "replied" },
  forwarded: { field: "forwarded" },
  important: { field: "importance", value: "high" },
};

/** What may come before a colon, with an example for each. */
export const OPERATORS = [
  ["from:", "search.from"], ["to:", "search.to"], ["subject:", "search.subject"], ["body:", "search.body"],
  ["is:unread", "search.is"], ["has:attachment", "search.has"], ["label:", "search.labelled"], ["in:", "search.in"],
  ["before:", "search.before"], ["after:", "search.after"], ["larger:", "search.larger"], ["smaller:", "search.smaller"],
  ["filename:", "search.filename"],
];

const TOKEN = /(-?)(?:([a-z]+):)?(?:"([^"]*)("\*?|$)|(\S+)|(?=\s|$))/giu;

/**
 * @param {string} text @param {(name: string) => string | undefined} findLabel the id of a label
 * @returns {Search}
 */
export function parseSearch(text, findLabel) {
  /** @type {Search} */
  const search = { query: [], folderName: "", unknown: [] };
  for (const match of text.matchAll(TOKEN)) {
    const [whole, minus, operator = "", quoted, end = "", bare] = match;
    if (!whole) continue;
    const value = quoted ?? bare ?? "";
    if (!value) continue;
    addTerm(search, { whole, operator: operator.toLowerCase(), value, isPhrase: quoted !== undefined, isBeginning: end.endsWith("*"), isNegated: minus === "-" }, findLabel);
  }
  return search;
}

/**
 * @typedef {{whole: string, operator: string, value: string, isPhrase: boolean, isBeginning: boolean,
 *   isNegated: boolean}} Term
 * @param {Search} search @param {Term} term @param {(name: string) => string | undefined} findLabel
 */
function addTerm(search, term, findLabel) {
  const { operator, value } = term;
  const text = term.isPhrase ? `"${value}"${term.isBeginning ? "*" : ""}` : value;
  if (operator === "in") {
    search.folderName = value;
    return;
  }
  const criterion = operator === "" ? { field: "anyfield", value: text } : readOperator(operator, value, text, findLabel);
  if (!criterion) {
    search.unknown.push(term.whole);
    return;
  }
  search.query.push(term.isNegated ? { ...criterion, negate: !criterion.negate } : criterion);
}

/** @param {string} operator @param {string} value @param {string} text @param {(name: string) => string | undefined} findLabel @returns {Criterion | null} */
function readOperator(operator, value, text, findLabel) {
  const word = value.toLowerCase();
  if (TEXT_FIELDS.includes(operator)) return { field: operator, value: text };
  switch (operator) {
    case "is": return STATES[word] ?? null;
    case "has": return ["attachment", "attachments", "att"].includes(word) ? { field: "hasatt" } : null;
    case "filename":
    case "attachment": return { field: "attachment", value: text };
    case "larger":
    case "smaller": return /^\d+[km]?$/i.test(word) ? { field: operator, value: value.toUpperCase() } : null;
    case "importance": return ["high", "normal", "low"].includes(word) ? { field: "importance", value: word } : null;
    case "before":
    case "after": return readDay(operator, value);
    case "label": {
      const id = findLabel(value);
      return id ? { field: "label", value: id } : null;
    }
    default: return null;
  }
}

/** A day as 2026-03-01, or as the API has it: 01-03-2026. @param {string} field @param {string} value @returns {Criterion | null} */
function readDay(field, value) {
  const iso = /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})$/.exec(value);
  if (iso) return { field, value: `${iso[3]}-${iso[2]}-${iso[1]}` };
  return /^\d{1,2}[-/]\d{1,2}[-/]\d{4}$/.test(value) ? { field, value } : null;
}

/** The part of a text that is being typed, and what comes before it. @param {string} text */
export function splitLast(text) {
  const match = /^(.*?)(-?(?:[a-z]+:)?)([^\s":]*)$/isu.exec(text);
  return match ? { before: match[1], operator: match[2], word: match[3] } : { before: text, operator: "", word: "" };
}
