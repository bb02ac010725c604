// Fields of a document as a form: found, each with the words it rests on, corrected by hand, and taken away as a file.

const form = document.getElementById("fields");
const place = document.getElementById("fields-found");
let values = {};

form.hidden = false;
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const own = form.elements.names.value.split(/[\n,]/).map((name) => name.trim()).filter(Boolean);
  const properties = Object.fromEntries(own.map((name) => [name, { type: ["string", "null"] }]));
  const schema = form.elements.preset.value || { type: "object", properties };
  if (!form.elements.preset.value && !own.length) return form.elements.names.focus();
  place.replaceChildren(element("p", "quiet", "Looking for them …"));
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": form.elements.csrf_token.value };
  const answer = await fetch(form.action, { method: "POST", headers, body: JSON.stringify({ schema }) }).catch(() => null);
  const found = await answer?.json();
  if (!answer?.ok) {
    place.replaceChildren(element("p", "problem", [found?.detail ?? "The connection was lost.", found?.hint].filter(Boolean).join(" ")));
    return;
  }
  values = found.values;
  show(found);
});

// Lists what JSON holds as (pointer, value) of everything that is no object and no list.
function leaves(value, pointer = "") {
  if (value === null || typeof value !== "object") return [[pointer, value]];
  return Object.entries(value).flatMap(([key, one]) => leaves(one, `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`));
}

const keys = (pointer) => pointer.split("/").slice(1).map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));

function show({ evidence, confidence, complete }) {
  const table = element("table", "list fields");
  table.createCaption().textContent = "Fields that were found";
  table.caption.className = "unseen";
  const head = table.createTHead().insertRow();
  for (const name of ["Field", "Value", "Sure", "Rests on"]) {
    const cell = element("th", "", name);
    cell.scope = "col";
    head.append(cell);
  }
  const body = table.createTBody();
  for (const [pointer, value] of leaves(values).filter(([where, one]) => one !== null || !/\/\d+\//.test(where))) {
    const row = body.insertRow();
    const name = element("th", "", keys(pointer).map((key) => (/^\d+$/.test(key) ? `${Number(key) + 1}` : key.replaceAll("_", " "))).join(" · "));
    name.scope = "row";
    const input = document.createElement("input");
    input.value = value ?? "";
    input.placeholder = "not found";
    input.setAttribute("aria-label", name.textContent);
    input.addEventListener("change", () => put(pointer, input.value));
    const words = evidence[pointer] ?? [];
    row.append(name);
    row.insertCell().append(input);
    row.insertCell().textContent = pointer in confidence ? `${Math.round(confidence[pointer] * 100)} %` : "";
    row.insertCell().append(...links(words));
  }
  const buttons = element("div", "actions");
  buttons.append(save("Download JSON", "json"), save("Download CSV", "csv"));
  place.replaceChildren(...(complete ? [] : [element("p", "small quiet", "Not all pages are read yet, or were looked at.")]), table, buttons);
}

function links(words) {
  const pages = new Map();
  for (const word of words) pages.set(word.page, [...(pages.get(word.page) ?? []), word]);
  return [...pages].map(([page, some]) => {
    const link = element("a", "tag", `page ${page}: “${some.map((one) => one.text).join(" ").slice(0, 50)}”`);
    link.href = `${form.dataset.pages}/${page}#evidence=${some.map((one) => one.box.map((side) => side.toFixed(1)).join(",")).join(";")}`;
    return link;
  });
}

function put(pointer, text) {
  const path = keys(pointer);
  const last = path.pop();
  const parent = path.reduce((value, key) => value[key], values);
  parent[last] = typeof parent[last] === "number" && text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text || null;
}

function save(words, kind) {
  const button = element("button", "", words);
  button.type = "button";
  button.addEventListener("click", () => {
    const quoted = (one) => `"${String(one ?? "").replace(/^[=+\-@\t]/, "'$&").replaceAll('"', '""')}"`; // no formulas
    const text = kind === "json" ? JSON.stringify(values, null, 2) : ["field,value", ...leaves(values).map(([pointer, value]) => `${quoted(pointer.slice(1))},${quoted(value)}`)].join("\r\n");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: kind === "json" ? "application/json" : "text/csv" }));
    link.download = `${form.dataset.name}.${kind}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
  return button;
}

function element(name, kind, text = "") {
  const made = document.createElement(name);
  made.className = kind;
  made.textContent = text;
  return made;
}
