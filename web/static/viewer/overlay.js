// What was read, drawn over the picture. Words and lines are made into paths once, in points, some lines at a time, and
// only what is seen is drawn, so that pages of many thousand words stay quick.

import { corners } from "./text.js";

const BANDS = [
  { below: 0.7, fill: "rgb(214 40 32 / 30%)", line: "#b3140c" },
  { below: 0.9, fill: "rgb(240 128 0 / 26%)", line: "#b35900" },
  { below: 0.97, fill: "rgb(230 190 0 / 24%)", line: "" },
  { below: 2, fill: "rgb(46 150 84 / 15%)", line: "" },
];
const KINDS = {
  "title": "#c81e46", "section-header": "#b9440c", "list-item": "#007f88", "table": "#783cb4", "picture": "#12742f",
  "caption": "#7a6200", "footnote": "#825a3c", "formula": "#b3248f", "page-header": "#66666f", "page-footer": "#66666f",
};
const PLAIN = "#1a5fb4";
const PER_PART = 40; // lines
const LEAST = 5; // pixels that a line is high at least where its words are outlined: below, outlines are a smear
const DOUBT_BELOW = 0.9;

export const band = (confidence) => BANDS.findIndex(({ below }) => (confidence ?? 1) < below);
export const doubtful = ({ confidence }) => (confidence ?? 1) < DOUBT_BELOW;
export const kind = (label) => KINDS[label] ?? PLAIN;

function trace(path, polygon) {
  polygon.forEach(([x, y], at) => (at ? path.lineTo(x, y) : path.moveTo(x, y)));
  path.closePath();
}

const rectangle = (path, [left, top, right, bottom]) => path.rect(left, top, right - left, bottom - top);

const meet = (one, two) => one[0] <= two[2] && one[2] >= two[0] && one[1] <= two[3] && one[3] >= two[1];

// Returns paths around and below some of the words. (Dashes would tell them apart as well, at ten times the cost.)
function marked(lines, which) {
  const [whole, lower] = [new Path2D(), new Path2D()];
  for (const line of lines) {
    for (const word of line.words.filter(which)) {
      const [, , right, left] = corners(word);
      trace(whole, word.polygon);
      lower.moveTo(...left);
      lower.lineTo(...right);
    }
  }
  return { whole, lower };
}

// Some lines of the page: their box, their usual height, and the paths that were made of them.
class Part {
  constructor(lines) {
    const of = (side, which) => which(...lines.map(({ box }) => box[side]));
    this.lines = lines;
    this.box = [of(0, Math.min), of(1, Math.min), of(2, Math.max), of(3, Math.max)];
    this.high = lines.map(({ box }) => box[3] - box[1]).sort((a, b) => a - b)[lines.length >> 1];
    this.made = {};
  }

  once(name, make) {
    return (this.made[name] ??= make());
  }
}

export class Overlay {
  constructor(page) {
    this.page = page;
    this.masks = new Map();
    this.parts = [];
    for (let at = 0; at < page.lines.length; at += PER_PART) this.parts.push(new Part(page.lines.slice(at, at + PER_PART)));
  }

  // Draws the layers that are `shown` on a canvas of `wide` x `high` device pixels, with `scale` of them per point.
  draw(pen, { scale, x, y }, shown, wide, high) {
    pen.save();
    pen.setTransform(scale, 0, 0, scale, x, y);
    const px = (width) => { pen.lineWidth = width / scale; };
    this.seen = [-x / scale, -y / scale, (wide - x) / scale, (high - y) / scale];
    for (const name of ["tiles", "regions", "tables", "lines", "words", "doubted", "findings"]) {
      if (shown.has(name)) this[name](pen, px, scale);
    }
    pen.restore();
  }

