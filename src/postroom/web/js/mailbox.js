/** Folders, labels, settings and account: fetched once, then kept up to date by events. */
import { api } from "./api.js";
import { live, onLive } from "./events.js";
import { useLanguage } from "./i18n.js";
import { debounce, inTurn } from "./dom.js";
import { findRole, state } from "./state.js";

/** Fetch all that the shell shows; throws where the session is no good. */
export async function loadMailbox() {
  const [account, settings] = await Promise.all([
    api.get("/account/info"), api.get("/account/settings"), refreshFolders(), refreshLabels(),
  ]);
  await useLanguage([settings.language, ...navigator.languages]);
  state.set("account", account);
  state.set("settings", settings);
}

export async function refreshSettings() {
  const settings = await api.get("/account/settings");
  await useLanguage([settings.language, ...navigator.languages]);
  state.set("settings", settings);
}

/** Counts that the server told of while the folders were fetched: they are of later. @type {Map<string, object>} */
const toldCounts = new Map();

export const refreshFolders = inTurn(async (signal) => {
  toldCounts.clear();
  const { items } = await api.get("/folders", {}, signal);
  state.set("folders", items.map((/** @type {import("./types.js").Folder} */ folder) => ({ ...folder, ...toldCounts.get(folder.id) })));
});

export const refreshLabels = inTurn(async (signal) => {
  const [{ items }, counters] = await Promise.all([
    api.get("/labels", {}, signal), api.get("/mails/counters", { labels: "all" }, signal),
  ]);
  // Nothing is drawn anew for labels that are as they were.
  if (JSON.stringify(items) !== JSON.stringify(state.get("labels"))) state.set("labels", items);
  state.set("labelUnread", Object.fromEntries(counters.labels.map((/** @type {any} */ one) => [one.labelId, one.unreadItems])));
});

export const refreshAccount = inTurn(async (signal) => {
  const account = await api.get("/account/info", {}, signal);
  if (JSON.stringify(account) !== JSON.stringify(state.get("account"))) state.set("account", account);
});

/** Forget everything of an account. */
export function clearMailbox() {
  live.stop();
  state.set("account", null);
  state.set("settings", null);
  state.set("folders", []);
  state.set("labels", []);
  state.set("labelUnread", {});
}

const quiet = (/** @type {() => Promise<void>} */ call) => () => void call().catch(() => undefined);
const soonFolders = debounce(quiet(refreshFolders), 150);
const soonLabels = debounce(quiet(refreshLabels), 300);
/** How full the mailbox is, where that is shown. */
const soonQuota = debounce(() => { if (state.get("account")?.totalQuota) quiet(refreshAccount)(); }, 1000);

onLive("folders", soonFolders);
onLive("labels", soonLabels);
onLive("mails", () => {
  soonLabels();
  soonQuota();
});
onLive("refresh", () => {
  soonFolders();
  soonLabels();
  soonQuota();
});
onLive("counters", ({ folderId, unreadCount, totalItems }) => {
  toldCounts.set(folderId, { unreadItems: unreadCount, totalItems });
  const folders = state.get("folders");
  const known = folders.find((folder) => folder.id === folderId);
  if (!known) return;
  if (known.unreadItems === unreadCount && known.totalItems === totalItems) return;
  state.set("folders", folders.map((folder) =>
    folder.id === folderId ? { ...folder, unreadItems: unreadCount, totalItems } : folder));
});

/** Unread mails of the Inbox. */
export function unreadCount() {
  return findRole("inbox")?.unreadItems ?? 0;
}
