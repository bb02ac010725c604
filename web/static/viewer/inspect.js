// What is known of the word that was chosen: how sure, its link, its history.

import { band } from "./overlay.js";

const card = document.getElementById("word-card");
const SURE = ["very doubtful", "doubtful", "fairly sure", "sure"];

export function inspect({ word, line }) {
  if (!card) return;
  card.hidden = !word;
  if (!word) return;
  const percent = word.confidence === null ? "no confidence" : `${(word.confidence * 100).toFixed(word.confidence > 0.99 ? 1 : 0)} %`;
  set("word-text", word.text);
  set("word-sure", word.confidence === 1 ? "said by a person, or by the file itself" : `${SURE[band(word.confidence)]} (${percent})`);
  set("word-line", line.text);
  const link = `${location.pathname}#word=${encodeURIComponent(word.id)}`;
  card.querySelector("[data-permanent]").href = link;
  const correct = card.querySelector("[data-correct]");
  if (correct) correct.href = `${correct.dataset.correct}#word=${encodeURIComponent(word.id)}`;
  past(word);
}

function set(id, text) {
  document.getElementById(id).textContent = text;
}

async function past(word) {
  const list = document.getElementById("word-past");
  list.replaceChildren();
  const answer = await fetch(card.dataset.history, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const { items } = await answer.json();
  for (const one of items.filter((item) => concerns(item, word))) {
    const entry = document.createElement("li");
    const before = Object.values(one.anchor)[0]?.text ?? "";
    const what = { replace: before === one.operation.text ? "confirmed" : `“${before}” → “${one.operation.text}”`, split: `“${before}” split`, merge: "words merged", add: "added" }[one.operation.op] ?? one.operation.op;
    entry.textContent = `${what} by ${one.user} · ${new Date(one.created_at).toLocaleString()}${one.undone_at ? " · undone" : ""}`;
    list.append(entry);
  }
}

// Corrections name a word, its line, or made it: what they make is named after them.
function concerns(item, word) {
  const { id, ids = [] } = item.operation;
  if (id === word.id || ids.includes(word.id) || word.id.startsWith(`${item.id}-`)) return true;
  return Object.values(item.anchor).some(({ box, kind }) => kind !== "region" && kind !== "cell" && covers(box, word.box));
}

function covers(outer, inner) {
  const x = (inner[0] + inner[2]) / 2;
  const y = (inner[1] + inner[3]) / 2;
  return x >= outer[0] && x <= outer[2] && y >= outer[1] && y <= outer[3];
}
