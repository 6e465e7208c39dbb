/**
 * A click is of what was pressed: the pointer goes down, comes up, and the browser tells of a click only if the element
 * is still there; if something else is in its place by then, that is what is clicked. So what changes by itself, as
 * mails come in, is drawn anew only when nothing is pressed.
 */

const PRESSABLE = "a, button, input, label, summary, [role=row]";
/** A click follows the pointer's coming up, with a finger some time later. */
const CLICK_MS = 50;
/** The end of a press is not told where something else of the browser takes the pointer. */
const LONGEST_PRESS_MS = 10000;

let isPressed = false;
let timer = 0;
/** @type {Set<() => void>} */
const held = new Set();

function release() {
  isPressed = false;
  const calls = [...held];
  held.clear();
  for (const call of calls) call();
}

/** @param {number} milliseconds */
function releaseIn(milliseconds) {
  clearTimeout(timer);
  timer = window.setTimeout(release, milliseconds);
}

addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || !(event.target instanceof Element) || !event.target.closest(PRESSABLE)) return;
  isPressed = true;
  releaseIn(LONGEST_PRESS_MS);
}, { capture: true });
for (const kind of ["pointerup", "pointercancel"]) {
  addEventListener(kind, () => { if (isPressed) releaseIn(CLICK_MS); }, { capture: true });
}

/** Call a function now, or as soon as nothing is pressed; one that waits already is called once. @param {() => void} call */
export function whenReleased(call) {
  if (isPressed) held.add(call);
  else call();
}

/** Wait until nothing is pressed. @returns {Promise<void>} */
export function released() {
  return new Promise((resolve) => whenReleased(resolve));
}
