/**
 * What is done with mails and conversations: one, several, or all rows of a list at once. One is a call of its own,
 * several are a batch; what the server makes a job of is shown as it goes on. What can be taken back comes with a
 * button for it. Lists hear of it all by `changes`, besides by the events of the server.
 */
import { api, ApiError } from "./api.js";
import { onLive } from "./events.js";
import { t } from "./i18n.js";
import { refreshFolders } from "./mailbox.js";
import { findFolder, findRole, state } from "./state.js";
import { askToConfirm } from "./components/dialog.js";
import { describeError, showError, showToast } from "./components/toast.js";

/**
 * @typedef {import("./types.js").Mail | import("./types.js").Conversation} Item
 * @typedef {{start: string, limit: number, field: string, direction: string}} Range rows of the list from that of `start` on
 * @typedef {{kind: "mails" | "conversations", folderId: string, count: number, ids: string[], items?: Item[],
 *   range?: Range}} Targets `ids`, or `range` where not all of them are known
 * @typedef {import("./types.js").BatchAnswer} BatchAnswer
 */

/** `done` is dispatched when something was done here; its detail is the folder's id. */
export const changes = new EventTarget();

/** How many operations of the server the last thing done here was. */
let lastSteps = 1;
/** @type {HTMLElement | null} what says so */
let lastToast = null;
const PARALLEL = 4;
const WAIT_MS = 700;

/** @param {string} folderId */
function tell(folderId) {
  changes.dispatchEvent(new CustomEvent("done", { detail: folderId }));
}

/**
 * @param {Targets} targets
 * @param {{single: (id: string) => Promise<unknown>, batch: string, body?: Record<string, unknown>}} how
 * `batch`: the end of the batch call's path
 * @returns {Promise<number>} how many could not be done
 */
async function run(targets, { single, batch, body = {} }) {
  if (!targets.range && targets.ids.length === 1) {
    await single(targets.ids[0]);
    return 0;
  }
  const { range, kind, folderId } = targets;
  const chosen = range
    ? {
      ranges: [{ start: range.start, limit: range.limit }],
      sortInfo: { field: range.field, direction: range.direction },
      ...(kind === "conversations" ? { folderId } : {}),
    }
    : { ids: targets.ids };
  const answer = await waitForJob(await showWaiting(api.post(`/batch/${kind}/${batch}`, { ...chosen, ...body })));
  return answer.batchOperationDetails.failedItems.length;
}

/**
 * Wait for an answer; where it takes long, say so.
 * @template T
 * @param {Promise<T>} answer
 */
async function showWaiting(answer) {
  /** @type {HTMLElement | undefined} */
  let toast;
  const timer = setTimeout(() => { toast = showToast(t("done.working"), { progress: -1 }); }, WAIT_MS);
  try {
    return await answer;
  } finally {
    clearTimeout(timer);
    toast?.remove();
  }
}

/**
 * Wait until a batch is done, with a bar that shows how far it is.
 * @param {BatchAnswer} answer @returns {Promise<BatchAnswer>}
 */
export async function waitForJob(answer) {
  if (answer.status !== "inProgress" || !answer.jobKey) return answer;
  const jobKey = answer.jobKey;
  const toast = showToast(t("done.working"), { progress: answer.progress });
  const controller = new AbortController();
  // Events and answers overtake each other: it goes forward alone.
  const show = (/** @type {number} */ progress) => {
    if (progress <= (toast.progress ?? 0) || !toast.isConnected) return;
    toast.progress = progress;
    toast.update();
  };
  onLive("job", (job) => { if (job.jobKey === jobKey) show(job.progress); }, controller.signal);
  try {
    let present = answer;
    while (present.status === "inProgress") {
      await new Promise((resolve) => setTimeout(resolve, 300));
      present = await api.get(`/batch/${encodeURIComponent(jobKey)}`);
      show(present.progress);
    }
    return present;
  } finally {
    controller.abort();
    toast.remove();
  }
}

/**
 * @param {Targets} targets @param {Parameters<typeof run>[1]} how
 * @param {(count: number) => string} describe @param {{isUndoable?: boolean, isQuiet?: boolean}} [options]
 */
