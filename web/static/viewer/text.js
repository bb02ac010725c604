// The words as text that can be selected where they stand on the picture: one element per line, in reading order.

const pen = document.createElement("canvas").getContext("2d");

export function linesInOrder(page) {
  const known = new Map(page.lines.map((line) => [line.id, line]));
  const ids = new Set([...page.regions].sort((a, b) => a.order - b.order).flatMap((region) => region.line_ids));
  for (const id of known.keys()) ids.add(id);
  return [...ids].map((id) => known.get(id)).filter(Boolean);
}

const elements = new WeakMap(); // layer -> what is shown -> the element that shows it

// Returns a layer for the page: `before` with the lines that stayed, where there is one.
export function textLayer(page, before = null) {
  const layer = before ?? document.createElement("div");
  const old = elements.get(layer) ?? new Map();
  layer.className = "text-layer";
  layer.setAttribute("aria-hidden", "true"); // the same text stands beside the picture
  const now = new Map();
  for (const line of linesInOrder(page)) {
    const as = `${line.id} ${line.polygon} ${line.text}`;
    now.set(as, old.get(as) ?? element(line));
  }
  elements.set(layer, now);
  for (const [as, one] of old) if (!now.has(as)) one.remove();
  let at = layer.firstChild;
  for (const one of now.values()) {
    if (one === at) at = at.nextSibling;
    else layer.insertBefore(one, at);
  }
  return layer;
}

function element(line) {
  const made = document.createElement("span");
  const [a, b, , d] = corners(line);
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
  // Every turned element is one more thing to put together in each frame: what is nearly straight is only spread.
  const straight = Math.abs(length * Math.sin(angle)) < size / 3 && Math.cos(angle) > 0;
  Object.assign(made.style, {
    left: `${x}px`,
    top: `${y}px`,
    height: `${size}px`,
    lineHeight: `${size}px`,
    fontSize: `${size * 0.8}px`,
    ...(straight ? { letterSpacing: `${(length - natural) / line.text.length}px` } : { transform: `rotate(${angle}rad) scaleX(${length / natural})` }),
  });
  return made;
}

// Returns the corners of a line or word, from the upper left one clockwise as it is read.
export function corners({ polygon, box: [left, top, right, bottom] }) {
  return polygon.length === 4 ? polygon : [[left, top], [right, top], [right, bottom], [left, bottom]];
}

// Finds a word by its id, with its line.
export function wordIn(page, id) {
  for (const line of page.lines) {
    const word = line.words.find((one) => one.id === id);
    if (word) return { word, line };
  }
  return null;
}

// Finds the word and line at a point of the page.
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
