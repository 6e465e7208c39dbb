/** What becomes of a mail that was sent or scheduled: it can be taken back for a while; and what is asked before. */
import { api, ApiError } from "../../api.js";
import { t } from "../../i18n.js";
import { makeHash, navigate } from "../../router.js";
import { askToConfirm } from "../dialog.js";
import { showError, showToast } from "../toast.js";

const UNDO_MS = 9000;

/** Say that a mail was sent, with a way back. @param {{processingId: number, mailId: string}} answer */
export function tellSent({ processingId, mailId }) {
  showToast(t("compose.sent"), {
    milliseconds: UNDO_MS, action: { text: t("action.undo"), run: () => void undoSend(processingId, mailId) },
  });
}

/** Say that a mail was scheduled, with a way back. @param {{mailId: string}} answer */
export function tellScheduled({ mailId }) {
  showToast(t("compose.scheduled"), { action: { text: t("action.undo"), run: () => void cancelSchedule(mailId) } });
}

/**
 * Ask about what people forget: a subject, an attachment. Resolves to whether it may go out.
 * @param {string} subject @param {string} text @param {boolean} hasFiles
 */
export async function askAboutGaps(subject, text, hasFiles) {
  const ask = (/** @type {string} */ question) => askToConfirm(t("compose.send"), question, t("compose.sendAnyway"), false);
  if (!subject.trim() && !(await ask(t("compose.noSubject")))) return false;
  const speaks = new RegExp(t("compose.attachmentWords"), "iu").test(ownWords(text));
  return !speaks || hasFiles || ask(t("compose.noAttachment"));
}

/** What was written here: not what is quoted. @param {string} text */
function ownWords(text) {
  return text.split("\n").filter((line) => !line.startsWith(">")).join("\n").split(/^-{10} /m)[0];
}

/** Take a mail back that was just sent, and go on writing it. @param {number} processingId @param {string} mailId */
async function undoSend(processingId, mailId) {
  try {
    const answer = await api.post("/mails/send/undo", mailId ? { processingId, mailId } : { processingId });
    navigate(makeHash("compose", [], { draft: answer.mailId }));
  } catch (error) {
    if (error instanceof ApiError && error.status === 409) showToast(t("compose.tooLate"), { isError: true });
    else showError(error);
  }
}

/** Stop a scheduled mail, and go on writing it. @param {string} mailId */
export async function cancelSchedule(mailId) {
  try {
    const answer = await api.delete(`/mails/send/schedule/${encodeURIComponent(mailId)}`);
    navigate(makeHash("compose", [], { draft: answer.mailId }));
  } catch (error) {
    showError(error);
  }
}
