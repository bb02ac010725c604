// The list of pages to review by keyboard: up and down choose, Enter opens.

const links = [...document.querySelectorAll("#tasks a.name")];
for (const one of document.querySelectorAll(".with-script")) one.hidden = false;
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, select, textarea")) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !links.length) return;
  event.preventDefault();
  const at = links.indexOf(document.activeElement);
  links[at < 0 ? 0 : Math.min(Math.max(at + step, 0), links.length - 1)].focus();
});
(document.getElementById("begin") ?? links[0])?.focus();
