/** How things are written for people: dates, sizes, addresses. */
import { currentLanguage } from "./i18n.js";
import { state } from "./state.js";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"];

/** @param {number} bytes */
export function formatSize(bytes) {
  let unit = 0;
  let value = bytes;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return value.toLocaleString(currentLanguage(), {
    style: "unit", unit: UNITS[unit], unitDisplay: unit ? "short" : "long", maximumFractionDigits: value < 10 && unit ? 1 : 0,
  });
}

/** @param {Intl.DateTimeFormatOptions} options */
function dates(options) {
  const timeZone = state.get("settings")?.timezone;
  // UTC is the account's setting until somebody chooses; the browser knows better where its reader is.
  return new Intl.DateTimeFormat(currentLanguage(), timeZone && timeZone !== "UTC" ? { ...options, timeZone } : options);
}

/** The shortest that says when: time, day or date. @param {string} seconds */
export function formatShortDate(seconds) {
  const date = new Date(Number(seconds) * 1000);
  const now = new Date();
  const day = dates({ dateStyle: "short" });
  if (day.format(date) === day.format(now)) return dates({ hour: "numeric", minute: "2-digit" }).format(date);
  if (date.getFullYear() === now.getFullYear()) return dates({ day: "numeric", month: "short" }).format(date);
  return day.format(date);
}

/** @param {string} seconds */
export function formatLongDate(seconds) {
  return dates({ dateStyle: "full", timeStyle: "short" }).format(new Date(Number(seconds) * 1000));
}

/** @typedef {{name: string, address: string}} Address */

/**
 * The addresses of a header as people read it. Not a parser of RFC 5322: what it cannot take apart is kept whole.
 * @param {string} header @returns {Address[]}
 */
export function parseAddresses(header) {
  const found = [];
  for (const text of splitAddresses(header)) {
    const match = /^(.*?)<([^<>]*)>\s*$/s.exec(text);
    const address = (match ? match[2] : text).trim();
    const name = match ? match[1].trim().replace(/^"(.*)"$/s, "$1").replace(/\\(.)/g, "$1") : "";
    if (name || address) found.push({ name, address });
  }
  return found;
}

/** @param {string} header */
function splitAddresses(header) {
  const parts = [];
  let part = "";
  let isQuoted = false;
  let depth = 0;
  for (let at = 0; at < header.length; at += 1) {
    const char = header[at];
    if (char === "\\" && isQuoted) {
      part += char + (header[at + 1] ?? "");
      at += 1;
      continue;
    }
    if (char === '"') isQuoted = !isQuoted;
    else if (!isQuoted && char === "<") depth += 1;
    else if (!isQuoted && char === ">") depth = Math.max(0, depth - 1);
    if (char === "," && !isQuoted && depth === 0) {
      parts.push(part.trim());
      part = "";
    } else {
      part += char;
    }
  }
  parts.push(part.trim());
  return parts.filter(Boolean);
}

/** The name of the first address, else its address. @param {string} header */
export function shortName(header) {
  const [first] = parseAddresses(header);
  return first ? first.name || first.address : "";
}

/** First letters, for a picture of somebody. @param {string} name */
export function initials(name) {
  const words = name.replace(/[^\p{L}\p{N}\s@.]/gu, "").split(/[\s@.]+/u).filter(Boolean);
  return words.slice(0, 2).map((word) => [...word][0].toUpperCase()).join("") || "?";
}

/** One of twelve colours, always the same for the same text. @param {string} text */
export function hueOf(text) {
  let hash = 7;
  for (const char of text.toLowerCase()) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) >>> 0;
  return (hash % 12) * 30;
}
