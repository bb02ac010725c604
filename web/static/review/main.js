// The bench: a page's doubtful words one after the other, by keyboard.

import { past } from "../viewer/past.js";
import { Stage } from "../viewer/stage.js";
import { Crop } from "./crop.js";
import { drawing } from "./draw.js";
import { problem, State } from "./state.js";
import { structure } from "./structure.js";
import { alternatives, target, toCheck } from "./words.js";

const get = (id) => document.getElementById(id);
const bench = get("bench");
const said = get("said");
const whole = bench.dataset.page.replace(/\/pages\/\d+$/, "");
let everything = false;
let list = [];
let chosen = null;
let place = 0;
let started = 0;
let held = null;

const stage = new Stage(bench.querySelector(".desk"), { tapped: ({ word }) => word && choose(word.id) });
const state = new State({ address: bench.dataset.page, csrf: bench.dataset.csrf, changed: refresh, tell, ask });
const crop = new Crop(get("crop"), stage);
stage.layer("doubted", true);

const word = () => (chosen ? state.word(chosen)?.word : null);
const line = () => state.word(chosen)?.line;
const neighbours = () => line()?.words ?? [];

function tell(words, bad = false) {
  get("told").textContent = words;
  get("told").className = bad ? "small bad" : "small quiet";
}

// Somebody else changed the same word: both are shown, one is chosen, nothing is lost before.
function ask({ was, theirs, mine }) {
  get("conflict-told").textContent = theirs === undefined ? `“${was}” is not there any more. You said “${mine}”.` : `“${was}” is “${theirs}” by now. You said “${mine}”.`;
  get("keep-mine").hidden = theirs === undefined;
  get("conflict").hidden = false;
  (theirs === undefined ? get("keep-theirs") : get("keep-mine")).focus();
  return new Promise((resolve) => {
    const answer = (value) => () => {
      get("conflict").hidden = true;
      said.focus();
      resolve(value);
    };
    get("keep-mine").onclick = answer(true);
    get("keep-theirs").onclick = answer(false);
  });
}

function refresh() {
  stage.read(state.page);
  list = toCheck(state.page, everything);
  const left = toCheck(state.page, false);
  started = Math.max(started, left.length);
  get("progress").max = started || 1;
  get("progress").value = started - left.length;
  const { now, count } = target(state.page);
  get("target").textContent = count ? `${(now * 100).toFixed(1)} % of the words are expected to be right; ${count} more looked at makes it 99.5 %.` : `${(now * 100).toFixed(1)} % of the words are expected to be right.`;
  if (get("structure").open) structure(get("regions"), state, tools);
  const before = chosen;
  const at = list.findIndex((one) => one.id === chosen);
  if (at >= 0) place = at;
  else if (!state.word(chosen)) chosen = list[Math.min(place, list.length - 1)]?.id ?? null;
  show(chosen !== before, false);
}

function choose(id) {
  chosen = id;
  const at = list.findIndex((one) => one.id === id);
  if (at >= 0) place = at;
  show(true, true);
}

// Whether nobody works anywhere else on the bench: then the word may take the focus.
const approval = document.querySelector('[data-act="approve"]');
const idle = () => [document.body, null, approval].includes(document.activeElement);

// Shows the chosen word; a fresh one is typed anew, and takes the focus when it is wanted or nobody else has it.
function show(fresh, wanted) {
  const one = word();
  count_();
  const typing = document.activeElement === said;
  said.disabled = !one;
  if (!one) {
    stage.mark("chosen", []);
    said.value = "";
    get("context").textContent = "Nothing is left to check. Approve the page, or look at every word with Alt W.";
    get("alternatives").replaceChildren();
    get("sure").textContent = "";
    crop.show(null);
    get("bench").dataset.finished = "1";
    if (wanted || typing || idle()) approval.focus();
    return;
  }
  delete get("bench").dataset.finished;
  const untouched = said.value === said.dataset.was;
  if (fresh || (untouched && said.value !== one.text) || idle()) {
    said.value = one.text;
    said.dataset.was = one.text;
    if ((wanted || idle()) && get("conflict").hidden && get("drawing").hidden) said.focus();
    if (document.activeElement === said) said.select();
  }
  get("sure").textContent = one.confidence === 1 ? "looked at already" : one.confidence === null ? "" : `read with ${Math.round(one.confidence * 100)} % confidence`;
  context(one);
  options(one);
  stage.mark("chosen", [one.box]);
  if (!stage.camera.sees(one.box) || stage.camera.scale < 0.9) stage.camera.show(one.box, Math.max(stage.camera.scale, 1.5));
  crop.show(one);
  if (get("past-box").open) history();
}

