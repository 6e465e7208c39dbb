/**
 * A list of any length: rows of one height, of which only those in sight are in the page. It is a grid for screen
 * readers, with one row that has the focus; the keys that move it are those of grids.
 *
 * Events: `open-row` (detail: the item), `cursor` and `selection` when these have changed, `toggle-flag` (the item).
 * A browser draws no element higher than some 17 million pixels, so that beyond it scrolling goes faster than rows.
 */
import { Component, fill, h } from "../dom.js";
import { startDrag } from "../drag.js";
import { t } from "../i18n.js";
import { ListSource } from "../list-source.js";
import { whenReleased } from "../press.js";
import { fillRow } from "./mail-row.js";
import { describeError } from "./toast.js";

/**
 * @typedef {import("../list-source.js").Item} Item
 * @typedef {import("../actions.js").Targets} Targets
 * @typedef {HTMLElement & {item?: Item, stamp?: string}} Row
 */

const ROW = 72;
const OVERSCAN = 6;
const MAX_HEIGHT = 15_000_000;

export class MailList extends Component {
  /** @type {ListSource} */
  source = new ListSource({ kind: "mails", folderId: "", sort: "date", dir: "DESC" });
  /** Index of the row with the focus; -1 if there is none. */
  cursor = -1;
  #wantsFocus = false;
  /** Id of what is open beside the list. */
  openId = "";
  emptyText = "";
  /** @type {Set<string>} */
  #selected = new Set();
  /** @type {{from: number, to: number} | null} rows chosen as a range, both inclusive */
  #range = null;
  #anchor = -1;
  /** @type {Map<number, Row>} */
  #rows = new Map();
  #scroller = h("div");
  #space = h("div");
  #note = h("p");
  #listening = new AbortController();