async function perform(targets, how, describe, { isUndoable = false, isQuiet = false } = {}) {
  try {
    const failed = await run(targets, how);
    const done = targets.count - failed;
    if (failed) showToast(t("done.failed", { count: failed }), { isError: true });
    if (done > 0 && isUndoable) report(describe(done), 1, targets.folderId, String(how.body?.destinationFolderId ?? ""));
    else if (done > 0 && !isQuiet) showToast(describe(done));
  } catch (error) {
    showError(error);
  }
  tell(targets.folderId);
}

/**
 * Say what was done, with a button that takes it back.
 * @param {string} text @param {number} [steps] how many operations of the server it was
 */
export function showUndo(text, steps = 1) {
  lastSteps = steps;
  lastToast?.remove();
  lastToast = showToast(text, { action: { text: t("action.undo"), run: () => void undo(steps) } });
}

/**
 * Say what was done; it can be taken back where it was done among one's own folders: what others share is in the
 * history of its owner, and would not come back there.
 * @param {string} text @param {number} steps @param {...string} folderIds
 */
function report(text, steps, ...folderIds) {
  const own = ownerOf(findRole("inbox")?.id ?? "");
  if (folderIds.every((id) => !id || ownerOf(id) === own)) {
    showUndo(text, steps);
    return;
  }
  lastSteps = 0;
  lastToast?.remove();
  showToast(text);
}

/** Take back the last thing that was done. @param {number} [steps] */
export async function undo(steps = lastSteps) {
  let done = 0;
  lastToast?.remove();
  if (!steps) {
    showToast(t("done.nothingToUndo"), { isError: true });
    return;
  }
  try {
    for (; done < steps; done += 1) {
      const answer = await showWaiting(api.post("/undo"));
      if (answer?.jobKey) await waitForJob(answer);
    }
    showToast(t("done.undone"));
  } catch (error) {
    if (error instanceof ApiError && error.errorCode === "conflict") {
      showToast(t(error.details.failedItems || done ? "done.undoPartly" : "done.nothingToUndo"), { isError: true });
    } else {
      showError(error);
    }
  }
  lastSteps = 1;
  tell("");
  await refreshFolders().catch(() => undefined);
}

/** @param {Targets} targets @param {string} rest */
function path(targets, rest = "") {
  return (/** @type {string} */ id) => `/${targets.kind}/${encodeURIComponent(id)}${rest}`;
}

/** @param {Targets} targets @param {{id: string, name: string}} folder */
export async function move(targets, folder) {
  if (folder.id === targets.folderId) return;
  const body = { destinationFolderId: folder.id };
  // Conversations are their owner's: between two owners their mails are moved.
  const moved = ownerOf(folder.id) === ownerOf(targets.folderId) ? targets : toMails(targets) ?? await resolveRange(targets);
  await perform(moved, { single: (id) => api.post(path(moved, "/move")(id), body), batch: "move", body },
    (count) => t("done.moved", { count, folder: folder.name }), { isUndoable: true });
}

/** What the ids of all folders of an account begin with. @param {string} folderId */
function ownerOf(folderId) {
  return folderId.split("_")[0];
}

/** Copy mails; of conversations the mails in the folder. @param {Targets} targets @param {{id: string, name: string}} folder */
export async function copy(targets, folder) {
  const mails = toMails(targets);
  if (!mails) return;
  const body = { destinationFolderId: folder.id };
  await perform(mails, { single: (id) => api.post(`/mails/${encodeURIComponent(id)}/copy`, body), batch: "copy", body },
    (count) => t("done.copied", { count, folder: folder.name }), { isUndoable: true });
}

/**
 * The mails that conversations have in their folder; null where not all of them are known here.
 * @param {Targets} targets @returns {Targets | null}
 */
function toMails(targets) {
  if (targets.kind === "mails") return targets;
  if (targets.range || !targets.items) return null;
  const ids = /** @type {import("./types.js").Conversation[]} */ (targets.items)
    .flatMap((item) => item.mails.filter((mail) => mail.folderId === targets.folderId).map((mail) => mail.mailId));
  return { kind: "mails", folderId: targets.folderId, ids, count: ids.length };
}

