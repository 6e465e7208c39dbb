/** The unread count where people see it without looking here: title, icon of the tab, icon of the installed app. */
import { t } from "./i18n.js";
import { unreadCount } from "./mailbox.js";
import { findFolder, state } from "./state.js";

const PLAIN_ICON = "/web/icons/icon.svg";
const SIZE = 64;

let shown = -1;

function update() {
  const count = state.get("isSignedIn") ? unreadCount() : 0;
  document.title = (count ? `(${count}) ` : "") + [placeName(), "Postroom"].filter(Boolean).join(" – ");
  if (count === shown) return;
  shown = count;
  void drawIcon(count);
  const badges = /** @type {{setAppBadge?: (count: number) => Promise<void>, clearAppBadge?: () => Promise<void>}} */ (navigator);
  (count ? badges.setAppBadge?.(count) : badges.clearAppBadge?.())?.catch(() => undefined);
}

function placeName() {
  const { screen, parts } = state.get("route");
  if (!state.get("isSignedIn")) return t("login.title");
  if (screen === "search") return parts[0] ?? "";
  return screen === "mail" ? findFolder(parts[0] ?? "")?.name ?? "" : "";
}

/** @param {number} count */
async function drawIcon(count) {
  const link = /** @type {HTMLLinkElement | null} */ (document.querySelector("link[rel=icon]"));
  if (!link) return;
  if (!count) {
    link.href = PLAIN_ICON;
    return;
  }
  const image = new Image(SIZE, SIZE);
  image.src = PLAIN_ICON;
  try {
    await image.decode();
  } catch {
    return;
  }
  if (count !== shown) return;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE;
  const context = canvas.getContext("2d");
  if (!context) return;
  context.drawImage(image, 0, 0, SIZE, SIZE);
  const text = count > 99 ? "99+" : String(count);
  context.font = `bold ${text.length > 2 ? 26 : 34}px system-ui, sans-serif`;
  const width = Math.max(38, context.measureText(text).width + 14);
  context.fillStyle = "#c62828";
  context.beginPath();
  context.roundRect(SIZE - width, SIZE - 38, width, 38, 19);
  context.fill();
  context.fillStyle = "#fff";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(text, SIZE - width / 2, SIZE - 18);
  link.type = "image/png";
  link.href = canvas.toDataURL("image/png");
}

export function startBadge() {
  state.watch(["folders", "route", "isSignedIn", "settings"], update);
  update();
}
