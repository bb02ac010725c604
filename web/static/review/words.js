// Which words are to be looked at, what else they may say, and how many it takes.

import { doubtful } from "../viewer/overlay.js";
import { linesInOrder } from "../viewer/text.js";

const SURE = 0.97;
const GOAL = 0.995;
const MOST = 6;
const CONFUSED = [["0", "O"], ["1", "l"], ["1", "I"], ["5", "S"], ["8", "B"], ["rn", "m"], ["cl", "d"], ["vv", "w"], [",", "."], ["-", "–"], ["2", "Z"], ["6", "G"]];

const unsure = (word) => 1 - (word.confidence ?? 1);

// Returns the words in reading order: those in doubt, or all.
export function toCheck(page, everything) {
  const words = linesInOrder(page).flatMap((line) => line.words);
  return everything ? words : words.filter(doubtful);
}

// Says how many words, the most doubtful first, are to be looked at until 99.5 % are expected to be right.
export function target(page) {
  const doubts = new Float64Array(page.lines.reduce((sum, line) => sum + line.words.length, 0));
  let at = 0;
  for (const line of page.lines) for (const word of line.words) doubts[at++] = unsure(word);
  doubts.sort().reverse();
  let errors = doubts.reduce((sum, one) => sum + one, 0);
  const words = doubts.length || 1;
  const now = 1 - errors / words;
  let count = 0;
  while (errors / words > 1 - GOAL && count < doubts.length) errors -= doubts[count++];
  return { now, count };
}

const counted = new WeakMap();

// Returns the sure words of the page with how often each stands there.
function sure(page) {
  if (!counted.has(page)) {
    const found = new Map();
    for (const line of page.lines) for (const { text, confidence } of line.words) if ((confidence ?? 1) >= SURE) found.set(text, (found.get(text) ?? 0) + 1);
    counted.set(page, found);
  }
  return counted.get(page);
}

// Returns what else a word may say: what another reader read, what the engine thought of next, sure words of the page
// that differ little, then letters that are often mistaken.
export function alternatives(page, word) {
  const slack = word.text.length > 4 ? 2 : word.text.length > 2 ? 1 : 0; // all short words are alike
  const like = (text) => Math.abs(text.length - word.text.length) <= slack && distance(text, word.text, slack) <= slack;
  const known = [...sure(page)].filter(([text]) => like(text)).sort((a, b) => b[1] - a[1]).map(([text]) => text);
  const second = page.findings.filter(({ task, box, prompt, label }) => task === "second-reading" && label === "disagreement" && prompt === word.text && String(box) === String(word.box)).map(({ text }) => text);
  const guessed = CONFUSED.flatMap(([a, b]) => [word.text.replace(a, b), word.text.replace(b, a)]);
  return [...new Set([...second, ...(word.alternatives ?? []), ...known, ...guessed])].filter((text) => text && text !== word.text).slice(0, MOST);
}

function distance(a, b, most) {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    if (Math.min(...next) > most) return most + 1;
    row = next;
  }
  return row[b.length];
}
