// The history of a word: who said what, when.

// Fills a list with the corrections that concern `word`; `address` lists those of its page.
export async function past(list, address, word) {
  list.replaceChildren();
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
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