function count_() {
  get("place").textContent = list.length ? `${Math.min(place + 1, list.length)} of ${list.length}` : "none left";
}

function context(one) {
  const parts = neighbours().flatMap((each, at) => {
    const gap = at ? [" "] : [];
    if (each.id !== one.id) return [...gap, each.text];
    const mark = document.createElement("mark");
    mark.textContent = each.text;
    return [...gap, mark];
  });
  get("context").replaceChildren(...parts);
}

function options(one) {
  get("alternatives").replaceChildren(...alternatives(state.page, one).map((text, at) => {
    const button = document.createElement("button");
    const key = document.createElement("kbd");
    key.textContent = `Alt ${at + 1}`;
    button.type = "button";
    button.append(text, " ", key);
    button.setAttribute("aria-keyshortcuts", `Alt+${at + 1}`);
    button.addEventListener("click", () => accept(text));
    return button;
  }));
}

function step(way) {
  if (!list.length) return;
  const at = list.findIndex((one) => one.id === chosen);
  place = (Math.max(at < 0 ? place - (way > 0 ? 1 : 0) : at, -1) + way + list.length) % list.length;
  choose(list[place].id);
}

// Moves on at once; what was said is saved meanwhile.
function accept(text = said.value) {
  const one = word();
  if (!one) return;
  if (!text.trim()) return edit("delete");
  const at = list.findIndex((each) => each.id === one.id);
  const next = list[at + 1]?.id ?? list.find((each) => each.id !== one.id)?.id ?? null;
  state.send([{ op: "replace", id: one.id, text }]);
  choose(next);
}

const edits = {
  "split": () => {
    const at = said.selectionStart;
    const text = `${said.value.slice(0, at)} ${said.value.slice(at)}`;
    if (!said.value.slice(0, at).trim() || !said.value.slice(at).trim()) return tell("Put the caret where the word is to be split.", true);
    return { op: "replace", id: chosen, text };
  },
  "merge": () => {
    const after = neighbours()[neighbours().findIndex((one) => one.id === chosen) + 1];
    return after ? { op: "merge", ids: [chosen, after.id] } : tell("It is the last word of its line.", true);
  },
  "delete": () => ({ op: "delete", id: chosen }),
  "delete-line": () => ({ op: "delete", id: line().id }),
  "split-line": () => {
    const at = neighbours().findIndex((one) => one.id === chosen);
    return at > 0 ? { op: "split", id: line().id, at } : tell("It is the first word of its line.", true);
  },
  "merge-line": () => {
    const region = state.page.regions.find((one) => one.line_ids.includes(line().id));
    const after = region?.line_ids[region.line_ids.indexOf(line().id) + 1];
    return after ? { op: "merge", ids: [line().id, after] } : tell("It is the last line of its region.", true);
  },
};

async function edit(name) {
  const operation = word() && edits[name]();
  if (operation) await state.send([operation]);
}

function send(method, address, body) {
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": bench.dataset.csrf };
  return fetch(address, { method, headers, body: JSON.stringify(body) });
}

async function decide(verdict) {
  if (word() && said.value !== said.dataset.was) accept();
  await state.chain;
  const answer = await send("PUT", `${bench.dataset.page}/review`, { verdict, note: get("note").value });
  if (!answer.ok) return tell(await problem(answer), true);
  const { next } = await answer.json();
  location.assign(next ?? "/review");
}