  // Returns what is seen of the lines, and whether each part is large enough to be outlined.
  #inSight(scale) {
    return this.parts.filter(({ box }) => meet(box, this.seen)).map((part) => [part, part.high * scale > LEAST * (devicePixelRatio || 1)]);
  }

  words(pen, px, scale) {
    px(1.6);
    for (const [part, near] of this.#inSight(scale)) {
      const found = part.once("words", () => BANDS.map((_, at) => marked(part.lines, ({ confidence }) => band(confidence) === at)));
      found.forEach(({ whole, lower }, at) => {
        const { fill, line } = BANDS[at];
        pen.fillStyle = fill;
        pen.fill(whole);
        pen.strokeStyle = line;
        if (line && near) pen.stroke(at ? lower : whole);
      });
    }
  }

  // The words that somebody is to look at.
  doubted(pen, px, scale) {
    px(2);
    pen.fillStyle = "rgb(240 128 0 / 16%)";
    pen.strokeStyle = "#b35900";
    for (const [part, near] of this.#inSight(scale)) {
      const { whole, lower } = part.once("doubted", () => marked(part.lines, doubtful));
      pen.fill(whole);
      if (near) pen.stroke(lower);
    }
  }

  lines(pen, px, scale) {
    px(1.2);
    pen.strokeStyle = PLAIN;
    pen.fillStyle = "rgb(26 95 180 / 7%)";
    for (const [part] of this.#inSight(scale)) {
      const path = part.once("lines", () => {
        const found = new Path2D();
        for (const line of part.lines) trace(found, line.polygon);
        return found;
      });
      pen.fill(path);
      pen.stroke(path);
    }
  }

  regions(pen, px, scale) {
    const ordered = this.page.regions.filter((one) => one.line_ids.length || one.label === "picture" || one.label === "table");
    const near = scale > 0.95 * (devicePixelRatio || 1); // from afar the labels would hide what they name
    const middle = ({ box }) => [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
    px(1.5);
    pen.strokeStyle = "rgb(20 22 26 / 35%)";
    pen.setLineDash([6 / scale, 5 / scale]);
    pen.beginPath();
    ordered.forEach((one, at) => pen[at ? "lineTo" : "moveTo"](...middle(one)));
    pen.stroke();
    pen.setLineDash([]);
    for (const { box, label, order } of this.page.regions) {
      pen.strokeStyle = kind(label);
      px(2);
      pen.strokeRect(box[0], box[1], box[2] - box[0], box[3] - box[1]);
      tag(pen, scale, box, near ? `${order + 1} ${label}` : `${order + 1}`, kind(label));
    }
  }

  tables(pen, px) {
    px(1.4);
    pen.strokeStyle = "#783cb4";
    pen.fillStyle = "rgb(120 60 180 / 7%)";
    for (const table of this.page.tables) {
      const path = new Path2D();
      for (const cell of table.cells) rectangle(path, cell.box);
      pen.fill(path);
      pen.stroke(path);
      pen.strokeRect(table.box[0], table.box[1], table.box[2] - table.box[0], table.box[3] - table.box[1]);
    }
  }

  // What the model saw: each view outlined, and where two overlap, the seam, shaded.
  tiles(pen, px, scale) {
    const boxes = this.page.tiles.map(({ box }) => box);
    pen.fillStyle = "rgb(179 0 94 / 13%)";
    boxes.forEach((one, at) => {
      for (const two of boxes.slice(at + 1)) {
        const [left, top] = [Math.max(one[0], two[0]), Math.max(one[1], two[1])];
        const [right, bottom] = [Math.min(one[2], two[2]), Math.min(one[3], two[3])];
        if (left < right && top < bottom) pen.fillRect(left, top, right - left, bottom - top);
      }
    });
    px(1.8);
    pen.strokeStyle = "#b3005e";
    pen.setLineDash([9 / scale, 5 / scale]);
    this.page.tiles.forEach(({ box, scale: fine }, at) => {
      pen.strokeRect(box[0], box[1], box[2] - box[0], box[3] - box[1]);
      tag(pen, scale, box, `view ${at + 1}, ${Math.round(fine * 72)} dpi`, "#b3005e", true);
    });
    pen.setLineDash([]);
  }

  findings(pen, px, scale) {
    for (const [at, finding] of this.page.findings.entries()) {
      pen.strokeStyle = "#a3005c";
      pen.fillStyle = "rgb(224 0 122 / 18%)";
      px(2.2);
      if (finding.polygon?.length) {
        const path = new Path2D();
        trace(path, finding.polygon);
        pen.fill(path);
        pen.stroke(path);
      }
      if (finding.mask) {
        if (!this.masks.has(at)) this.masks.set(at, stencil(finding.mask));
        this.masks.get(at).draw(pen);
      }
      const box = finding.box;
      if (!box) continue;
      pen.strokeRect(box[0], box[1], box[2] - box[0], box[3] - box[1]);
      tag(pen, scale, box, finding.label || finding.text || finding.task, "#a3005c");
    }
  }
}

// A small label on the upper edge of a box, of the same size however near one looks.
function tag(pen, scale, box, text, color, inside = false) {
  const size = 11 / scale;
  pen.font = `600 ${size}px system-ui, sans-serif`;
  const wide = pen.measureText(text).width + size * 0.7;
  const top = inside || box[1] < size * 1.3 ? box[1] : box[1] - size * 1.3;
  pen.fillStyle = color;
  pen.fillRect(box[0], top, wide, size * 1.3);
  pen.fillStyle = "#fff";
  pen.textBaseline = "middle";
  pen.fillText(text, box[0] + size * 0.35, top + size * 0.68);
}

// A mask: runs of outside and inside, column by column, of a grid that covers a box.
function stencil({ box, size: [high, wide], counts }) {
  const canvas = document.createElement("canvas");
  canvas.width = wide;
  canvas.height = high;
  const pen = canvas.getContext("2d");
  const pixels = pen.createImageData(wide, high);
  let at = 0;
  counts.forEach((count, run) => {
    for (const end = at + count; at < end; at += 1) {
      if (run % 2) pixels.data.set([224, 0, 122, 110], ((at % high) * wide + Math.floor(at / high)) * 4);
    }
  });
  pen.putImageData(pixels, 0, 0);
  return { draw: (to) => to.drawImage(canvas, box[0], box[1], box[2] - box[0], box[3] - box[1]) };
}
