"use strict";

// Tries calls from the page: in the session of the web client, or with a name and a password, which are kept in this
// page alone. What comes back goes in as text, never as HTML.

const SESSION_KEY = "postroom.sessid";
const MOST_SHOWN = 100000;

function findSession() {
  return sessionStorage.getItem(SESSION_KEY) || localStorage.getItem(SESSION_KEY) || "";
}

function labelled(text, control) {
  return element("label", {}, text + " ", control);
}

function toBase64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

// Returns the headers, the query and the credentials mode that a call is made with.
function identify() {
  const name = document.getElementById("name").value;
  const password = document.getElementById("password").value;
  if (name) {
    return { headers: { Authorization: "Basic " + toBase64(`${name}:${password}`) }, query: [], mode: "omit" };
  }
  const session = findSession();
  return session
    ? { headers: {}, query: [["_h", session]], mode: "same-origin" }
    : { headers: {}, query: [], mode: "omit" };
}

function makeField(parameter) {
  const schema = parameter.schema || {};
  const example = parameter.example ?? (schema.examples || [])[0] ?? "";
  const field = element("input", { "data-in": parameter.in, name: parameter.name, autocomplete: "off" });
  field.placeholder = String(example);
  if (parameter.in === "path") {
    field.value = String(example);
  }
  return labelled(parameter.name + (parameter.required ? " *" : ""), field);
}

function makeBody(content) {
  if (content["multipart/form-data"]) {
    return labelled("files", element("input", { type: "file", multiple: "", class: "files" }));
  }
  const area = element("textarea", { rows: "8", class: "body", spellcheck: "false" });
  area.value = JSON.stringify(content["application/json"].example, null, 2);
  return labelled("body", area);
}

function readFields(form, where) {
  return [...form.querySelectorAll(`input[data-in="${where}"]`)]
    .filter((field) => field.value !== "")
    .map((field) => [field.name, field.value]);
}

function makeRequest(form, path, method) {
  const own = identify();
  let target = path;
  for (const [name, value] of readFields(form, "path")) {
    target = target.replace(`{${name}}`, encodeURIComponent(value));
  }
  const query = new URLSearchParams([...readFields(form, "query"), ...own.query]).toString();
  // A refused call must not have the browser ask for a password by itself.
  const headers = { "X-Requested-With": "XMLHttpRequest", ...own.headers, ...Object.fromEntries(readFields(form, "header")) };
  const options = { method: method.toUpperCase(), headers, credentials: own.mode, cache: "no-store" };
  const body = form.querySelector("textarea.body");
  const files = form.querySelector("input.files");
  if (body && body.value.trim()) {
    headers["Content-Type"] = "application/json";
    options.body = body.value;
  } else if (files) {
    options.body = new FormData();
    for (const file of files.files) {
      options.body.append("file", file);
    }
  }
  return [query ? `${target}?${query}` : target, options];
}

async function readAnswer(answer) {
  const type = answer.headers.get("Content-Type") || "";
  if (!/json|^text\//.test(type)) {
    const size = (await answer.arrayBuffer()).byteLength;
    return size ? `${size} bytes of ${type}` : "";
  }
  const text = await answer.text();
  const shown = type.includes("json") && text ? JSON.stringify(JSON.parse(text), null, 2) : text;
  return shown.length > MOST_SHOWN ? shown.slice(0, MOST_SHOWN) + "\n…" : shown;
}

async function send(form, path, method) {
  const shown = form.querySelector("output");
  shown.replaceChildren("…");
  try {
    const answer = await fetch(...makeRequest(form, path, method));
    const id = answer.headers.get("X-Request-Id") || "";
    const text = await readAnswer(answer);
    shown.replaceChildren(element("p", {}, code(String(answer.status)), ` request ${id}`), element("pre", { tabindex: "0" }, text));
  } catch (error) {
    shown.replaceChildren(element("p", {}, `No answer: ${error.message}`));
  }
}

// Returns the form of a call; the event stream has no end and is not tried.
function renderTry(description, path, method, operation) {
  const parameters = (operation.parameters || []).map((one) => follow(description, one));
  const content = operation.requestBody ? operation.requestBody.content : null;
  const form = element("div", { class: "try" }, ...parameters.map(makeField));
  if (content) {
    form.append(makeBody(content));
  }
  const button = element("button", { type: "button" }, "Send");
  button.addEventListener("click", () => send(form, path, method));
  form.append(button, element("output", { "aria-live": "polite" }));
  return element("details", { class: "trial" }, element("summary", {}, "Try it"), form);
}

function renderErrors(description) {
  const rows = description["x-errors"].map((one) => [code(one.errorCode), String(one.status), one.description]);
  return [element("h2", { id: "errors" }, "Errors"), table(["errorCode", "Status", "Meaning"], rows)];
}

function renderChanges(description) {
  return [
    element("h2", { id: "changes" }, "Changes"),
    ...description["x-changes"].flatMap((version) => [
      element("h3", {}, version.version),
      element("ul", {}, ...version.changes.map((text) => element("li", {}, text))),
    ]),
  ];
}

function showIdentity() {
  const name = document.getElementById("name").value;
  const session = findSession() ? "the session of the web client" : "nobody: calls that need an account answer 401";
  document.getElementById("identity").textContent = name ? `Calls are made as ${name}.` : `Calls are made as ${session}.`;
}
