/**
 * The draft of the mail that is being written: made by the first save, later replaced as a whole (its id stays). One
 * save goes on at a time, and the next takes what is there then. What could not be saved stays in this window
 * (sessionStorage) until it is, so that a lost connection or an ended session loses nothing.
 */
import { api, ApiError } from "../../api.js";
import { t } from "../../i18n.js";
import { ownAddress } from "../../state.js";

const RETRY_MS = 5000;
const UNSAVED = "postroom.unsaved";

export class Draft {
  id = "";
  /** What the route asks for. */
  query = "";
  isChanged = false;
  /** Sent or discarded: nothing is saved any more. */
  isOver = false;
  #saved = "";
  #retry = 0;
  /** @type {Promise<void>} */
  #saving = Promise.resolve();
  #screen;

  /**
   * @param {{read: () => any, tell: (text: string) => void, refused: (error: ApiError) => void, made: (id: string) => void}} screen
   * `read`: what there is, as the API takes it; `made`: there is a draft from now on
   */
  constructor(screen) {
    this.#screen = screen;
  }

  /** The screen shows what there is to begin with; what was kept in this window is not saved yet. */
  begin() {
    this.#saved = this.isChanged ? "" : JSON.stringify(this.#screen.read());
  }

  /** Save what there is, after the save that goes on. Fails where that fails. */
  save() {
    const next = this.#saving.then(() => this.#saveNow());
    this.#saving = next.then(() => undefined, () => undefined);
    return next;
  }

  async #saveNow() {
    clearTimeout(this.#retry);
    const content = JSON.stringify(this.#screen.read());
    if (this.isOver || content === this.#saved) {
      this.isChanged = false;
      return;
    }
    this.#screen.tell(t("compose.saving"));
    try {
      await this.#put(JSON.parse(content));
      this.#saved = content;
      this.isChanged = JSON.stringify(this.#screen.read()) !== content;
      this.#screen.tell(this.isChanged ? "" : t("compose.saved"));
      if (!this.isChanged) sessionStorage.removeItem(UNSAVED);
    } catch (error) {
      this.keep();
      if (error instanceof ApiError && error.status === 400) {
        this.#screen.tell(t("compose.notSaved"));
        this.#screen.refused(error);
      } else {
        this.#screen.tell(t("compose.saveLater"));
        const retry = () => void this.save().catch(() => undefined);
        this.#retry = window.setTimeout(retry, RETRY_MS);
        window.addEventListener("online", retry, { once: true, signal: AbortSignal.timeout(RETRY_MS) });
      }
      throw error;
    }
  }

  /** @param {unknown} fields */
  async #put(fields) {
    if (this.id) {
      try {
        await api.put(`/drafts/${encodeURIComponent(this.id)}`, fields);
        return;
      } catch (error) {
        // Somebody deleted or sent it elsewhere: what is written here becomes a draft of its own.
        if (!(error instanceof ApiError) || error.status !== 404) throw error;
        this.id = "";
      }
    }
    const mail = await api.post("/mails", fields);
    this.id = mail.id;
    this.#screen.made(mail.id);
  }

  /** Keep in this window what is not saved. */
  keep() {
    if (this.isOver || !this.isChanged) return;
    const kept = { account: ownAddress(), query: this.query, draftId: this.id, fields: this.#screen.read() };
    try {
      sessionStorage.setItem(UNSAVED, JSON.stringify(kept));
    } catch {
      // Too long for the place there is: the draft is what remains.
    }
  }

  /** Return what was kept of this same mail, null if nothing was. @returns {any} */
  takeKept() {
    const kept = readKept();
    const isThis = kept && (kept.query === this.query || (kept.draftId && kept.draftId === this.id));
    if (!isThis || kept.account !== ownAddress()) return null;
    this.id = kept.draftId;
    this.isChanged = true;
    return kept.fields;
  }

  /** Save nothing any more, once the save that goes on has ended. */
  async end() {
    this.isOver = true;
    clearTimeout(this.#retry);
    sessionStorage.removeItem(UNSAVED);
    await this.#saving;
  }

  /** Resolves when no save goes on. */
  async whenIdle() {
    await this.#saving;
  }

  /** Delete it for good, where there is one. */
  async remove() {
    try {
      if (this.id) await api.delete(`/mails/${encodeURIComponent(this.id)}`, { permanent: true });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
    }
  }
}

/** @returns {any} */
function readKept() {
  try {
    return JSON.parse(sessionStorage.getItem(UNSAVED) ?? "null");
  } catch {
    return null;
  }
}
