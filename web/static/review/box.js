// A box on the picture that is drawn, moved and resized: with the mouse by its edges, or with the arrows.

const LEAST = 3;
const STEP = 6;
const NEAR = 9;
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const on = { capture: true };

export class BoxTool {
  // `entered` is called by Enter and when the mouse lets go of a box that was drawn, `left` by Escape.
  constructor(stage, { entered, left }) {
    Object.assign(this, { stage, entered, left, box: null, grip: null });
    this.listeners = {
      pointerdown: (event) => this.#down(event), pointermove: (event) => this.#move(event),
      pointerup: (event) => this.#up(event), keydown: (event) => this.#keys(event),
    };
  }

  start(box) {
    this.box = [...box];
    for (const [name, act] of Object.entries(this.listeners)) this.stage.desk.addEventListener(name, act, on);
    this.#paint();
    this.stage.camera.show(this.box);
    this.stage.desk.focus();
  }

  stop() {
    this.box = null;
    this.grip = null;
    this.stage.desk.style.cursor = "";
    this.#paint();
    for (const [name, act] of Object.entries(this.listeners)) this.stage.desk.removeEventListener(name, act, on);
  }

  #paint() {
    this.stage.mark("drawn", this.box ? [this.box] : []);
  }

  #point(event) {
    const edge = this.stage.desk.getBoundingClientRect();
    return this.stage.camera.point(event.clientX - edge.left, event.clientY - edge.top);
  }

  // Returns which sides of the box are held at a point: 0 left, 1 top, 2 right, 3 bottom; all inside it; none far off.
  #sides([x, y]) {
    const [left, top, right, bottom] = this.box;
    const near = NEAR / this.stage.camera.scale;
    if (x < left - near || x > right + near || y < top - near || y > bottom + near) return [];
    const across = Math.abs(x - left) < near ? [0] : Math.abs(x - right) < near ? [2] : [];
    const down = Math.abs(y - top) < near ? [1] : Math.abs(y - bottom) < near ? [3] : [];
    return across.length + down.length ? [...across, ...down] : [0, 1, 2, 3];
  }

  #down(event) {
    if (event.button) return;
    event.stopPropagation();
    event.preventDefault();
    this.stage.desk.setPointerCapture(event.pointerId);
    const at = this.#point(event);
    this.grip = { at, sides: this.#sides(at), was: this.box };
  }

  #move(event) {
    const to = this.#point(event);
    if (!this.grip) {
      const sides = this.#sides(to);
      this.stage.desk.style.cursor = sides.length === 4 ? "move" : sides.length === 2 ? (sides.includes(0) === sides.includes(1) ? "nwse-resize" : "nesw-resize") : sides.length ? (sides[0] % 2 ? "ns-resize" : "ew-resize") : "crosshair";
      return;
    }
    event.stopPropagation();
    const { at, sides, was } = this.grip;
    const box = sides.length ? was.map((side, which) => (sides.includes(which) ? side + to[which % 2] - at[which % 2] : side)) : [...at, ...to];
    this.#set([Math.min(box[0], box[2]), Math.min(box[1], box[3]), Math.max(box[0], box[2]), Math.max(box[1], box[3])]);
  }

  #up(event) {
    if (!this.grip) return;
    event.stopPropagation();
    const drew = !this.grip.sides.length;
    this.grip = null;
    if (drew) this.entered(true);
  }

  #keys(event) {
    const way = WAYS[event.key];
    if (way && !event.altKey) {
      const [dx, dy] = way.map((one) => one * (event.ctrlKey ? 1 : STEP));
      const [left, top, right, bottom] = this.box;
      this.#set(event.shiftKey ? [left, top, right + dx, bottom + dy] : [left + dx, top + dy, right + dx, bottom + dy]);
      if (!this.stage.camera.sees(this.box)) this.stage.camera.show(this.box);
    } else if (event.key === "Enter") this.entered(false);
    else if (event.key === "Escape") this.left();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // Keeps the box on the page and large enough to be seen.
  #set([left, top, right, bottom]) {
    const { width, height } = this.stage.camera.page;
    const x = Math.min(Math.max(left, 0), width - LEAST);
    const y = Math.min(Math.max(top, 0), height - LEAST);
    this.box = [x, y, Math.min(Math.max(right, x + LEAST), width), Math.min(Math.max(bottom, y + LEAST), height)];
    this.#paint();
  }
}
