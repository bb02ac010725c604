// Hands on the picture: wheel, drag, two fingers, keys.

const STEP = 1.25;
const STRIDE = 90;

export function listen(desk, camera, { tapped, hovered }) {
  const fingers = new Map();
  let pinch = null;
  let press = null;

  const place = (event) => {
    const box = desk.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  desk.addEventListener("wheel", (event) => {
    const [x, y] = place(event);
    const unit = event.deltaMode ? 30 : 1;
    if (event.ctrlKey || event.metaKey || event.altKey) {
      event.preventDefault();
      camera.zoom(Math.exp(-event.deltaY * unit * 0.0045), x, y, true);
    } else if (camera.zoomed) {
      event.preventDefault();
      const [dx, dy] = event.shiftKey ? [event.deltaY, 0] : [event.deltaX, event.deltaY];
      camera.pan(-dx * unit, -dy * unit);
    }
  }, { passive: false });

  desk.addEventListener("pointerdown", (event) => {
    if (event.button > 1 || event.target.closest("button, a")) return;
    fingers.set(event.pointerId, place(event));
    const text = event.target.closest(".text-layer span");
    const selects = text && event.pointerType === "mouse" && event.button === 0 && !desk.dataset.hand;
    press = { at: place(event), moved: false, pans: !selects };
    if (!selects) {
      if (event.pointerType === "mouse") event.preventDefault();
      getSelection()?.removeAllRanges();
      desk.setPointerCapture(event.pointerId);
      desk.focus({ preventScroll: true });
    }
    pinch = fingers.size === 2 ? spread(fingers) : null;
  });

  desk.addEventListener("pointermove", (event) => {
    const now = place(event);
    if (!fingers.has(event.pointerId)) return hovered(camera.point(...now));
    const before = fingers.get(event.pointerId);
    fingers.set(event.pointerId, now);
    if (press && Math.hypot(now[0] - press.at[0], now[1] - press.at[1]) > 4) press.moved = true;
    if (pinch && fingers.size === 2) {
      const next = spread(fingers);
      camera.zoom(next.wide / pinch.wide, next.x, next.y, true);
      camera.pan(next.x - pinch.x, next.y - pinch.y);
      pinch = next;
    } else if (press?.pans && press.moved) {
      camera.pan(now[0] - before[0], now[1] - before[1]);
    }
  });

  for (const kind of ["pointerup", "pointercancel"]) {
    desk.addEventListener(kind, (event) => {
      fingers.delete(event.pointerId);
      pinch = null;
      if (kind === "pointerup" && press && !press.moved && !fingers.size) tapped(camera.point(...press.at), event);
      if (!fingers.size) press = null;
    });
  }
  desk.addEventListener("pointerleave", () => fingers.size || hovered(null));
  desk.addEventListener("dblclick", (event) => {
    if (!event.target.closest(".text-layer span")) camera.zoom(event.shiftKey ? 0.5 : 2, ...place(event));
  });

  const keys = {
    "+": () => camera.zoom(STEP), "=": () => camera.zoom(STEP), "-": () => camera.zoom(1 / STEP),
    "0": () => camera.fit("page"), "1": () => camera.fit("width"),
  };
  const moves = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  desk.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const move = moves[event.key];
    if (move && camera.zoomed) camera.pan(move[0] * STRIDE, move[1] * STRIDE);
    else if (keys[event.key]) keys[event.key]();
    else return;
    event.preventDefault();
  });
}

function spread(fingers) {
  const [a, b] = [...fingers.values()];
  return { x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2, wide: Math.hypot(a[0] - b[0], a[1] - b[1]) || 1 };
}
