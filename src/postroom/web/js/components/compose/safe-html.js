/**
 * HTML of others inside the editor: what is quoted, what is pasted, what a draft says. It is parsed where nothing
 * runs, and what is taken over is made anew: elements and attributes of a short list, and a few properties of style.
 * Nothing else of it ever reaches the page.
 */
import { parseMail } from "../../dom.js";

const KEPT = new Set([
  "A", "B", "BLOCKQUOTE", "BR", "CODE", "DIV", "EM", "H1", "H2", "H3", "H4", "HR", "I", "IMG", "LI", "OL", "P", "PRE", "S",
  "SPAN", "STRONG", "SUB", "SUP", "TABLE", "TBODY", "TD", "TFOOT", "TH", "THEAD", "TR", "U", "UL",
]);
const DROPPED = new Set(["BASE", "EMBED", "HEAD", "IFRAME", "LINK", "MATH", "META", "NOSCRIPT", "OBJECT", "SCRIPT", "STYLE", "SVG", "TEMPLATE", "TITLE"]);
const LINKS = /^(https?:|mailto:)/i;
const STYLES = ["background-color", "color", "font-style", "font-weight", "text-align", "text-decoration"];
const NUMBERS = { TD: ["colspan", "rowspan"], TH: ["colspan", "rowspan"], OL: ["start"] };
const MAX_DEPTH = 100;

/**
 * @typedef {(source: string) => {contentId: string, url: string} | null} FindImage
 * what stands for the picture with this address, null where it is left out
 */

/**
 * Return HTML as it may be edited.
 * @param {string} html @param {FindImage} [findImage]
 */
export function cleanHTML(html, findImage = () => null) {
  const fragment = document.createDocumentFragment();
  copyChildren(parseMail(setAside(html), window).body, fragment, findImage, 0);
  return fragment;
}

/**
 * Rename the attributes that the page's policy forbids to parse: styles, which are read on their own, and scripts. A
 * tag that this misses loses its styles, and the browser notes that in its console.
 * @param {string} html
 */
function setAside(html) {
  return html.replace(/<[a-z][^<>]*>/gi, (tag) => tag.replace(/([\s"'/])(style|on[a-z]+)(?=\s*=)/gi, "$1data-$2"));
}

/** @param {Node} from @param {Node} to @param {FindImage} findImage @param {number} depth */
function copyChildren(from, to, findImage, depth) {
  for (const child of from.childNodes) {
    if (child instanceof Text || child.nodeType === Node.TEXT_NODE) {
      to.appendChild(document.createTextNode(child.nodeValue ?? ""));
    } else if (child.nodeType === Node.ELEMENT_NODE) {
      copyElement(/** @type {HTMLElement} */ (child), to, findImage, depth + 1);
    }
  }
}

/** @param {HTMLElement} from @param {Node} to @param {FindImage} findImage @param {number} depth */
function copyElement(from, to, findImage, depth) {
  const name = from.tagName.toUpperCase();
  if (DROPPED.has(name) || !(from instanceof HTMLElement)) return;
  if (!KEPT.has(name) || depth > MAX_DEPTH) {
    copyChildren(from, to, findImage, depth);
    return;
  }
  const made = name === "IMG" ? makeImage(from, findImage) : document.createElement(name);
  if (!made) {
    to.appendChild(document.createTextNode(from.getAttribute("alt") ?? ""));
    return;
  }
  const href = from.getAttribute("href")?.trim() ?? "";
  if (name === "A" && LINKS.test(href)) made.setAttribute("href", href);
  for (const number of NUMBERS[/** @type {keyof typeof NUMBERS} */ (name)] ?? []) {
    const value = Number(from.getAttribute(number));
    if (value > 1 && value < 1000) made.setAttribute(number, String(value));
  }
  const { style } = document.createElement(name);
  style.cssText = from.dataset.style ?? "";
  for (const property of STYLES) {
    const value = style.getPropertyValue(property);
    if (value && !value.includes("url(")) made.style.setProperty(property, value);
  }
  copyChildren(from, made, findImage, depth);
  to.appendChild(made);
}

/** @param {HTMLElement} from @param {FindImage} findImage */
function makeImage(from, findImage) {
  const found = findImage(from.getAttribute("src") ?? "");
  if (!found) return null;
  const image = document.createElement("img");
  image.src = found.url;
  image.alt = from.getAttribute("alt") ?? "";
  image.dataset.cid = found.contentId;
  const width = Number(from.getAttribute("width"));
  if (width > 0 && width < 5000) image.width = width;
  return image;
}

/** Return what is in an editor as HTML to be sent: pictures by their content ids. @param {HTMLElement} editor */
export function renderHTML(editor) {
  // A document of its own: in this one, the browser would look for the pictures.
  const copy = document.implementation.createHTMLDocument("").importNode(editor, true);
  for (const image of copy.querySelectorAll("img")) {
    const { cid } = image.dataset;
    if (!cid) {
      image.remove();
      continue;
    }
    image.removeAttribute("data-cid");
    image.setAttribute("src", `cid:${cid}`);
  }
  return copy.getHTML();
}

/** The content ids that an editor's pictures use. @param {HTMLElement} editor @returns {Set<string>} */
export function usedContentIds(editor) {
  return new Set([...editor.querySelectorAll("img")].map((image) => image.dataset.cid ?? ""));
}

const BLOCKS = new Set(["BLOCKQUOTE", "DIV", "H1", "H2", "H3", "H4", "HR", "LI", "OL", "P", "PRE", "TABLE", "TR", "UL"]);

/** Return what is in an element as plain text: quotes with `>`, lists with dashes and numbers. @param {Node} root */
export function renderText(root) {
  /** @type {string[]} */
  const lines = [""];
  const write = (/** @type {string} */ text) => { lines[lines.length - 1] += text; };
  const begin = () => { if (lines[lines.length - 1] !== "") lines.push(""); };
  for (const node of root.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) {
      write((node.nodeValue ?? "").replace(/[\t\n\r ]+/g, " ").replaceAll("\u00a0", " "));
      continue;
    }
    const name = node.nodeName;
    if (name === "BR") {
      lines.push("");
      continue;
    }
    if (name === "IMG") {
      write(/** @type {HTMLImageElement} */ (node).alt);
      continue;
    }
    if (!BLOCKS.has(name)) {
      const [first = "", ...rest] = renderText(node).split("\n");
      write(first);
      lines.push(...rest);
      continue;
    }
    begin();
    const inner = name === "PRE" ? (node.textContent ?? "") : renderText(node).replace(/\n$/, "");
    lines.pop();
    lines.push(...inner.split("\n").map((line, at) => prefix(node, at) + line), "");
    if (name === "P" || name === "BLOCKQUOTE") lines.splice(-1, 0, "");
  }
  return lines.join("\n").replace(/\n{3,}/g, "\n\n");
}

/** What stands before a line of a block. @param {Node} node @param {number} at the number of the line */
function prefix(node, at) {
  if (node.nodeName === "BLOCKQUOTE") return "> ";
  if (node.nodeName !== "LI") return "";
  const parent = /** @type {HTMLElement} */ (node.parentElement);
  const number = [...parent.children].indexOf(/** @type {HTMLElement} */ (node)) + 1;
  const mark = parent.nodeName === "OL" ? `${number}. ` : "- ";
  return at ? " ".repeat(mark.length) : mark;
}

/** Return plain text as it is edited: a block for each line. @param {string} text */
export function textToNodes(text) {
  return text.split(/\r\n|\r|\n/).map((line) => {
    const block = document.createElement("div");
    block.append(line || document.createElement("br"));
    return block;
  });
}