  render() {
    const { signal } = this;
    this.#note = h("p", { class: "list-note", role: "status" });
    this.#space = h("div", { class: "list-space", role: "rowgroup" });
    this.#scroller = h("div", { class: "list-scroller", role: "grid", "aria-multiselectable": "true", "aria-label": t("list.mails") }, this.#space);
    this.#rows.clear();
    fill(this, this.#note, this.#scroller);
    this.#scroller.addEventListener("scroll", () => this.#draw(), { passive: true, signal });
    this.#scroller.addEventListener("click", (event) => this.#click(event), { signal });
    this.#scroller.addEventListener("keydown", (event) => this.#press(event), { signal });
    this.#scroller.addEventListener("dragstart", (event) => this.#drag(event), { signal });
    const observer = new ResizeObserver(() => this.#draw());
    observer.observe(this.#scroller);
    signal.addEventListener("abort", () => {
      observer.disconnect();
      this.#listening.abort();
    });
    this.#listen();
  }

  /** Show another list. @param {ListSource} source @param {string} emptyText */
  show(source, emptyText) {
    this.source = source;
    this.emptyText = emptyText;
    this.cursor = -1;
    this.openId = "";
    this.clearSelection();
    for (const row of this.#rows.values()) row.remove();
    this.#rows.clear();
    this.#scroller.scrollTop = 0;
    this.#scroller.setAttribute("aria-label", t(source.of.kind === "mails" ? "list.mails" : "list.conversations"));
    this.#listen();
  }

  #listen() {
    this.#listening.abort();
    this.#listening = new AbortController();
    this.source.addEventListener("change", () => whenReleased(this.#follow), { signal: this.#listening.signal });
    this.#draw();
  }

  /** Draw what the source has now. */
  #follow = () => this.#draw();

  get #viewHeight() {
    return this.#scroller.clientHeight || 600;
  }

  /** Height of all rows, and of what stands for them in the page. */
  get #heights() {
    const whole = Math.max(0, this.source.total) * ROW;
    return { whole, shown: Math.min(whole, MAX_HEIGHT) };
  }

  /** How far the rows are scrolled, in pixels of rows. */
  #offset() {
    const { whole, shown } = this.#heights;
    const top = this.#scroller.scrollTop;
    if (whole === shown) return top;
    const part = top / Math.max(1, shown - this.#viewHeight);
    return part * (whole - this.#viewHeight);
  }

  #draw() {
    const { source } = this;
    if (!this.isConnected || !source.of.folderId) return;
    const { shown } = this.#heights;
    this.#space.style.height = `${shown}px`;
    this.#scroller.setAttribute("aria-rowcount", String(Math.max(0, source.total)));
    const offset = this.#offset();
    const first = Math.max(0, Math.floor(offset / ROW) - OVERSCAN);
    const rows = Math.ceil(this.#viewHeight / ROW) + 2 * OVERSCAN;
    const last = source.total < 0 ? first + rows : Math.min(source.total - 1, first + rows);
    if (source.total !== 0) source.want(first, Math.max(first, last));
    if (this.cursor >= source.total && source.total >= 0) this.cursor = source.total - 1;
    this.#updateNote();
    this.#drawRows(first, source.total < 0 ? -1 : last, this.#scroller.scrollTop - offset);
  }

  /** @param {number} first @param {number} last @param {number} shift */
  #drawRows(first, last, shift) {
    const focusedRow = /** @type {Row | null} */ (document.activeElement?.closest?.(".mail-row"));
    const hadFocus = focusedRow !== null && this.#space.contains(focusedRow);
    for (const [index, row] of this.#rows) {
      if (index >= first && index <= last) continue;
      row.remove();
      this.#rows.delete(index);
    }
    const tabStop = this.cursor >= first && this.cursor <= last ? this.cursor : Math.max(0, Math.ceil(this.#offset() / ROW));
    for (let index = first; index <= last; index += 1) {
      let row = this.#rows.get(index);
      if (!row) {
        row = h("div", { role: "row", class: "mail-row", "aria-rowindex": index + 1, dataset: { index } });
        this.#rows.set(index, row);
        this.#space.append(row);
      }
      row.style.transform = `translateY(${index * ROW + shift}px)`;
      row.tabIndex = index === tabStop ? 0 : -1;
      this.#drawRow(row, index);
    }
    if (hadFocus && !this.contains(document.activeElement)) this.#rows.get(tabStop)?.focus({ preventScroll: true });
    if (this.#wantsFocus && last >= 0) this.takeFocus();
  }

  /** @param {Row} row @param {number} index */
  #drawRow(row, index) {
    const item = this.source.itemAt(index);
    const isSelected = this.isSelected(index, item);
    const isOpen = item !== undefined && item.id === this.openId;
    row.setAttribute("aria-selected", String(isSelected));
    row.classList.toggle("is-open", isOpen);
    row.classList.toggle("is-cursor", index === this.cursor);
    if (isOpen) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
    if (row.item !== item || !row.stamp) {
      row.item = item;
      row.stamp = "drawn";
      row.draggable = item !== undefined;
      fillRow(row, item, this.source.of);
    }
    const box = /** @type {HTMLInputElement | null} */ (row.querySelector("input[type=checkbox]"));
    if (box) box.checked = isSelected;
  }

  #updateNote() {
    const { source } = this;
    const text = source.error ? describeError(source.error) : source.total === 0 ? this.emptyText : source.total < 0 ? t("list.loading") : "";
    if (this.#note.textContent !== text) this.#note.textContent = text;
    this.#note.hidden = !text;
    this.#scroller.hidden = source.total === 0;
  }

  /** Draw all rows anew, whatever they hold (words or settings have changed). */
  redraw() {
    for (const row of this.#rows.values()) row.stamp = "";
    whenReleased(this.#follow);
  }

  // Selection

  /** @param {number} index @param {Item | undefined} item */
  isSelected(index, item) {
    if (this.#range) return index >= this.#range.from && index <= this.#range.to;
    return item !== undefined && this.#selected.has(item.id);
  }

  get selectedCount() {
    return this.#range ? this.#range.to - this.#range.from + 1 : this.#selected.size;
  }

  clearSelection() {
    this.#selected.clear();
    this.#range = null;
    this.#anchor = -1;
    this.#selectionChanged();
  }

  selectAll() {
    if (this.source.total <= 0) return;
    this.#selected.clear();
    this.#range = { from: 0, to: this.source.total - 1 };
    this.#selectionChanged();
  }

  /** @param {number} index @param {Item} [item] what is seen there */
  toggle(index, item = this.source.itemAt(index)) {
    if (!item) return;
    this.#spreadRange();
    if (!this.#selected.delete(item.id)) this.#selected.add(item.id);
    this.#anchor = index;
    this.#selectionChanged();
  }

  /** Select all rows between the one selected last and this. @param {number} index */
  extendTo(index) {
    const anchor = this.#anchor >= 0 ? this.#anchor : Math.max(0, this.cursor);
    this.#selected.clear();
    this.#range = { from: Math.min(anchor, index), to: Math.max(anchor, index) };
    this.#anchor = anchor;
    this.#selectionChanged();
  }

  /** Turn a range into the ids of those of its rows that are known. */
  #spreadRange() {
    if (!this.#range) return;
    for (let index = this.#range.from; index <= this.#range.to; index += 1) {
      const item = this.source.itemAt(index);
      if (item) this.#selected.add(item.id);
    }
    this.#range = null;
  }

  #selectionChanged() {
    this.classList.toggle("has-selection", this.selectedCount > 0);
    this.#draw();
    this.dispatchEvent(new Event("selection"));
  }

  /** What is selected, or the row with the focus, or null. @returns {Targets | null} */
  targets() {
    const { kind, folderId, sort: field, dir: direction } = this.source.of;
    if (this.#range) {
      const { from, to } = this.#range;
      const items = [];
      for (let index = from; index <= to && items.length < 500; index += 1) {
        const item = this.source.itemAt(index);
        if (!item) break;
        items.push(item);
      }
      if (items.length === to - from + 1) return { kind, folderId, count: items.length, ids: items.map((item) => item.id), items };
      const start = this.source.itemAt(from)?.id;
      return start ? { kind, folderId, count: to - from + 1, ids: [], range: { start, limit: to - from + 1, field, direction } } : null;
    }
    if (this.#selected.size) {
      const items = this.source.knownItems().filter((item) => this.#selected.has(item.id));
      return { kind, folderId, count: this.#selected.size, ids: [...this.#selected], items: items.length === this.#selected.size ? items : undefined };
    }
    const item = this.source.itemAt(this.cursor);
    return item ? { kind, folderId, count: 1, ids: [item.id], items: [item] } : null;
  }

  // Moving about

  /** Take the focus, as soon as there is a row, unless something else has it by then. */
  takeFocus() {
    this.#wantsFocus = this.source.total <= 0;
    if (!this.#wantsFocus && document.activeElement === document.body) this.moveTo(Math.max(0, this.cursor));
  }

  /** Put the focus on a row, and the row into sight. @param {number} index @param {{isFocused?: boolean}} [options] */
  moveTo(index, { isFocused = true } = {}) {
    if (this.source.total <= 0) return;
    this.cursor = Math.max(0, Math.min(this.source.total - 1, index));
    this.reveal(this.cursor);
    this.#draw();
    if (isFocused) this.#rows.get(this.cursor)?.focus({ preventScroll: true });
    this.dispatchEvent(new Event("cursor"));
  }

  /** @param {number} index */
  reveal(index) {
    const { whole, shown } = this.#heights;
    const offset = this.#offset();
    const top = index * ROW;
    let wanted = offset;
    if (top < offset) wanted = top;
    else if (top + ROW > offset + this.#viewHeight) wanted = top + ROW - this.#viewHeight;
    if (wanted === offset) return;
    this.#scroller.scrollTop = whole === shown ? wanted : (wanted / Math.max(1, whole - this.#viewHeight)) * (shown - this.#viewHeight);
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const target = /** @type {Element} */ (event.target);
    const row = /** @type {Row | null} */ (target.closest(".mail-row"));
    if (!row?.item) return;
    const index = Number(row.dataset.index);
    if (target.closest(".row-flag")) {
      this.dispatchEvent(new CustomEvent("toggle-flag", { detail: row.item }));
    } else if (event.shiftKey) {
      this.extendTo(index);
      getSelection()?.removeAllRanges();
    } else if (target.closest(".row-check") || event.ctrlKey || event.metaKey) {
      this.cursor = index;
      this.toggle(index, row.item);
    } else {
      this.cursor = index;
      this.dispatchEvent(new CustomEvent("open-row", { detail: row.item }));
      this.#draw();
    }
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (event.altKey) return;
    const page = Math.max(1, Math.floor(this.#viewHeight / ROW) - 1);
    const at = Math.max(0, this.cursor);
    const steps = /** @type {Record<string, number>} */ ({
      ArrowDown: this.cursor + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: this.source.total - 1,
    });
    if (event.key in steps) {
      this.moveTo(steps[event.key]);
      if (event.shiftKey) this.extendTo(this.cursor);
    } else if (event.key === "Enter") {
      const item = this.source.itemAt(at);
      if (item) this.dispatchEvent(new CustomEvent("open-row", { detail: item }));
    } else if (event.key === " ") {
      this.toggle(at);
    } else if (event.key.toLowerCase() === "a" && (event.ctrlKey || event.metaKey)) {
      this.selectAll();
    } else {
      return;
    }
    event.preventDefault();
  }

  /** @param {DragEvent} event */
  #drag(event) {
    const row = /** @type {Row | null} */ (/** @type {Element} */ (event.target).closest?.(".mail-row"));
    if (!row?.item) return;
    const index = Number(row.dataset.index);
    if (!this.isSelected(index, row.item)) {
      this.cursor = index;
      if (this.selectedCount) this.clearSelection();
    }
    const targets = this.targets();
    if (targets) startDrag(event, targets, t("list.dragging", { count: targets.count }));
  }
}

customElements.define("pr-mail-list", MailList);
