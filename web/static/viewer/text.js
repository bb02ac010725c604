// The words as text that can be selected where they stand on the picture: one element per line, in reading order.

const pen = document.createElement("canvas").getContext("2d");

export function linesInOrder(page) {
  const known = new Map(page.lines.map((line) => [line.id, line]));
  const ids = new Set([...page.regions].sort((a, b) => a.order - b.order).flatMap((region) => region.line_ids));
  for (const id of known.keys()) ids.add(id);
  return [...ids].map((id) => known.get(id)).filter(Boolean);
}

// Returns a layer for the page: `before` with the lines that stayed, where there is one.
export function textLayer(page, before = null) {
  const layer = before ?? document.createElement("div");
  const old = new Map([...layer.children].map((one) => [one.dataset.as, one]));
  layer.className = "text-layer";
  layer.setAttribute("aria-hidden", "true"); // the same text stands beside the picture
  const wanted = linesInOrder(page).map((line) => {
    const as = `${line.id} ${line.polygon.join(" ")} ${line.text}`;
    const made = old.get(as) ?? element(line);
    made.dataset.as = as;
    return made;
  });
  if (wanted.length !== layer.children.length || wanted.some((one, at) => one !== layer.children[at])) layer.replaceChildren(...wanted);
  return layer;
}

function element(line) {
  const made = document.createElement("span");
  const [a, b, , d] = line.polygon.length === 4 ? line.polygon : corners(line.box);
  const wide = Math.hypot(b[0] - a[0], b[1] - a[1]) || 1;
  const high = Math.hypot(d[0] - a[0], d[1] - a[1]) || 1;
  const upright = high > 2 * wide && line.text.length > 1;
  const [length, size] = upright ? [high, wide] : [wide, high];
  pen.font = "100px sans-serif";
  const natural = (pen.measureText(line.text).width / 100) * size * 0.8 || 1;
  const angle = upright ? Math.PI / 2 : Math.atan2(b[1] - a[1], b[0] - a[0]);
  const [x, y] = upright ? b : a;
  made.textContent = line.text;
  made.dataset.line = line.id;
  Object.assign(made.style, {
    left: `${x}px`,
    top: `${y}px`,
    height: `${size}px`,
    lineHeight: `${size}px`,
    fontSize: `${size * 0.8}px`,
    transform: `rotate(${angle}rad) scaleX(${length / natural})`,
  });
  return made;
}

const corners = ([left, top, right, bottom]) => [[left, top], [right, top], [right, bottom], [left, bottom]];

// Finds the word, line and region at a point of the page.
export function at(page, [x, y]) {
  const inside = ({ box }, slack = 0) => x >= box[0] - slack && x <= box[2] + slack && y >= box[1] - slack && y <= box[3] + slack;
  for (const line of page.lines) {
    if (!inside(line, 2)) continue;
    const word = line.words.find((one) => inside(one));
    if (word) return { line, word };
  }
  const line = page.lines.find((one) => inside(one));
  return line ? { line } : {};
}
