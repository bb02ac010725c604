// A table as a form: its cells are typed in, its rows, columns and spans are changed by the buttons above it.

import { changed, firstGrid, gridOf, joined, operation, parted, single, spanned } from "./grid.js";
import { button, make } from "./make.js";

export function tableForm(region, state, { look, lines }) {
  const table = state.page.tables.find((one) => one.region_id === region.id);
  const inside = state.page.lines.filter((line) => region.line_ids.includes(line.id));
  if (!table) {
    const grid = firstGrid(region.box, inside);
    const words = `Make a table of ${grid.rows.length - 1} × ${grid.columns.length - 1} cells of it`;
    const place = make("div", { className: "actions" });
    place.append(button(words, words, false, () => state.send([operation(region, grid)]), `make-${region.id}`));
    return place;
  }
  return editor(region, table, state, { look, lines });
}

function editor(region, table, state, { look, lines }) {
  const grid = gridOf(table);
  const words = state.page.lines.flatMap((line) => line.words).filter(({ box }) => (box[0] + box[2]) / 2 > table.box[0] && (box[0] + box[2]) / 2 < table.box[2] && (box[1] + box[3]) / 2 > table.box[1] && (box[1] + box[3]) / 2 < table.box[3]);
  const key = (cell) => `cell-${region.id}-${cell.row}-${cell.column}`;
  const keep = (changed_) => state.send([operation(region, changed_)]);
  let cell = grid.cells[0];

  const acts = [
    ["Part the row", () => keep(parted(grid, "row", cell.row, words.filter((one) => within(one, 1, grid.rows, cell.row)))), () => true],
    ["Join with the row below", () => keep(joined(grid, "row", cell.row + cell.row_span - 1)), () => cell.row + cell.row_span < grid.rows.length - 1],
    ["Part the column", () => keep(parted(grid, "column", cell.column, words.filter((one) => within(one, 0, grid.columns, cell.column)))), () => true],
    ["Join with the column after", () => keep(joined(grid, "column", cell.column + cell.column_span - 1)), () => cell.column + cell.column_span < grid.columns.length - 1],
    ["Join with the cell below", () => keep(spanned(grid, cell, "row")), () => cell.row + cell.row_span < grid.rows.length - 1],
    ["Join with the cell after", () => keep(spanned(grid, cell, "column")), () => cell.column + cell.column_span < grid.columns.length - 1],
    ["Part the cell", () => keep(single(grid, cell)), () => cell.row_span * cell.column_span > 1],
    ["Heading", () => keep(changed(grid, cell, { header: !cell.header })), () => true],
  ];
  const bar = make("div", { className: "keys" });
  bar.setAttribute("role", "group");
  const buttons = acts.map(([name, act], at) => button(name, name, false, act, `table-${region.id}-${at}`));
  bar.append(...buttons);

  const choose = (one) => {
    cell = one;
    bar.setAttribute("aria-label", `Row ${one.row + 1}, column ${one.column + 1}`);
    acts.forEach(([, , possible], at) => { buttons[at].disabled = !possible(); });
    buttons.at(-1).setAttribute("aria-pressed", Boolean(one.header));
    place.querySelector(".now")?.classList.remove("now");
    place.querySelector(`[data-key="${CSS.escape(key(one))}"]`)?.closest("td, th").classList.add("now");
  };

  const made = make("table", { className: "cells" });
  made.createCaption().textContent = `A table of ${table.rows} rows and ${table.columns} columns`;
  made.caption.className = "small quiet";
  for (let at = 0; at < grid.rows.length - 1; at += 1) {
    const row = made.insertRow();
    for (const one of grid.cells.filter((each) => each.row === at).sort((a, b) => a.column - b.column)) {
      const spot = document.createElement(one.header ? "th" : "td");
      spot.colSpan = one.column_span;
      spot.rowSpan = one.row_span;
      const input = make("input", { value: one.text ?? "", autocomplete: "off" });
      input.dataset.key = key(one);
      input.setAttribute("aria-label", `Row ${one.row + 1}, column ${one.column + 1}`);
      input.addEventListener("focus", () => {
        choose(one);
        look([grid.columns[one.column], grid.rows[one.row], grid.columns[one.column + one.column_span], grid.rows[one.row + one.row_span]]);
        lines([...grid.rows.map((y) => [grid.columns[0], y - 0.4, grid.columns.at(-1), y + 0.4]), ...grid.columns.map((x) => [x - 0.4, grid.rows[0], x + 0.4, grid.rows.at(-1)])]);
      });
      input.addEventListener("change", () => state.send([one.id ? { op: "cell", id: one.id, text: input.value } : operation(region, changed(grid, one, { text: input.value }))]));
      input.addEventListener("keydown", (event) => {
        const way = { ArrowDown: 1, Enter: 1, ArrowUp: -1 }[event.key];
        if (!way || event.altKey) return;
        const next = grid.cells.find((each) => each.column <= one.column && each.column + each.column_span > one.column && (way > 0 ? each.row === one.row + one.row_span : each.row + each.row_span === one.row));
        if (next) made.querySelector(`[data-key="${CSS.escape(key(next))}"]`).focus();
        event.preventDefault();
      });
      spot.append(input);
      row.append(spot);
    }
  }
  const place = make("div", { className: "stack grid-form" });
  const scroll = make("div", { className: "scroll" });
  scroll.append(made);
  place.append(bar, scroll);
  choose(cell);
  return place;
}

function within({ box }, side, edges, index) {
  const center = (box[side] + box[side + 2]) / 2;
  return center >= edges[index] && center <= edges[index + 1];
}
