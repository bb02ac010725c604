// What is known of the word that was chosen: how sure, its link, its history.

import { band } from "./overlay.js";
import { past } from "./past.js";

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
  past(document.getElementById("word-past"), card.dataset.history, word);
}

function set(id, text) {
  document.getElementById(id).textContent = text;
}
