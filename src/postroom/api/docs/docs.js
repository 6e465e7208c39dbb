"use strict";

// Renders /api/openapi.json. Text from the document goes in as text, never as HTML.

const METHODS = ["get", "head", "post", "put", "patch", "delete"];

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function follow(description, value) {
  if (!value || !value.$ref) {
    return value;
  }
  return value.$ref.slice(2).split("/").reduce((node, key) => node[key], description);
}

function nameType(schema) {
  if (!schema) {
    return "";
  }
  if (schema.$ref) {
    return schema.$ref.split("/").pop();
  }
  if (schema.enum) {
    return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  }
  if (schema.anyOf) {
    return schema.anyOf.map(nameType).join(" | ");
  }
  if (schema.type === "array") {
    return (nameType(schema.items) || "any") + "[]";
  }
  return schema.contentEncoding || schema.type || "any";
}

function limits(schema) {
  const known = [];
  for (const [key, label] of [["minimum", "from"], ["maximum", "to"], ["default", "default"], ["pattern", "like"]]) {
    // A number that is read as another one (2^63 - 1) is no limit to tell of.
    const isExact = typeof schema?.[key] !== "number" || !Number.isInteger(schema[key]) || Number.isSafeInteger(schema[key]);
    if (schema && schema[key] !== undefined && isExact) {
      known.push(`${label} ${typeof schema[key] === "string" ? schema[key] : JSON.stringify(schema[key])}`);
    }
  }
  return known.join(", ");
}

function table(heads, rows) {
  const head = element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)));
  const body = rows.map((cells) => element("tr", {}, ...cells.map((cell) => element("td", {}, ...renderCell(cell)))));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
}

function code(text) {
  return element("code", {}, text);
}

function renderCell(cell) {
  return typeof cell === "string" ? renderText(cell) : [cell];
}

/** Text in which what stands between backticks is code. */
function renderText(text) {
  return text.split("`").map((part, index) => (index % 2 ? code(part) : part));
}

function renderMembers(description, reference, seen) {
  if (reference.anyOf) {
    return reference.anyOf.flatMap((one) => renderMembers(description, one, seen));
  }
  const schema = follow(description, reference);
  const name = reference.$ref ? nameType(reference) : "";
  if (!schema || !schema.properties || seen.has(name)) {
    return [];
  }
  seen.add(name);
  const rows = Object.entries(schema.properties).map(([member, kind]) => [
    code(member),
    code(nameType(kind)),
    [kind.description, limits(kind)].filter(Boolean).join(" · "),
  ]);
  const nested = Object.values(schema.properties)
    .map((kind) => kind.items || kind)
    .filter((kind) => kind.$ref)
    .flatMap((kind) => renderMembers(description, kind, seen));
  return [element("h4", {}, name), table(["Member", "Type", "Meaning"], rows), ...nested];
}

function renderContent(description, content) {
  const shown = [];
  for (const [mediaType, media] of Object.entries(content || {})) {
    shown.push(element("p", {}, code(mediaType)));
    if (media.schema) {
      shown.push(...renderMembers(description, media.schema, new Set()));
    }
    if (media.example !== undefined) {
      shown.push(element("pre", { tabindex: "0" }, JSON.stringify(media.example, null, 2)));
    }
  }
  return shown;
}

function renderParameters(description, parameters) {
  if (!parameters || parameters.length === 0) {
    return [];
  }
  const rows = parameters.map((one) => follow(description, one)).map((one) => [
    code(one.name + (one.required ? " *" : "")),
    one.in,
    code(nameType(one.schema)),
    [one.description, limits(one.schema)].filter(Boolean).join(" · "),
  ]);
  return [element("h3", {}, "Parameters"), table(["Name", "In", "Type", "Meaning"], rows)];
}

function renderResponses(description, responses) {
  const shown = [element("h3", {}, "Answers")];
  for (const [status, response] of Object.entries(responses)) {
    const answer = follow(description, response);
    const summary = element("summary", {}, code(status), " ", ...renderText(answer.description));
    const details = element("details", status === "200" ? { open: "" } : {}, summary);
    details.append(...renderContent(description, answer.content));
    shown.push(details);
  }
  return shown;
}

function renderOperation(description, path, method, operation) {
  const title = element("h2", { id: operation.operationId });
  title.append(element("span", { class: "method" }, method.toUpperCase()), code(path));
  const section = element("section", {}, title, element("p", {}, ...renderText(`${operation.summary}. ${operation.description}`)));
  const open = (operation.security || []).length === 0;
  section.append(element("p", { class: "faint" }, open ? "Public" : "Needs authentication"));
  section.append(...renderParameters(description, operation.parameters));
  if (operation.requestBody) {
    section.append(element("h3", {}, "Body"), ...renderContent(description, operation.requestBody.content));
  }
  if (operation.operationId !== "streamEvents") {
    section.append(renderTry(description, path, method, operation));
  }
  section.append(...renderResponses(description, operation.responses));
  return section;
}

function listOperations(description) {
  const found = [];
  for (const [path, item] of Object.entries(description.paths)) {
    for (const method of METHODS.filter((name) => item[name])) {
      found.push({ path, method, operation: item[method] });
    }
  }
  return found;
}

function show(description, wanted) {
  const contents = document.getElementById("contents");
  const main = document.getElementById("operations");
  contents.replaceChildren();
  main.replaceChildren();
  const groups = new Map();
  for (const { path, method, operation } of listOperations(description)) {
    const text = [path, method, operation.operationId, operation.summary, operation.description].join(" ").toLowerCase();
    if (!wanted.every((word) => text.includes(word))) {
      continue;
    }
    const tag = operation.tags[0];
    if (!groups.has(tag)) {
      groups.set(tag, element("ul", {}));
    }
    const link = element("a", { href: "#" + operation.operationId }, operation.operationId);
    groups.get(tag).append(element("li", {}, link));
    main.append(renderOperation(description, path, method, operation));
  }
  for (const [tag, list] of groups) {
    contents.append(element("strong", {}, tag), list);
  }
}

async function start() {
  const about = document.getElementById("about");
  const find = document.getElementById("find");
  try {
    const answer = await fetch("/api/openapi.json");
    if (!answer.ok) {
      throw new Error(`status ${answer.status}`);
    }
    const description = await answer.json();
    const { summary, description: words } = description.info;
    about.replaceChildren(`${summary}. `, ...renderText(words));
    find.addEventListener("input", () => show(description, find.value.toLowerCase().split(/\s+/)));
    show(description, []);
    document.getElementById("more").append(...renderErrors(description), ...renderChanges(description));
    document.getElementById("name").addEventListener("input", showIdentity);
    showIdentity();
    if (location.hash) {
      document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
    }
  } catch (error) {
    about.textContent = `The description could not be loaded: ${error.message}`;
  }
}

start();
