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
  if (found.id) {
    box.parentElement.querySelector(`.answer[data-id="${CSS.escape(found.id)}"]`)?.remove(); // asked before: shown once
    made.dataset.id = found.id;
  }
  made.append(element("p", "small quiet", found.question ?? ""));
  if (found.not_found) {
    made.append(element("p", "said none", "Not found."), element("p", "small quiet", "Nothing that was read says this. Ask for one thing, in the words that the page may use."));
    return made;
  }
  made.append(element("p", "said", found.text));
  const facts = element("p", found.ungrounded ? "small bad" : "small quiet");
  const tell = ({ confidence, sure }) => {
    const percent = confidence === null ? "" : `${Math.round(confidence * 100)} %`;
    const surely = sure ? "sure: nine in ten answers like this one are right" : "not sure: look at the words it rests on";
    const warnings = [found.ungrounded ? "no words on the pages say this: it may be invented" : "", found.stale ? "what it rests on was corrected since: ask again" : "", found.complete === false ? "not all pages are read yet" : ""];
    facts.textContent = [percent, found.ungrounded ? "" : surely, ...warnings].filter(Boolean).join(" · ");
  };
  tell(found);
  made.append(facts);
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
  if (found.id && box.dataset.document && found.confidence !== null) made.append(verdict(box, found, tell));
  if (fresh && links.length && links[0].pathname === location.pathname) links[0].click();
  return made;
}

// Asks whether an answer was right; what was said is taken back by the same button.
function verdict(box, found, tell) {
  const made = element("div", "verdict");
  const state = element("span", "small quiet");
  state.setAttribute("role", "status");
  const buttons = [["Right", true], ["Wrong", false]].map(([words, right]) => {
    const button = element("button", "bare", words);
    button.type = "button";
    button.dataset.right = right;
    button.setAttribute("aria-label", `${words}: ${found.text}`);
    button.addEventListener("click", () => say(right));
    return button;
  });
  const show = () => buttons.forEach((one) => one.setAttribute("aria-pressed", found.right !== null && one.dataset.right === String(found.right)));
  const say = async (right) => {
    const back = found.right === right;
    const headers = { "Content-Type": "application/json", "X-CSRF-Token": box.elements.csrf_token.value };
    const asked = back ? { method: "DELETE", headers } : { method: "PUT", headers, body: JSON.stringify({ right }) };
    const answer = await fetch(`${box.dataset.ask}/${found.id}/verdict`, asked).catch(() => null);
    if (!answer?.ok) {
      state.textContent = "It could not be kept; try again.";
      return;
    }
    const now = await answer.json();
    found.right = now.right;
    show();
    tell(now);
    state.textContent = back ? "Taken back." : "Thank you: confidences learn from it.";
  };
  show();
  made.append(element("span", "small", "Is it right?"), ...buttons, state);
  made.setAttribute("role", "group");
  made.setAttribute("aria-label", "Is this answer right?");
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
