// The page that people read: the picture on its desk tied to the text beside it.

import { inspect } from "./inspect.js";
import { Stage } from "./stage.js";

const desk = document.querySelector(".desk[data-tiles]");
const reading = document.getElementById("reading");
const rows = [...reading.querySelectorAll(".row-line")];
const row = (id) => rows.find((one) => one.dataset.line === id);
let stage = null;

for (const one of document.querySelectorAll(".with-script")) one.hidden = false;

function light(id, { scroll = false } = {}) {
  for (const one of reading.querySelectorAll(".on")) one.classList.remove("on");
  const there = id && row(id);
  if (there) {
    there.classList.add("on");
    if (scroll) reveal(reading, there);
  }
  stage?.light(id);
}

// Scrolls only the box that holds `element`, never the whole window.
function reveal(box, element) {
  const outer = box.getBoundingClientRect();
  const inner = element.getBoundingClientRect();
  if (inner.top < outer.top || inner.bottom > outer.bottom) box.scrollTop += inner.top - outer.top - outer.height / 3;
}

function go(element) {
  for (const one of rows) one.tabIndex = -1;
  element.tabIndex = 0;
  element.focus({ preventScroll: true });
  reveal(reading, element);
}

for (const one of rows) {
  one.id = `line-${one.dataset.line}`;
  one.tabIndex = one === rows[0] ? 0 : -1;
  one.addEventListener("pointerenter", () => light(one.dataset.line));
  one.addEventListener("focus", () => {
    light(one.dataset.line);
    const box = stage?.line(one.dataset.line)?.box;
    if (box && !stage.camera.sees(box)) stage.camera.show(box);
  });
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (event.target.closest("input, select, textarea, [contenteditable]")) return;
  const at = rows.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
  if (at >= 0 && to !== undefined && rows[to]) {
    event.preventDefault();
    go(rows[to]);
  }
  const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (way) document.querySelector(`a[data-turn="${way}"]`)?.click();
});

// Which layers are shown stays as it was chosen, from page to page.
function layers() {
  for (const box of document.querySelectorAll("input[data-layer]")) {
    const kept = localStorage.getItem(`layer-${box.dataset.layer}`);
    if (kept !== null) box.checked = kept === "true";
    stage.layer(box.dataset.layer, box.checked);
    box.addEventListener("change", () => {
      localStorage.setItem(`layer-${box.dataset.layer}`, box.checked);
      stage.layer(box.dataset.layer, box.checked);
      legend();
    });
  }
  legend();
}

function legend() {
  const shown = document.querySelector(".legend-words");
  if (shown) shown.hidden = !stage.shown.has("words");
}

function buttons() {
  const camera = stage.camera;
  const acts = {
    "in": () => camera.zoom(1.4), "out": () => camera.zoom(1 / 1.4), "page": () => camera.fit("page"),
    "width": () => camera.fit("width"),
    "hand": (button) => {
      const on = !desk.dataset.hand;
      if (on) desk.dataset.hand = "1";
      else delete desk.dataset.hand;
      button.setAttribute("aria-pressed", on);
    },
  };
  for (const button of document.querySelectorAll("button[data-view]")) {
    button.addEventListener("click", () => acts[button.dataset.view](button));
  }
  const told = document.getElementById("zoom-told");
  desk.addEventListener("drawn", () => { told.textContent = `${Math.round(stage.camera.scale * 75)} %`; });
}

// Copies what an element holds as rich text and as plain text; works where the clipboard itself is closed (http).
function copy(element, button) {
  const selection = getSelection();
  selection.selectAllChildren(element);
  const done = document.execCommand("copy");
  selection.removeAllRanges();
  const said = button.textContent;
  button.textContent = done ? "Copied" : "It could not be copied";
  setTimeout(() => { button.textContent = said; }, 1600);
}
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.addEventListener("click", () => copy(document.getElementById(button.dataset.copy), button));
}

// A permanent link names a word, #word=ID; an answer the words it rests on, #evidence=left,top,right,bottom;...
function follow() {
  const places = new URLSearchParams(location.hash.slice(1)).get("evidence");
  if (places) {
    const boxes = places.split(";").map((one) => one.split(",").map(Number)).filter((one) => one.length === 4 && one.every(Number.isFinite));
    stage.mark("evidence", boxes);
    if (boxes.length) stage.camera.show(boxes[0], Math.max(stage.camera.scale, 1.4));
    return;
  }
  const id = new URLSearchParams(location.hash.slice(1)).get("word");
  const found = id && stage.word(id);
  if (!found) return;
  choose(found);
  stage.camera.show(found.word.box, Math.max(stage.camera.scale, 2.2));
}

function choose(found) {
  stage.mark("chosen", found.word ? [found.word.box] : []);
  light(found.line?.id ?? null, { scroll: true });
  inspect(found);
}

// What was asked of vision models is kept beside the reading.
async function findings(page) {
  const answer = await fetch(`${desk.dataset.reading.replace(/\/pages\/\d+$/, "")}/findings`, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const { items } = await answer.json();
  page.findings.push(...items.flatMap((one) => one.findings).filter((one) => one.page === page.number));
  stage.paint();
}

async function open() {
  stage = new Stage(desk, {
    hovered: ({ line }) => light(line?.id ?? null),
    tapped: (found) => {
      choose(found);
      if (found.word) history.replaceState(null, "", `#word=${encodeURIComponent(found.word.id)}`);
    },
  });
  buttons();
  const hits = JSON.parse(desk.dataset.hits);
  stage.mark("hit", hits);
  const answer = await fetch(desk.dataset.reading, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const page = await answer.json();
  stage.read(page);
  findings(page);
  layers();
  addEventListener("hashchange", follow);
  follow();
  if (hits.length && !location.hash) stage.camera.show(hits[0], Math.max(stage.camera.scale, 1.4));
  desk.dataset.ready = "1";
}

document.querySelector('.strip [aria-current]')?.scrollIntoView({ block: "nearest", inline: "center" });
if (desk) open();
