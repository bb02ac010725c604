// Search as you type: the results of this page are fetched again while the question is written.

const form = document.getElementById("asking");
const field = form.elements.q;
let timer = null;
let running = null;

async function refresh() {
  const query = new URLSearchParams(new FormData(form));
  for (const [name, value] of [...query]) if (!value) query.delete(name);
  const address = `${form.action}?${query}`;
  running?.abort();
  running = new AbortController();
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" }, signal: running.signal });
    if (!answer.ok || answer.redirected) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.getElementById("results").replaceWith(fresh.getElementById("results"));
    offer();
    document.title = fresh.title;
    history.replaceState(null, "", address);
    document.getElementById("find").value = field.value;
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
}

// What needs a script is offered by one.
function offer() {
  for (const one of document.querySelectorAll(".with-script")) one.hidden = false;
}

document.addEventListener("click", (event) => {
  const question = event.target.closest?.("[data-question]")?.dataset.question;
  const asks = document.querySelector("form[data-ask]");
  if (!question || !asks) return;
  asks.elements.question.value = question;
  asks.requestSubmit();
  asks.scrollIntoView({ block: "nearest" });
});

function plan(wait) {
  clearTimeout(timer);
  timer = setTimeout(refresh, wait);
}

offer();
field.addEventListener("input", () => plan(220));
form.addEventListener("change", (event) => event.target === field || plan(0));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  plan(0);
});
document.addEventListener("keydown", (event) => {
  const links = [...document.querySelectorAll("#results h2 a")];
  const at = links.indexOf(document.activeElement);
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !links.length || (at < 0 && document.activeElement !== field)) return;
  event.preventDefault();
  (links[at + step] ?? (step < 0 ? field : links[at])).focus();
});
