// What was read, drawn over the picture: each layer is made into paths once, in points, so that pages of many
// thousand words stay quick.

const BANDS = [
  { below: 0.7, fill: "rgb(214 40 32 / 30%)", line: "#b3140c", dash: [] },
  { below: 0.9, fill: "rgb(240 128 0 / 26%)", line: "#b35900", dash: [3, 2] },
  { below: 0.97, fill: "rgb(230 190 0 / 24%)", line: "", dash: [] },
  { below: 2, fill: "rgb(46 150 84 / 15%)", line: "", dash: [] },
];
const KINDS = {
  "title": "#c81e46", "section-header": "#b9440c", "list-item": "#007f88", "table": "#783cb4", "picture": "#12742f",
  "caption": "#7a6200", "footnote": "#825a3c", "formula": "#b3248f", "page-header": "#66666f", "page-footer": "#66666f",
};
const PLAIN = "#1a5fb4";

export const band = (confidence) => BANDS.findIndex(({ below }) => (confidence ?? 1) < below);
export const kind = (label) => KINDS[label] ?? PLAIN;

function trace(path, polygon) {
  polygon.forEach(([x, y], at) => (at ? path.lineTo(x, y) : path.moveTo(x, y)));
  path.closePath();
}

const rectangle = (path, [left, top, right, bottom]) => path.rect(left, top, right - left, bottom - top);

export class Overlay {
  constructor(page) {
    this.page = page;
    this.made = {};
  }

  draw(pen, { scale, x, y }, shown) {
    pen.save();
    pen.setTransform(scale, 0, 0, scale, x, y);
    const px = (width) => { pen.lineWidth = width / scale; };
    for (const name of ["tiles", "regions", "tables", "lines", "words", "findings"]) {
      if (shown.has(name)) this[name](pen, px, scale);
    }
    pen.restore();
  }

  #once(name, make) {
    return (this.made[name] ??= make());
  }

  words(pen, px, scale) {
    const paths = this.#once("words", () => {
      const found = BANDS.map(() => new Path2D());
      for (const line of this.page.lines) for (const word of line.words) trace(found[band(word.confidence)], word.polygon);
      return found;
    });
    px(1.6);
    paths.forEach((path, at) => {
      const { fill, line, dash } = BANDS[at];
      pen.fillStyle = fill;
      pen.fill(path);
      if (!line) return;
      pen.strokeStyle = line;
      pen.setLineDash(dash.map((one) => one / scale * 1.5));
      pen.stroke(path);
    });
    pen.setLineDash([]);
  }

  lines(pen, px) {
    const path = this.#once("lines", () => {
      const found = new Path2D();
      for (const line of this.page.lines) trace(found, line.polygon);
      return found;
    });
    px(1.2);
    pen.strokeStyle = PLAIN;
    pen.fillStyle = "rgb(26 95 180 / 7%)";
    pen.fill(path);
    pen.stroke(path);
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
      if (finding.mask) this.#once(`mask ${at}`, () => stencil(finding.mask)).draw(pen);
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
