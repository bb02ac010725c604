// Regions with their kind, box and place in the reading order, and the cells of tables, as a form.

import { button, make } from "./make.js";
import { tableForm } from "./table.js";

// `tools`: look(box) shows a place, lines(boxes) draws the grid of a table, resize(region) lets a box be changed.
export function structure(place, state, tools) {
  const held = place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const labels = place.dataset.labels.split(" ");
  const lines = new Map(state.page.lines.map((line) => [line.id, line.text]));
  const regions = [...state.page.regions].sort((a, b) => a.order - b.order);
  tools.lines([]);
  place.replaceChildren(...regions.flatMap((region, at) => {
    const row = make("div", { className: "region" });
    const text = region.line_ids.map((id) => lines.get(id)).join(" ") || region.alt_text || "without text";
    const select = make("select", { title: "What it is" });
    select.dataset.key = `label-${region.id}`;
    select.setAttribute("aria-label", `Kind of region ${at + 1}: ${text.slice(0, 40)}`);
    for (const label of labels) select.append(make("option", { value: label, textContent: label, selected: label === region.label }));
    select.addEventListener("change", () => state.send([{ op: "label", id: region.id, label: select.value }]));
    select.addEventListener("focus", () => tools.look(region.box));
    const before = regions[at - 2]?.id ?? null;
    const moves = make("span", { className: "moves" });
    moves.append(
      button("↑", `Read region ${at + 1} earlier`, at === 0, () => state.send([{ op: "order", id: region.id, after: before }]), `up-${region.id}`),
      button("↓", `Read region ${at + 1} later`, at === regions.length - 1, () => state.send([{ op: "order", id: region.id, after: regions[at + 1].id }]), `down-${region.id}`),
      button("▭", `Move or resize region ${at + 1}`, false, () => tools.resize(region), `box-${region.id}`),
      button("×", `Region ${at + 1} is not there`, false, () => state.send([{ op: "delete", id: region.id }]), `gone-${region.id}`),
    );
    row.append(make("span", { className: "number small quiet", textContent: `${at + 1}` }), make("span", { className: "snip", textContent: text }), select, moves);
    return region.label === "table" ? [row, tableForm(region, state, tools)] : [row];
  }));
  if (held) (place.querySelector(`[data-key="${CSS.escape(held)}"]:not(:disabled)`) ?? place.querySelector("select, button, input"))?.focus();
}
