// The word, large, with what stands around it.

export class Crop {
  constructor(canvas, stage) {
    Object.assign(this, { canvas, stage, word: null, size: null, wanted: 0 });
    new ResizeObserver(([{ contentRect }]) => {
      this.size = contentRect;
      this.#soon();
    }).observe(canvas);
    stage.desk.addEventListener("arrived", () => this.#soon());
  }

  // Shows a word; null none.
  show(word) {
    if (String(word?.box) === String(this.word?.box)) return;
    this.word = word;
    this.#soon();
  }

  #soon() {
    this.wanted ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.wanted = 0;
    if (!this.size?.width) return;
    const { canvas, word } = this;
    const { width, height } = this.size;
    const fine = Math.min(devicePixelRatio || 1, 3);
    if (canvas.width !== Math.round(width * fine)) canvas.width = Math.round(width * fine);
    if (canvas.height !== Math.round(height * fine)) canvas.height = Math.round(height * fine);
    const pen = canvas.getContext("2d");
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    if (!word) return;
    const [left, top, right, bottom] = word.box;
    const scale = Math.min(52 / Math.max(bottom - top, 1), (width * 0.8) / Math.max(right - left, 1), 9);
    const view = { scale: scale * fine, x: (width / 2 - ((left + right) / 2) * scale) * fine, y: (height / 2 - ((top + bottom) / 2) * scale) * fine };
    this.stage.sheet.draw(pen, view, canvas.width, canvas.height);
    pen.setTransform(view.scale, 0, 0, view.scale, view.x, view.y);
    pen.fillStyle = "rgb(255 255 255 / 55%)";
    pen.beginPath();
    pen.rect(-10_000, -10_000, 100_000, 100_000);
    const pad = 1.5;
    pen.rect(left - pad, top - pad, right - left + 2 * pad, bottom - top + 2 * pad);
    pen.fill("evenodd");
    pen.strokeStyle = "#b3005e";
    pen.lineWidth = 2 / scale;
    pen.strokeRect(left - pad, top - pad, right - left + 2 * pad, bottom - top + 2 * pad);
  }
}
