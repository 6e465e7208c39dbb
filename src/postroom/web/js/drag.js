/** Mails under way by drag and drop. What is dragged stays in this page: the type alone says that it is mails. */

/** @typedef {import("./actions.js").Targets} Targets */

const TYPE = "application/x-postroom-mails";

/** @type {Targets | null} */
let dragged = null;

/** @param {DragEvent} event @param {Targets} targets @param {string} text */
export function startDrag(event, targets, text) {
  if (!event.dataTransfer) return;
  dragged = targets;
  event.dataTransfer.setData(TYPE, "1");
  event.dataTransfer.effectAllowed = "copyMove";
  const image = document.createElement("div");
  image.className = "drag-image";
  image.textContent = text;
  document.body.append(image);
  event.dataTransfer.setDragImage(image, -12, -12);
  setTimeout(() => image.remove());
}

/** @param {DragEvent} event @returns {Targets | null} */
export function readDraggedMails(event) {
  return event.dataTransfer?.types.includes(TYPE) ? dragged : null;
}
