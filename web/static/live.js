// Keeps what is shown up to date: the page is fetched again and the parts of #live (or #reading) that changed
// are put in its place. Only while something is going on, only while somebody looks.

const SOON = 1500;
const LATER = 10000;
const found = document.querySelector("[data-live]");

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
    const here = document.querySelector("[data-live]");
    const there = fresh.getElementById(here.id);
    wait = here.isEqualNode(there) ? Math.min(wait * 1.25, LATER) : SOON;
    if (here.id === "reading" && !there.hasAttribute("data-live")) return location.reload();
    morph(here, there);
    if (!here.hasAttribute("data-live")) return stop();
  } catch {
    wait = LATER;
  }
  plan(wait);
}

// Changes `here` into `there` in place, so that focus, selection and loaded pictures survive.
function morph(here, there) {
  if (here.isEqualNode(there)) return;
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
  const now = [...here.childNodes];
  const next = [...there.childNodes];
  next.forEach((child, index) => (now[index] ? morph(now[index], child) : here.append(child)));
  now.slice(next.length).forEach((child) => child.remove());
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

if (found) {
  if (found.dataset.live === "events" && window.EventSource) watch(found.dataset.events);
  plan(SOON);
  document.addEventListener("visibilitychange", () => document.hidden || plan(0));
  window.addEventListener("pagehide", stop);
}
