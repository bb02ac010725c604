// Where one looks: a point p of the page (1/72 inch) is shown at p * scale + (x, y), in CSS pixels of the desk.

const MOST = 16;
const GLIDE = 180; // milliseconds until a move is done, however many frames that are
const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class Camera {
  constructor(page, changed) {
    this.page = page;
    this.changed = changed;
    this.size = { width: 1, height: 1 };
    this.mode = "page";
    Object.assign(this, { scale: 1, x: 0, y: 0, target: null });
  }

  // The desk has this size now; what was fitted to it is fitted again.
  resize(width, height) {
    if (width === this.size.width && height === this.size.height) return;
    this.size = { width, height };
    if (this.mode) this.fit(this.mode, true);
    else this.go(this.scale, this.x, this.y, true);
  }

  get fitting() {
    const { width, height } = this.size;
    return Math.min((width - 24) / this.page.width, (height - 24) / this.page.height);
  }

  get least() {
    return Math.min(this.fitting, 1) / 2;
  }

  get zoomed() {
    return this.scale > this.fitting * 1.01;
  }

  // Shows the whole page ("page") or all of its width ("width").
  fit(mode, now = false) {
    const scale = mode === "width" ? (this.size.width - 24) / this.page.width : this.fitting;
    this.go(scale, (this.size.width - this.page.width * scale) / 2, 12, now);
    this.mode = mode;
  }

  zoom(factor, px = this.size.width / 2, py = this.size.height / 2, now = false) {
    const from = this.target ?? this;
    const scale = Math.min(Math.max(from.scale * factor, this.least), MOST);
    const turn = scale / from.scale;
    this.go(scale, px - (px - from.x) * turn, py - (py - from.y) * turn, now);
  }

  pan(dx, dy) {
    const from = this.target ?? this;
    this.go(from.scale, from.x + dx, from.y + dy, true);
  }

  // Brings a box [left, top, right, bottom] of the page into view, large enough to be read.
  show(box, scale = this.scale) {
    const wide = (this.size.width * 0.9) / (box[2] - box[0] || 1);
    const at = Math.min(Math.max(scale, this.least), MOST, Math.max(wide, this.least));
    const { width, height } = this.size;
    this.go(at, width / 2 - ((box[0] + box[2]) / 2) * at, height / 2.6 - ((box[1] + box[3]) / 2) * at);
  }

  sees(box) {
    const { scale, x, y, size } = this.target ? { ...this.target, size: this.size } : this;
    return box[0] * scale + x > 0 && box[2] * scale + x < size.width && box[1] * scale + y > 0 && box[3] * scale + y < size.height;
  }

  go(scale, x, y, now = false) {
    this.mode = "";
    const held = this.#held(scale, x, y);
    if (now || calm.matches) {
      Object.assign(this, held, { target: null });
      this.changed();
      return;
    }
    const running = this.target;
    this.target = held;
    this.from = { scale: this.scale, x: this.x, y: this.y, at: performance.now() };
    if (!running) requestAnimationFrame((time) => this.#step(time));
  }

  point(px, py) {
    return [(px - this.x) / this.scale, (py - this.y) / this.scale];
  }

  // The page never leaves the desk, and lies in its middle while it is smaller.
  #held(scale, x, y) {
    const along = (at, page, desk) => {
      const rest = desk - page * scale;
      return rest > 0 ? rest / 2 : Math.min(Math.max(at, rest - desk * 0.25), desk * 0.25);
    };
    const { page, size } = this;
    return { scale, x: along(x, page.width, size.width), y: along(y, page.height, size.height) };
  }

  #step(time) {
    const { from, target: to } = this;
    if (!to) return;
    const share = Math.min(Math.max((time - from.at) / GLIDE, 0), 1);
    if (share === 1) {
      Object.assign(this, to, { target: null });
    } else {
      const way = 1 - (1 - share) ** 3;
      for (const key of ["scale", "x", "y"]) this[key] = from[key] + (to[key] - from[key]) * way;
      requestAnimationFrame((next) => this.#step(next));
    }
    this.changed();
  }
}
