// A page on its desk: picture, overlays, selectable text and marks, under one camera.

import { Camera } from "./camera.js";
import { listen } from "./input.js";
import { Overlay } from "./overlay.js";
import { Sheet } from "./sheet.js";
import { at, textLayer, wordIn } from "./text.js";

export class Stage {
  // `desk` is an element whose data says where the squares of the page are; `shown` the names of the layers to draw.
  constructor(desk, { tapped = () => {}, hovered = () => {} } = {}) {
    const { tiles, version, dpi, levels, width, height } = desk.dataset;
    this.desk = desk;
    this.shown = new Set();
    this.lit = null;
    this.litLine = null;
    this.page = null;
    this.sheet = new Sheet({ tiles, version, dpi: +dpi, levels: +levels, width: +width, height: +height }, () => {
      this.paint();
      desk.dispatchEvent(new Event("arrived"));
    });
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("aria-hidden", "true");
    this.ground = document.createElement("div");
    this.ground.className = "ground";
    this.marks = document.createElement("div");
    this.marks.className = "marks";
    this.ground.append(this.marks);
    desk.replaceChildren(this.canvas, this.ground);
    this.pen = this.canvas.getContext("2d");
    this.camera = new Camera({ width: +width, height: +height }, () => this.paint());
    const find = (point) => (point && this.page ? at(this.page, point) : {});
    listen(desk, this.camera, { tapped: (point, event) => tapped(find(point), event), hovered: (point) => hovered(find(point)) });
    new ResizeObserver(() => this.#measure()).observe(desk);
    this.#measure();
  }

  // Shows what was read; called again after every correction.
  read(page) {
    this.page = page;
    this.overlay = new Overlay(page);
    this.text = textLayer(page, this.text);
    if (!this.text.isConnected) this.ground.prepend(this.text);
    this.paint();
  }

  // Finds a line by its id.
  line(id) {
    return this.page?.lines.find((one) => one.id === id) ?? null;
  }

  // Finds a word by its id, with its line.
  word(id) {
    return this.page && wordIn(this.page, id);
  }

  layer(name, on) {
    if (on) this.shown.add(name);
    else this.shown.delete(name);
    this.paint();
  }

  // Lights up a line; null none.
  light(id) {
    if (id === this.lit) return;
    this.lit = id;
    this.litLine = id && this.line(id);
    this.desk.dataset.lit = id ?? "";
    this.paint();
  }

  // Replaces the marks of a kind (a class) by boxes of the page; those that stay are left as they are.
  mark(name, boxes) {
    const old = new Map([...this.marks.getElementsByClassName(name)].map((one) => [one.dataset.box, one]));
    for (const box of boxes.slice(0, 2000)) {
      const key = box.join(" ");
      if (old.delete(key)) continue;
      const made = document.createElement("div");
      made.className = name;
      made.dataset.box = key;
      Object.assign(made.style, {
        left: `${box[0]}px`, top: `${box[1]}px`, width: `${box[2] - box[0]}px`, height: `${box[3] - box[1]}px`,
      });
      this.marks.append(made);
    }
    for (const one of old.values()) one.remove();
  }

  paint() {
    this.wanted ||= requestAnimationFrame(() => this.#draw());
  }

  #measure() {
    const { clientWidth: width, clientHeight: height } = this.desk;
    if (!width || !height) return;
    const fine = Math.min(devicePixelRatio || 1, 3);
    this.canvas.width = Math.round(width * fine);
    this.canvas.height = Math.round(height * fine);
    this.fine = fine;
    this.camera.resize(width, height);
    this.#draw();
  }

  #draw() {
    this.wanted = 0;
    const { pen, canvas, camera, fine } = this;
    if (!fine) return;
    const view = { scale: camera.scale * fine, x: camera.x * fine, y: camera.y * fine };
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    this.sheet.draw(pen, view, canvas.width, canvas.height, Boolean(camera.target));
    this.overlay?.draw(pen, view, this.shown, canvas.width, canvas.height);
    this.#lit(view);
    this.ground.style.transform = `translate(${camera.x}px, ${camera.y}px) scale(${camera.scale})`;
    if (camera.scale !== this.scale) {
      this.scale = camera.scale;
      this.marks.style.setProperty("--unit", `${1 / camera.scale}px`);
      this.desk.dataset.scale = camera.scale.toFixed(4);
      this.desk.style.touchAction = camera.zoomed ? "none" : "pan-y";
    }
    this.desk.dispatchEvent(new Event("drawn"));
  }

  #lit({ scale, x, y }) {
    const { pen, litLine: line } = this;
    if (!line) return;
    pen.save();
    pen.setTransform(scale, 0, 0, scale, x, y);
    pen.beginPath();
    line.polygon.forEach(([px, py], index) => (index ? pen.lineTo(px, py) : pen.moveTo(px, py)));
    pen.closePath();
    pen.fillStyle = "rgb(26 95 180 / 20%)";
    pen.strokeStyle = "#1a5fb4";
    pen.lineWidth = 2.5 / scale;
    pen.fill();
    pen.stroke();
    pen.restore();
  }
}
