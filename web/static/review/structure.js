// Regions with their kind and their place in the reading order, and the cells of tables, as a form.

export function structure(place, state, { look }) {
  const labels = place.dataset.labels.split(" ");
  const lines = new Map(state.page.lines.map((line) => [line.id, line.text]));
  const regions = [...state.page.regions].sort((a, b) => a.order - b.order);
  const rows = regions.flatMap((region, at) => {
    const row = make("div", { className: "region" });
    const text = region.line_ids.map((id) => lines.get(id)).join(" ") || region.alt_text || "without text";
    const select = make("select", { title: "What it is" });
    select.setAttribute("aria-label", `Kind of region ${at + 1}: ${text.slice(0, 40)}`);
    for (const label of labels) select.append(make("option", { value: label, textContent: label, selected: label === region.label }));
    select.addEventListener("change", () => state.send([{ op: "label", id: region.id, label: select.value }]));
    select.addEventListener("focus", () => look(region.box));
    const moves = make("span", { className: "moves" });
    const before = regions[at - 2]?.id ?? null;
    moves.append(
      button("↑", `Read region ${at + 1} earlier`, at === 0, () => state.send([{ op: "order", id: region.id, after: before }])),
      button("↓", `Read region ${at + 1} later`, at === regions.length - 1, () => state.send([{ op: "order", id: region.id, after: regions[at + 1].id }])),
    );
    row.append(make("span", { className: "number small quiet", textContent: `${at + 1}` }), make("span", { className: "snip", textContent: text }), select, moves);
    const table = state.page.tables.find((one) => one.region_id === region.id);
    return table ? [row, cells(table, state, look)] : [row];
  });
  place.replaceChildren(...rows);
}

function cells(table, state, look) {
  const made = make("table", { className: "cells" });
  made.createCaption().textContent = `Cells of a table of ${table.rows} rows`;
  made.caption.className = "unseen";
  for (let at = 0; at < table.rows; at += 1) {
    const row = made.insertRow();
    for (const cell of table.cells.filter((one) => one.row === at).sort((a, b) => a.column - b.column)) {
      const place = row.insertCell();
      place.colSpan = cell.column_span;
      place.rowSpan = cell.row_span;
      const input = make("input", { value: cell.text, autocomplete: "off" });
      input.setAttribute("aria-label", `Row ${cell.row + 1}, column ${cell.column + 1}`);
      input.addEventListener("focus", () => look(cell.box));
      input.addEventListener("change", () => state.send([{ op: "cell", id: cell.id, text: input.value }]));
      place.append(input);
    }
  }
  return made;
}

function make(name, values) {
  return Object.assign(document.createElement(name), values);
}

function button(text, name, disabled, act) {
  const made = make("button", { type: "button", textContent: text, disabled });
  made.setAttribute("aria-label", name);
  made.addEventListener("click", act);
  return made;
}