// The same for all pages of the document as they are now.
async function decideAll(verdict) {
  await state.chain;
  const answer = await send("PUT", `${whole}/review`, { verdict, note: get("note").value });
  if (!answer.ok) return tell(await problem(answer), true);
  location.assign(whole.replace("/api/v1", ""));
}

async function undo() {
  const operations = await state.undo();
  const id = operations?.[0]?.id ?? operations?.[0]?.ids?.[0];
  if (id && state.word(id)) choose(id);
}

const start = drawing(stage, get("drawing"), {
  send: (operations) => state.send(operations),
  ended: (kind) => (kind === "resize" && held ? get("regions").querySelector(`[data-key="box-${CSS.escape(held)}"]`)?.focus() : word() ? said.focus() : stage.desk.focus()),
});

const tools = {
  look,
  lines: (boxes) => stage.mark("gridline", boxes),
  resize: (region) => {
    held = region.id;
    start("resize", region.box, region.id);
  },
};

const acts = {
  accept: () => accept(), next: () => step(1), previous: () => step(-1), undo,
  redo: () => state.redo().then((kept) => kept && !list.some((one) => one.id === chosen) && choose(list[Math.min(place, list.length - 1)]?.id ?? null)),
  approve: () => decide("approved"), reject: () => decide("rejected"),
  draw: () => start("line", line()?.box),
  region: () => start("region", line()?.box ?? [40, 40, 240, 120]),
  structure: () => {
    get("structure").open = !get("structure").open;
    if (!get("structure").open) return said.focus();
    structure(get("regions"), state, tools);
    get("regions").querySelector("select")?.focus();
  },
  all: () => {
    everything = !everything;
    document.querySelector('[data-act="all"]').setAttribute("aria-pressed", everything);
    refresh();
    choose(word() ? chosen : list[0]?.id ?? null);
  },
};
for (const name of Object.keys(edits)) acts[name] = () => edit(name);
for (const button of document.querySelectorAll("[data-act]")) button.addEventListener("click", () => acts[button.dataset.act]());

const ALT = { KeyS: "split", KeyM: "merge", KeyX: "delete", KeyI: "draw", KeyG: "region", KeyO: "structure", KeyZ: "undo", KeyY: "redo", KeyW: "all", KeyA: "approve", KeyR: "reject" };
const SHIFTED = { KeyS: "split-line", KeyM: "merge-line", KeyX: "delete-line" };
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey) return;
  const choice = event.altKey && /^Digit[1-6]$/.test(event.code) && get("alternatives").children[Number(event.code.at(-1)) - 1];
  const name = event.altKey ? (event.shiftKey ? SHIFTED : ALT)[event.code] : event.target === said && { Enter: "accept", ArrowDown: "next", ArrowUp: "previous" }[event.key];
  if (!choice && !name) return;
  event.preventDefault();
  if (choice) choice.click();
  else acts[name]();
});

function look(box) {
  stage.mark("chosen", [box]);
  stage.camera.show(box, Math.max(stage.camera.scale, 1));
}

function history() {
  past(get("past"), `${bench.dataset.page}/corrections`, word());
}

get("past-box").addEventListener("toggle", () => get("past-box").open && word() && history());
get("structure").addEventListener("toggle", () => (get("structure").open ? structure(get("regions"), state, tools) : tools.lines([])));
get("assign").addEventListener("submit", async (event) => {
  event.preventDefault();
  const all = event.submitter?.name === "all";
  const answer = await send("POST", `${all ? whole : bench.dataset.page}/review/assignments`, { reviewer: get("reviewer").value });
  tell(answer.ok ? `${all ? "All pages are" : "The page is"} given to ${get("reviewer").value}.` : await problem(answer), !answer.ok);
});
get("approve-all").addEventListener("click", () => decideAll("approved"));
get("reject-all").addEventListener("click", () => decideAll("rejected"));
addEventListener("beforeunload", (event) => state.waiting && event.preventDefault());

await state.load();
const wanted = new URLSearchParams(location.hash.slice(1)).get("word");
choose(wanted && state.word(wanted) ? wanted : list[0]?.id ?? null);
bench.dataset.ready = "1";
