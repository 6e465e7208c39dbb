/** Pictures of buttons: strokes on a grid of 24, drawn in the colour of the text. Never the only name of anything. */

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  archive: "M3 5h18v4H3zM5 9v10h14V9M10 13h4",
  attach: "M20 11l-8.5 8.5a5 5 0 0 1-7-7L13 4a3.5 3.5 0 0 1 5 5l-8.500 8.500a2 2 0 0 1-3-3L14 7",
  back: "M15 5l-7 7 7 7",
  bell: "M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 21h4",
  bold: "M7 5h6a3.500 3.500 0 0 1 0 7H7zM7 12h7a3.500 3.500 0 0 1 0 7H7z",
  check: "M5 12l5 5 9-10",
  chevron: "M9 6l6 6-6 6",
  clear: "M6 5h12M12 5l-2 9M4 20h8M14 15l5 5M19 15l-5 5",
  close: "M6 6l12 12M18 6L6 18",
  compose: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  contacts: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c0-4 4-6 8-6s8 2 8 6",
  conversation: "M3 5h13v9H8l-5 4zM19 9h2v11l-4-3H10v-1",
  download: "M12 4v11M7 11l5 5 5-5M4 20h16",
  drafts: "M6 3h9l4 4v14H6zM15 3v4h4M9 13h7M9 17h5",
  file: "M6 3h9l4 4v14H6zM15 3v4h4",
  flag: "M12 3.500l2.700 5.500 6 .9-4.400 4.200 1 6-5.300-2.800-5.300 2.800 1-6L3.300 9.900l6-.9z",
  folder: "M3 6h6l2 2h10v11H3z",
  forward: "M14 6l6 6-6 6M20 12H10c-4 0-6 2-6 6",
  help: "M9 9a3 3 0 1 1 4.500 2.600c-1 .6-1.500 1.200-1.500 2.400M12 18v.01M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
  image: "M3 5h18v14H3zM3 16l5-5 5 5 3-3 5 4M15.500 9.500v.01",
  inbox: "M3 13l3-8h12l3 8v6H3zM3 13h5l1 3h6l1-3h5",
  italic: "M10 5h8M6 19h8M14 5l-4 14",
  label: "M3 4h9l9 9-8 8-10-9zM8 9v.01",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  list: "M4 6h16M4 12h16M4 18h16",
  menu: "M4 7h16M4 12h16M4 17h16",
  more: "M5 12v.01M12 12v.01M19 12v.01",
  move: "M3 6h6l2 2h10v11H3zM9 13.500h6M13 11l2.500 2.500L13 16",
  numbers: "M10 6h10M10 12h10M10 18h10M4 5l1.500-1v5M4 14h2.500l-2.500 4h2.500",
  plus: "M12 5v14M5 12h14",
  quote: "M5 7h5v5c0 3-2 5-4 5M14 7h5v5c0 3-2 5-4 5",
  read: "M3 10l9-6 9 6v10H3zM3 10l9 6 9-6",
  reply: "M10 6l-6 6 6 6M4 12h10c4 0 6 2 6 6",
  replyAll: "M7 6l-5 6 5 6M13 6l-6 6 6 6M7 12h8c4 0 6 2 6 6",
  schedule: "M12 7v5l3 3M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l5 5",
  sent: "M3 4l18 8-18 8 3-8zM6 12h8",
  settings: "M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM12 2v4M12 18v4M2 12h4M18 12h4M5 5l3 3M16 16l3 3M19 5l-3 3M8 16l-3 3",
  shared: "M9 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM3 19c0-3 3-5 6-5s6 2 6 5M16 5.500a3 3 0 0 1 0 5.500M17 14c2.500.5 4 2.500 4 5",
  signOut: "M14 4H5v16h9M10 12h11M17 8l4 4-4 4",
  sort: "M7 5v14M4 16l3 3 3-3M13 7h8M13 12h6M13 17h4",
  spam: "M8 3h8l5 5v8l-5 5H8l-5-5V8zM12 8v5M12 16v.01",
  strike: "M5 12h14M16 8c0-2-2-3-4-3s-4 1-4 3c0 1 .5 2 1.500 2.500M8 16c0 2 2 3 4 3s4-1 4-3",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 14h10l1-14M10 11v6M14 11v6",
  underline: "M7 4v8a5 5 0 0 0 10 0V4M5 20h14",
  undo: "M8 5L4 9l4 4M4 9h10a6 6 0 0 1 0 12h-3",
  unread: "M3 6h18v13H3zM3 7l9 7 9-7",
  upload: "M12 16V5M7 9l5-5 5 5M4 20h16",
  warning: "M12 4l10 17H2zM12 10v5M12 18v.01",
};

/** @typedef {keyof typeof PATHS} IconName */

/** A picture that screen readers pass over. @param {IconName} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
