// The grid of a table as it is corrected: edges of rows and columns in points, and cells that may span several.
// Every function returns a new grid; a cell without `text` says what its words say (the server finds them).

// Returns the grid of a table as read; empty places are cells too.
export function gridOf(table) {
  const edges = (count, at, span, first, last) => {
    const places = Array.from({ length: count + 1 }, () => []);
    for (const cell of table.cells) {
      places[cell[at]].push(cell.box[first]);
      places[cell[at] + cell[span]].push(cell.box[last]);
    }
    return spread(places.map(middle), table.box[first], table.box[last]);
  };
  const rows = edges(table.rows, "row", "row_span", 1, 3);
  const columns = edges(table.columns, "column", "column_span", 0, 2);
  const cells = table.cells.map(({ id, row, column, row_span, column_span, header, text }) => ({ id, row, column, row_span, column_span, header, text }));
  return filled({ rows, columns, cells });
}

// Returns a first grid for a region: a row for each printed row of its lines, columns where its fullest row has gaps.
export function firstGrid(box, lines) {
  const rows = [];
  for (const line of [...lines].sort((a, b) => a.box[1] - b.box[1])) {
    const last = rows.at(-1);
    if (last && line.box[1] < (last[0].box[1] + last[0].box[3]) / 2) last.push(line);
    else rows.push([line]);
  }
  const fullest = rows.reduce((best, one) => (one.length > best.length ? one : best), []).sort((a, b) => a.box[0] - b.box[0]);
  const between = (some, first, last) => some.slice(1).map((one, at) => (some[at].box[last] + one.box[first]) / 2);
  const tops = rows.map((row) => ({ box: [0, Math.min(...row.map((one) => one.box[1])), 0, Math.max(...row.map((one) => one.box[3]))] }));
  const edges = {
    rows: spread([box[1], ...between(tops, 1, 3), box[3]], box[1], box[3]),
    columns: spread([box[0], ...between(fullest, 0, 2), box[2]], box[0], box[2]),
  };
  return filled({ ...edges, cells: [] });
}

// Returns the operation that makes it so; cells that say what their words say are left out, unless they span.
export function operation(region, { rows, columns, cells }) {
  const told = cells.filter((one) => one.text !== undefined || one.header || one.row_span * one.column_span > 1);
  const plain = told.map(({ row, column, row_span, column_span, header, text }) => ({ row, column, row_span, column_span, header: Boolean(header), ...(text === undefined ? {} : { text }) }));
  return { op: "grid", id: region.id, rows, columns, cells: plain };
}

const AXES = { row: { edges: "rows", at: "row", span: "row_span", side: 1 }, column: { edges: "columns", at: "column", span: "column_span", side: 0 } };

// Makes two rows (or columns) of one, where the words leave most room between them.
export function parted(grid, axis, index, words) {
  const { edges, at, span, side } = AXES[axis];
  const place = gap(words, grid[edges][index], grid[edges][index + 1], side);
  const cells = grid.cells.flatMap((cell) => {
    const end = cell[at] + cell[span];
    if (cell[at] > index) return [{ ...cell, [at]: cell[at] + 1 }];
    if (end <= index) return [cell];
    if (cell[span] > 1) return [{ ...cell, [span]: cell[span] + 1 }];
    const half = fresh(cell);
    return [half, { ...half, [at]: index + 1 }];
  });
  return { ...grid, [edges]: grid[edges].toSpliced(index + 1, 0, place), cells };
}

// Makes one row (or column) of this and the next.
export function joined(grid, axis, index) {
  const { edges, at, span } = AXES[axis];
  const cells = grid.cells.map((cell) => {
    const end = cell[at] + cell[span];
    const from = cell[at] > index ? cell[at] - 1 : cell[at];
    return { ...cell, [at]: from, [span]: (end > index + 1 ? end - 1 : end) - from };
  });
  return { ...grid, [edges]: grid[edges].toSpliced(index + 1, 1), cells: hulls(cells) };
}

// Makes one cell of this and its neighbour to the right (column) or below (row).
export function spanned(grid, cell, axis) {
  const { span } = AXES[axis];
  return { ...grid, cells: hulls(grid.cells.map((one) => (one === cell ? { ...fresh(one), [span]: one[span] + 1 } : one))) };
}

// Makes a cell of every place that this one spans.
export function single(grid, cell) {
  return filled({ ...grid, cells: grid.cells.filter((one) => one !== cell) });
}

// Changes what a cell says, or whether it is a heading.
export function changed(grid, cell, values) {
  return { ...grid, cells: grid.cells.map((one) => (one === cell ? { ...one, ...values } : one)) };
}

const fresh = ({ row, column, row_span, column_span, header }) => ({ row, column, row_span, column_span, header });
const overlap = (a, b) => a.row < b.row + b.row_span && b.row < a.row + a.row_span && a.column < b.column + b.column_span && b.column < a.column + a.column_span;

// Cells that run into each other become one, as large as both.
function hulls(cells) {
  const found = [...cells];
  for (let i = 0; i < found.length; i += 1) {
    const other = found.findIndex((one, at) => at > i && overlap(found[i], one));
    if (other < 0) continue;
    const [a, b] = [found[i], found[other]];
    const row = Math.min(a.row, b.row);
    const column = Math.min(a.column, b.column);
    found[i] = {
      row, column, header: a.header || b.header,
      row_span: Math.max(a.row + a.row_span, b.row + b.row_span) - row, column_span: Math.max(a.column + a.column_span, b.column + b.column_span) - column,
    };
    found.splice(other, 1);
    i = -1;
  }
  return found;
}

function filled(grid) {
  const taken = new Set(grid.cells.flatMap((one) => places(one)));
  const cells = [...grid.cells];
  for (let row = 0; row < grid.rows.length - 1; row += 1) {
    for (let column = 0; column < grid.columns.length - 1; column += 1) {
      if (!taken.has(`${row} ${column}`)) cells.push({ row, column, row_span: 1, column_span: 1, header: false });
    }
  }
  return { ...grid, cells };
}

function places({ row, column, row_span, column_span }) {
  return Array.from({ length: row_span * column_span }, (_, at) => `${row + Math.floor(at / column_span)} ${column + (at % column_span)}`);
}

function middle(values) {
  return values.length ? [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] : null;
}

// Fills in edges that are not known, and keeps them ascending.
function spread(edges, first, last) {
  const found = [...edges];
  found[0] ??= first;
  found[found.length - 1] ??= last;
  for (let at = 1; at < found.length; at += 1) {
    const next = found.findIndex((one, index) => index >= at && one !== null);
    found[at] ??= found[at - 1] + (found[next] - found[at - 1]) / (next - at + 1);
    if (found[at] <= found[at - 1]) found[at] = found[at - 1] + 1;
  }
  return found.map((one) => Math.round(one * 100) / 100);
}

// Returns the middle of the widest gap between words along an axis, or of the whole where there is none.
function gap(words, from, to, side) {
  const spans = words.map(({ box }) => [box[side], box[side + 2]]).filter(([a, b]) => (a + b) / 2 > from && (a + b) / 2 < to).sort((a, b) => a[0] - b[0]);
  let [best, place, end] = [0, (from + to) / 2, spans[0]?.[1]];
  for (const [start, stop] of spans.slice(1)) {
    if (start - end > best) [best, place] = [start - end, (start + end) / 2];
    end = Math.max(end, stop);
  }
  return Math.round(place * 100) / 100;
}