/** @param {Targets} targets @param {{isUnread?: boolean, isFlagged?: boolean}} flags */
export async function setFlags(targets, flags) {
  const message = flags.isUnread === undefined ? (flags.isFlagged ? "done.flagged" : "done.unflagged") : flags.isUnread ? "done.unread" : "done.read";
  await perform(targets, { single: (id) => api.patch(path(targets)(id), flags), batch: "update", body: flags },
    (count) => t(message, { count }), { isQuiet: targets.count === 1 });
}

/** @param {Targets} targets @param {import("./types.js").Label} label @param {boolean} isOn */
export async function setLabel(targets, label, isOn) {
  const single = (/** @type {string} */ id) => isOn
    ? api.post(path(targets, "/labels")(id), { labelId: label.id })
    : api.delete(path(targets, `/labels/${label.id}`)(id));
  await perform(targets, { single, batch: isOn ? "labels/add" : "labels/remove", body: { labelId: label.id } },
    (count) => t(isOn ? "done.labelled" : "done.unlabelled", { count, label: label.name }));
}

/** Whether a folder is one with this role or lies below it. @param {string} folderId @param {string} role */
export function isWithin(folderId, role) {
  for (let folder = findFolder(folderId); folder; folder = findFolder(folder.parentId)) {
    if (folder.role === role && folder.accessMode === "local") return true;
  }
  return false;
}

/** @param {string} folderId */
function isOthers(folderId) {
  return (findFolder(folderId)?.accessMode ?? "local") !== "local";
}

/**
 * Whether what is deleted in a folder is gone: it lies in Trash, the settings have it so, or it is another's, which
 * cannot go to Trash. @param {string} folderId
 */
export function isForGood(folderId) {
  return !(state.get("settings")?.deleteToTrash ?? true) || isOthers(folderId) || isWithin(folderId, "trash");
}

/**
 * Where the targets lie: a search finds mails anywhere; nothing where that is not known.
 * @param {Targets} targets @returns {Promise<string[]>}
 */
async function listPlaces(targets) {
  if (findFolder(targets.folderId)) return [targets.folderId];
  try {
    const items = /** @type {import("./types.js").Mail[]} */ (targets.range ? await listRange(targets) : targets.items ?? []);
    return [...new Set(items.map((item) => item.originalFolderId))];
  } catch {
    return [];
  }
}

/** Delete as the account's settings have it: to Trash, or for good. @param {Targets} targets */
export async function remove(targets) {
  const places = await listPlaces(targets);
  const how = { single: (/** @type {string} */ id) => api.delete(path(targets)(id)), batch: "delete" };
  if (places.length && !places.some(isForGood)) {
    await perform(targets, how, (count) => t("done.trashed", { count }), { isUndoable: true });
  } else if (await confirmDeleting(targets)) {
    const describe = (/** @type {number} */ count) => t("done.deleted", { count });
    // A batch would have another's mails go to Trash.
    if (places.some(isOthers)) await each(toMails(targets) ?? targets, deleteMail, describe);
    else await perform(targets, how, describe);
  }
}

/** @param {string} id */
function deleteMail(id) {
  return api.delete(`/mails/${encodeURIComponent(id)}`, { permanent: true });
}

/** @param {Targets} targets */
async function confirmDeleting(targets) {
  if (!(state.get("settings")?.confirmMailDelete ?? true)) return true;
  return askToConfirm(t("mail.deleteForever"), t("mail.deleteText", { count: targets.count }), t("action.delete"));
}

/** Delete what is in Trash or Spam, whatever the settings say; whoever calls this has asked. @param {Targets} targets */
export async function deleteForever(targets) {
  const how = { single: deleteMail, batch: "delete" };
  if (isForGood(targets.folderId)) await perform(targets, how, (count) => t("done.deleted", { count }));
  // What is not in Trash goes there first: a batch knows no other way.
  else await perform(targets, how, (count) => t("done.trashed", { count }), { isUndoable: true });
}

