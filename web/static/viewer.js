// Ties the lines of the text to their places on the page image, and turns pages with the arrow keys.

const reading = document.getElementById("reading");
const lines = [...reading.querySelectorAll(".row-line")];
const desk = document.querySelector(".desk");
const places = new Map();
for (const place of document.querySelectorAll(".sheet .lines polygon")) places.set(place.dataset.line, place);

let lit = null;

function light(id) {
  if (id === lit) return;
  lit = id;
  for (const one of document.querySelectorAll(".on")) one.classList.remove("on");
  if (id === null) return;
  places.get(id)?.classList.add("on");
  line(id)?.classList.add("on");
}

const line = (id) => lines.find((one) => one.dataset.line === id);

// Scrolls only the box that holds `element`, never the whole window.
function reveal(box, element) {
  const outer = box.getBoundingClientRect();
  const inner = element.getBoundingClientRect();
  if (inner.top < outer.top || inner.bottom > outer.bottom) {
    box.scrollTop += inner.top - outer.top - outer.height / 3;
  }
  if (inner.left < outer.left || inner.right > outer.right) {
    box.scrollLeft += inner.left - outer.left - outer.width / 8;
  }
}

function go(element) {
  for (const one of lines) one.tabIndex = -1;
  element.tabIndex = 0;
  element.focus();
}

for (const one of lines) {
  one.id = `line-${one.dataset.line}`;
  one.tabIndex = one === lines[0] ? 0 : -1;
  one.addEventListener("pointerenter", () => light(one.dataset.line));
  one.addEventListener("focus", () => {
    light(one.dataset.line);
    const place = places.get(one.dataset.line);
    if (place) reveal(desk, place);
  });
}
for (const [id, place] of places) {
  place.addEventListener("pointerenter", () => light(id));
  place.addEventListener("click", () => line(id) && go(line(id)));
}
for (const link of document.querySelectorAll("a[data-line]")) {
  link.addEventListener("click", (event) => {
    const target = line(link.dataset.line);
    if (!target) return;
    event.preventDefault();
    go(target);
  });
}

function walk(event) {
  const at = lines.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: lines.length - 1 }[event.key];
  if (at < 0 || to === undefined || !lines[to]) return;
  event.preventDefault();
  go(lines[to]);
}

function turn(event) {
  const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const scrolls = event.target === desk && desk.scrollWidth > desk.clientWidth;
  if (!way || scrolls || event.target.closest("input, select, textarea, [contenteditable]")) return;
  document.querySelector(`a[data-turn="${way}"]`)?.click();
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  walk(event);
  turn(event);
});

// Layers and size stay as they were chosen, from page to page.
for (const box of document.querySelectorAll("[data-keep]")) {
  const kept = localStorage.getItem(box.id);
  if (kept !== null) box.checked = kept === "true";
  box.addEventListener("change", () => {
    for (const one of document.querySelectorAll("[data-keep]")) localStorage.setItem(one.id, one.checked);
  });
}
for (const hint of document.querySelectorAll(".with-script")) hint.hidden = false;

const first = document.querySelector(".hits rect");
if (first) reveal(desk, first);
