// A question box: the answer, how sure it is, and the words it rests on, outlined where they stand.

for (const box of document.querySelectorAll("form[data-ask]")) start(box);

function start(box) {
  const place = box.parentElement.querySelector(".answers");
  box.hidden = false;
  box.addEventListener("submit", async (event) => {
    event.preventDefault();
    const question = box.elements.question.value.trim();
    if (!question) return;
    const waiting = element("p", "quiet", "Looking for it …");
    place.prepend(waiting);
    const headers = { "Content-Type": "application/json", "X-CSRF-Token": box.elements.csrf_token.value };
    try {
      const answer = await fetch(box.dataset.ask, { method: "POST", headers, body: JSON.stringify({ question }) });
      const found = await answer.json();
      if (!answer.ok) waiting.replaceWith(told([found.detail, found.hint].filter(Boolean).join(" ")));
      else if (found.answers) waiting.replaceWith(...all(box, question, found.answers));
      else waiting.replaceWith(card(box, found));
    } catch {
      waiting.replaceWith(told("The connection was lost; ask again."));
    }
    box.elements.question.select();
  });
  if (box.dataset.history !== undefined) past(box, place);
}

async function past(box, place) {
  const answer = await fetch(box.dataset.ask, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const { answers, items } = await answer.json();
  if (answers) place.append(...answers.slice(0, 5).map((one) => card(box, one, false)));
  else if (items.length) place.append(earlier(box, items));
}

// What was asked of all documents before, folded away.
function earlier(box, items) {
  const made = element("details", "");
  const list = element("div", "stack");
  made.append(element("summary", "small", `Asked before (${items.length})`), list);
  made.addEventListener("toggle", () => {
    if (!list.children.length) list.append(...items.flatMap(({ question, answers, not_found }) => (answers.length || not_found ? all(box, question, answers, false) : [])));
  });
  return made;
}

function all(box, question, answers, fresh = true) {
  if (!answers.length) return [card(box, { question, not_found: true, evidence: [] }, fresh)];
  return answers.map((one) => card(box, { question, ...one }, fresh));
}

function card(box, found, fresh = true) {
  const made = element("article", "answer");
  made.append(element("p", "small quiet", found.question ?? ""));
  if (found.not_found) {
    made.append(element("p", "said none", "Not found."), element("p", "small quiet", "Nothing that was read says this. Ask for one thing, in the words that the page may use."));
    return made;
  }
  made.append(element("p", "said", found.text));
  const sure = found.confidence === null ? "" : `${Math.round(found.confidence * 100)} % sure`;
  const facts = [sure, found.ungrounded ? "no words on the pages say this: it may be invented" : "", found.stale ? "what it rests on was corrected since: ask again" : "", found.complete === false ? "not all pages are read yet" : ""];
  made.append(element("p", found.ungrounded ? "small bad" : "small quiet", facts.filter(Boolean).join(" · ")));
  const document_ = found.document ?? box.dataset.document;
  const pages = new Map();
  for (const { page, box: place, text } of found.evidence) pages.set(page, [...(pages.get(page) ?? []), { place, text }]);
  const links = [...pages].map(([page, words]) => {
    const link = element("a", "tag", `${found.filename ? `${found.filename}, ` : ""}page ${page}: “${words.map((one) => one.text).join(" ").slice(0, 60)}”`);
    link.href = `/documents/${document_}/pages/${page}#evidence=${words.map((one) => one.place.map((side) => side.toFixed(1)).join(",")).join(";")}`;
    return link;
  });
  const list = element("div", "tags");
  list.append(...links);
  made.append(list);
  if (fresh && links.length && links[0].pathname === location.pathname) links[0].click();
  return made;
}

function told(words) {
  const made = element("p", "problem", words);
  made.setAttribute("role", "alert");
  return made;
}

function element(name, kind, text = "") {
  const made = document.createElement(name);
  made.className = kind;
  made.textContent = text;
  return made;
}