/** @param {Targets} targets */
export async function markSpam(targets) {
  const junk = findRole("junk");
  if (targets.ids.length === 1 && !targets.range) {
    await perform(targets, { single: (id) => api.post(path(targets, "/spam")(id)), batch: "move" },
      (count) => t("done.spam", { count }), { isUndoable: true });
  } else if (targets.range && junk) {
    // Too many to be told one by one to the filter.
    await perform(targets, { single: async () => undefined, batch: "move", body: { destinationFolderId: junk.id } },
      (count) => t("done.spam", { count }), { isUndoable: true });
  } else {
    await each(targets, (id) => api.post(path(targets, "/spam")(id)), (count) => t("done.spam", { count }));
  }
}

/** @param {Targets} targets */
export async function markNotSpam(targets) {
  const inbox = findRole("inbox");
  if (targets.range && inbox) await move(targets, inbox);
  else await each(targets, (id) => api.post(`/mails/${encodeURIComponent(id)}/notspam`), (count) => t("done.notSpam", { count }));
}

/** Archive by the account's policy. @param {Targets} targets */
export async function archive(targets) {
  const folder = findRole("archive");
  const isOneFolder = (state.get("settings")?.archivingPolicy ?? "none") === "none" && folder !== undefined;
  if (isWithin(targets.folderId, "archive")) return;
  if (isOneFolder && targets.count > 1) {
    const body = { destinationFolderId: folder.id };
    await perform(targets, { single: (id) => api.post(path(targets, "/move")(id), body), batch: "move", body },
      (count) => t("done.archived", { count }), { isUndoable: true });
    return;
  }
  const mails = toMails(targets) ?? (await resolveRange(targets));
  await each(mails, (id) => api.post(`/mails/${encodeURIComponent(id)}/archive`), () => t("done.archived", { count: targets.count }));
}

/** The mails of a range. @param {Targets} targets @returns {Promise<Targets>} */
async function resolveRange(targets) {
  const ids = [];
  for (const item of await listRange(targets)) {
    if ("mails" in item) for (const mail of item.mails) { if (mail.folderId === targets.folderId) ids.push(mail.mailId); }
    else ids.push(item.id);
  }
  return { kind: "mails", folderId: targets.folderId, ids, count: ids.length };
}

/** The rows of a range, asked for page by page. @param {Targets} targets @returns {Promise<Item[]>} */
async function listRange(targets) {
  const range = /** @type {Range} */ (targets.range);
  const active = targets.kind === "mails" ? "activeMailId" : "activeConversationId";
  const query = { folderId: targets.folderId, sort: range.field, dir: range.direction };
  const { sortInfo } = await api.get(`/${targets.kind}`, { ...query, limit: 1, [active]: range.start });
  /** @type {Item[]} */
  const found = [];
  for (let start = Math.max(0, sortInfo.activeRowIndex), left = range.limit; left > 0;) {
    const { items } = await api.get(`/${targets.kind}`, { ...query, start, limit: Math.min(left, 1000) });
    if (!items.length) break;
    found.push(...items);
    start += items.length;
    left -= items.length;
  }
  return found;
}

/**
 * Do something with each of several, a few at a time, with a bar.
 * @param {Targets} targets @param {(id: string) => Promise<unknown>} call @param {(count: number) => string} describe
 */
async function each(targets, call, describe) {
  const ids = targets.range ? (await resolveRange(targets)).ids : targets.ids;
  const waiting = [...ids];
  const toast = ids.length > 20 ? showToast(t("done.working"), { progress: 0 }) : null;
  let done = 0;
  /** @type {unknown} */
  let problem;
  const work = async () => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      try {
        await call(id);
        done += 1;
      } catch (error) {
        problem ??= error;
      }
      if (toast) {
        toast.progress = (100 * (ids.length - waiting.length)) / ids.length;
        if (toast.isConnected) toast.update();
      }
    }
  };
  // The first alone: it may make the folder that the others go to.
  const first = waiting.shift();
  if (first !== undefined) {
    const rest = waiting.splice(0);
    waiting.push(first);
    await work();
    waiting.push(...rest);
    await Promise.all(Array.from({ length: PARALLEL }, work));
  }
  toast?.remove();
  if (problem !== undefined) showToast(done ? t("done.failed", { count: ids.length - done }) : describeError(problem), { isError: true });
  if (done) report(describe(done), done, targets.folderId);
  tell(targets.folderId);
}
