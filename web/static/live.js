// Keeps what is shown up to date: the page is fetched again and the parts of #live (or #reading) that changed
// take the place of the old ones. Only while something is going on, only while somebody looks.

const SOON = 1500;
const LATER = 10000;
const place = document.querySelector("#live, #reading");

let timer = null;
let wait = SOON;

function plan(delay) {
  clearTimeout(timer);
  timer = setTimeout(refresh, delay);
}

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" });
    if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const there = fresh.getElementById(place.id);
    for (const one of there.querySelectorAll(".with-script")) one.hidden = false;
    wait = place.isEqualNode(there) ? Math.min(wait * 1.25, LATER) : SOON;
    if (place.id === "reading" && !there.hasAttribute("data-live")) return location.reload();
    morph(place, there);
    if (!place.hasAttribute("data-live")) return stop();
  } catch {
    wait = LATER;
  }
  plan(wait);
}

// Changes `here` into `there` in place, so that focus, selection, what is chosen and loaded pictures survive.
function morph(here, there) {
  if (here.isEqualNode(there) || (here.dataset?.own !== undefined && here.id === there.id)) return;
  if (here.nodeType !== there.nodeType || here.nodeName !== there.nodeName || (here.id || "") !== (there.id || "")) {
    here.replaceWith(there);
    return;
  }
  if (here.nodeType !== Node.ELEMENT_NODE) {
    here.nodeValue = there.nodeValue;
    return;
  }
  for (const { name } of [...here.attributes]) {
    if (!there.hasAttribute(name) && name !== "open") here.removeAttribute(name);
  }
  for (const { name, value } of there.attributes) {
    if (here.getAttribute(name) !== value) here.setAttribute(name, value);
  }
  const next = [...there.childNodes];
  const stay = new Set(next.map((child) => child.id).filter(Boolean));
  const known = new Map([...here.children].map((child) => [child.id, child]));
  next.forEach((child, index) => {
    const same = child.id && known.get(child.id);
    if (same && same !== here.childNodes[index]) here.insertBefore(same, here.childNodes[index] ?? null);
    const now = here.childNodes[index];
    if (!now || (!same && stay.has(now.id))) here.insertBefore(child, now ?? null);
    else morph(now, child);
  });
  while (here.childNodes.length > next.length) here.lastChild.remove();
}

let events = null;

function watch(address) {
  events = new EventSource(address);
  const changed = () => plan(250);
  for (const kind of ["page", "document"]) events.addEventListener(kind, changed);
  events.onerror = () => plan(wait); // the stream comes back by itself; asking covers the time until then
}

function stop() {
  clearTimeout(timer);
  events?.close();
}

if (place.hasAttribute("data-live")) {
  if (place.dataset.live === "events") watch(place.dataset.events);
  plan(SOON);
}
document.addEventListener("visibilitychange", () => document.hidden || !place.hasAttribute("data-live") || plan(0));
document.addEventListener("uploaded", () => plan(0));
window.addEventListener("pagehide", stop);
