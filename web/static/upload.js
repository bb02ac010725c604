// Uploads several files one after another, each with its own progress; without this the form sends them itself.

import { ENDED, Watch } from "./watch.js";

const form = document.getElementById("upload");
const input = document.getElementById("files");
const list = document.getElementById("sending");
const told = document.getElementById("told");
const largest = Number(form.dataset.largest);
const waiting = [];
const WORDS = { done: "read", partial: "read, but for some pages" };
const watch = new Watch(form.dataset.api);
let busy = false;

function row(file) {
  const item = document.createElement("li");
  const name = document.createElement("span");
  const state = document.createElement("span");
  const bar = document.createElement("progress");
  name.textContent = file.name;
  state.textContent = "waiting";
  state.className = "small quiet";
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", `Upload of ${file.name}`);
  const act = document.createElement("button");
  act.type = "button";
  act.className = "bare";
  act.hidden = true;
  item.append(name, state, act, bar);
  list.append(item);
  return { item, name, state, bar, act };
}

// Offers one thing to do with an upload; nothing without words.
function offer(view, file, words = "", act = null) {
  view.act.hidden = !words;
  view.act.textContent = words;
  view.act.setAttribute("aria-label", `${words}: ${file.name}`);
  view.act.onclick = act;
}

function add(files) {
  for (const file of files) {
    const one = { file, view: row(file) };
    offer(one.view, file, "Cancel", () => {
      one.dropped = true;
      fail(one.view, file, "cancelled");
    });
    waiting.push(one);
  }
  if (!busy) next();
}

async function next() {
  const one = waiting.shift();
  busy = Boolean(one);
  if (!one) {
    document.dispatchEvent(new Event("uploaded"));
    return;
  }
  if (!one.dropped) await send(one.file, one.view);
  next();
}

function fail(view, file, words) {
  view.state.textContent = words;
  view.state.className = "small bad";
  view.bar.remove();
  told.textContent = `${file.name}: ${words}`;
  offer(view, file, "Try again", () => {
    view.item.remove();
    add([file]);
  });
}

function accept(view, file, answer) {
  const link = document.createElement("a");
  link.href = `/documents/${answer.id}`;
  link.textContent = file.name;
  view.name.replaceChildren(link);
  view.state.textContent = answer.duplicate ? "you have this document already" : "uploaded";
  view.bar.remove();
  told.textContent = `${file.name}: ${view.state.textContent}`;
  offer(view, file);
  if (!answer.duplicate) follow(view, file, answer.id);
}

// Tells how far the reading of an upload is, until it ends.
function follow(view, file, id) {
  const post = (verb) => fetch(`${form.dataset.api}/${id}/${verb}`, { method: "POST", headers: { "X-CSRF-Token": form.elements.csrf_token.value } });
  offer(view, file, "Stop reading", () => post("cancel"));
  watch.follow(id, (now) => {
    if (!now) return offer(view, file); // it is gone
    const { status, progress } = now;
    const reads = progress.pages ? `${progress.finished} of ${progress.pages} pages read` : "waiting to be opened";
    view.state.textContent = ENDED.has(status) ? WORDS[status] ?? status : `uploaded, ${reads}`;
    if (!ENDED.has(status)) return;
    offer(view, file, ["failed", "partial", "cancelled"].includes(status) ? "Read again" : "", async () => {
      if ((await post("retry")).ok) follow(view, file, id);
    });
    document.dispatchEvent(new Event("uploaded"));
  });
}

function send(file, view) {
  if (largest && file.size > largest) {
    fail(view, file, "too large");
    return Promise.resolve();
  }
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    const data = new FormData();
    data.append("file", file);
    request.open("POST", form.dataset.api);
    request.setRequestHeader("X-CSRF-Token", form.elements.csrf_token.value);
    request.responseType = "json";
    view.state.textContent = "uploading";
    offer(view, file, "Cancel", () => request.abort());
    request.onabort = () => { fail(view, file, "cancelled"); resolve(); };
    request.upload.onprogress = (event) => { view.bar.value = event.loaded / event.total; };
    request.onload = () => {
      const answer = request.response ?? {};
      if (request.status < 300 && answer.id) accept(view, file, answer);
      else fail(view, file, [answer.detail, answer.hint].filter(Boolean).join(" ") || "it could not be uploaded");
      resolve();
    };
    request.onerror = () => { fail(view, file, "the connection was lost; try again"); resolve(); };
    request.send(data);
  });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  add(input.files);
  form.reset();
});
input.addEventListener("change", () => {
  if (!input.files.length) return;
  add(input.files);
  form.reset();
});
for (const kind of ["dragover", "dragenter"]) {
  document.addEventListener(kind, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    form.classList.add("over");
  });
}
document.addEventListener("dragleave", (event) => event.relatedTarget || form.classList.remove("over"));
document.addEventListener("drop", async (event) => {
  if (!event.dataTransfer?.files.length) return;
  event.preventDefault();
  form.classList.remove("over");
  add(await dropped(event.dataTransfer));
});

// Files that were dropped, with those of folders, however deep.
async function dropped(data) {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return data.files;
  const found = await Promise.all(entries.map(inside));
  return found.flat();
}

async function inside(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return (await Promise.all(found.map(inside))).flat();
    found.push(...some);
  }
}

document.addEventListener("paste", (event) => {
  if (event.clipboardData?.files.length) add(event.clipboardData.files);
});
for (const name of ["folder", "camera"]) {
  const other = document.getElementById(name);
  other.addEventListener("change", () => {
    add([...other.files].filter((file) => name === "camera" || /\.(pdf|png|jpe?g|tiff?|webp|bmp|gif)$/i.test(file.name)));
    other.value = "";
  });
}

// Choosing many at once. What is chosen lives in the page, which may be refreshed meanwhile.
const chosen = () => [...document.querySelectorAll('input[name="id"][form="bulk"]')];
function choices() {
  const count = chosen().filter((box) => box.checked).length;
  const told_ = document.getElementById("chosen-told");
  if (told_) told_.textContent = count ? `${count} chosen` : "";
}
document.addEventListener("change", (event) => {
  if (event.target.id === "choose-all") for (const box of chosen()) box.checked = event.target.checked;
  choices();
});
for (const hint of document.querySelectorAll(".with-script")) hint.hidden = false;
