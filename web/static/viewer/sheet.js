// The picture of a page, square by square: only what is looked at is fetched, in the resolution it is looked at.

const SIDE = 896;
const KEPT = 64;

export class Sheet {
  // `tiles` is the address of the squares, `dpi` the resolution of level 0; `arrived` is told of each that came.
  constructor({ tiles, version, dpi, levels, width, height }, arrived) {
    Object.assign(this, { tiles, version, dpi, levels, width, height, arrived });
    this.kept = new Map();
  }

  // Draws the part of the page that lies on a canvas of `wide` x `high` device pixels, with `scale` of them per point; coarsely while
  // it is `moving`.
  draw(pen, { scale, x, y }, wide, high, moving = false) {
    pen.fillStyle = "#fff";
    pen.fillRect(x, y, this.width * scale, this.height * scale);
    pen.imageSmoothingQuality = moving ? "low" : "high";
    const level = this.#level(scale);
    const side = this.#side(level);
    const first = (at) => Math.max(0, Math.floor(-at / scale / side));
    const last = (at, size, page) => Math.floor(Math.min((size - at) / scale, page - 0.01) / side);
    for (let row = first(y); row <= last(y, high, this.height); row += 1) {
      for (let column = first(x); column <= last(x, wide, this.width); column += 1) {
        this.#paint(pen, { scale, x, y }, level, column, row);
      }
    }
  }

  // Fetches what `draw` will need at this scale, all of it; resolves when it is there.
  async ready(box, scale) {
    const level = this.#level(scale);
    const side = this.#side(level);
    const range = (from, to) => [Math.max(0, Math.floor(from / side)), Math.floor((to - 0.01) / side)];
    const [left, right] = range(box[0], Math.min(box[2], this.width));
    const [top, bottom] = range(box[1], Math.min(box[3], this.height));
    const waits = [];
    for (let row = top; row <= bottom; row += 1) {
      for (let column = left; column <= right; column += 1) waits.push(this.#square(level, column, row).done);
    }
    await Promise.allSettled(waits);
  }

  #side(level) {
    return (SIDE * 72) / (this.dpi * 2 ** level);
  }

  #level(scale) {
    let level = 0;
    while (level < this.levels - 1 && (this.dpi * 2 ** level) / 72 < scale * 0.8) level += 1;
    return level;
  }

  #paint(pen, { scale, x, y }, level, column, row) {
    const side = this.#side(level);
    const wanted = this.#square(level, column, row);
    for (let up = 0; up <= level; up += 1) {
      const square = up ? this.kept.get(`${level - up}/${column >> up}/${row >> up}`) : wanted;
      if (!square?.image) {
        if (up === level && level) this.#square(0, 0, 0);
        continue;
      }
      const { naturalWidth, naturalHeight } = square.image;
      const part = SIDE >> up;
      const left = (column % 2 ** up) * part;
      const top = (row % 2 ** up) * part;
      const w = Math.min(part, naturalWidth - left);
      const h = Math.min(part, naturalHeight - top);
      const unit = (side * scale) / part;
      if (w > 0 && h > 0) pen.drawImage(square.image, left, top, w, h, x + column * side * scale, y + row * side * scale, w * unit, h * unit);
      return;
    }
  }

  #square(level, column, row) {
    const key = `${level}/${column}/${row}`;
    let square = this.kept.get(key);
    this.kept.delete(key);
    if (!square) {
      square = { image: null, done: null };
      const image = new Image();
      image.src = `${this.tiles}/${key}?v=${this.version}`;
      square.done = image.decode().then(
        () => {
          square.image = image;
          this.arrived();
        },
        () => setTimeout(() => this.kept.get(key) === square && this.kept.delete(key), 4000),
      );
    }
    this.kept.set(key, square); // the newest comes last; the oldest goes first
    if (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value);
    return square;
  }
}
