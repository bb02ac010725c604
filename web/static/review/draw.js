// Drawing the box of a line that nobody found: by dragging, or with the arrows.

export function drawing(stage, panel, { add, ended }) {
  const { desk, camera } = stage;
  const input = panel.querySelector("input");
  let box = null;
  let from = null;

  const paint = () => stage.mark("drawn", box ? [box] : []);
  const point = (event) => {
    const edge = desk.getBoundingClientRect();
    return camera.point(event.clientX - edge.left, event.clientY - edge.top);
  };
  const on = { capture: true };

  function down(event) {
    if (event.button) return;
    event.stopPropagation();
    event.preventDefault();
    desk.setPointerCapture(event.pointerId);
    from = point(event);
  }
  function move(event) {
    if (!from) return;
    event.stopPropagation();
    const to = point(event);
    box = [Math.min(from[0], to[0]), Math.min(from[1], to[1]), Math.max(from[0], to[0]), Math.max(from[1], to[1])];
    paint();
  }
  function up(event) {
    if (!from) return;
    event.stopPropagation();
    from = null;
    input.focus();
  }
  function keys(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (way && box) {
      const step = event.ctrlKey ? 1 : 6;
      const [dx, dy] = way.map((one) => one * step);
      box = event.shiftKey ? [box[0], box[1], Math.max(box[2] + dx, box[0] + 4), Math.max(box[3] + dy, box[1] + 4)] : [box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy];
      paint();
      if (!camera.sees(box)) camera.show(box);
    } else if (event.key === "Enter") input.focus();
    else if (event.key === "Escape") stop();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function start(near) {
    box = near ? [near[0], near[3] + 2, near[2], near[3] + 2 + (near[3] - near[1])] : [40, 40, 240, 54];
    panel.hidden = false;
    input.value = "";
    desk.addEventListener("pointerdown", down, on);
    desk.addEventListener("pointermove", move, on);
    desk.addEventListener("pointerup", up, on);
    desk.addEventListener("keydown", keys, on);
    paint();
    camera.show(box);
    desk.focus();
  }

  function stop() {
    panel.hidden = true;
    box = null;
    paint();
    desk.removeEventListener("pointerdown", down, on);
    desk.removeEventListener("pointermove", move, on);
    desk.removeEventListener("pointerup", up, on);
    desk.removeEventListener("keydown", keys, on);
    ended();
  }

  async function finish() {
    if (!input.value.trim() || !box) return input.focus();
    const kept = await add({ op: "add", text: input.value, box: box.map((side) => Math.round(side * 100) / 100) });
    if (kept) stop();
  }

  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") finish();
    else if (event.key === "Escape") stop();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  panel.querySelector("#draw-done").addEventListener("click", finish);
  panel.querySelector("#draw-stop").addEventListener("click", stop);
  return start;
}
