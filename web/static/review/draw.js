// What is drawn on the picture: a line that nobody found, a region, or another box for one.

import { BoxTool } from "./box.js";

const KINDS = {
  line: { title: "A missed line", told: "then type what it says.", done: "Add the line" },
  region: { title: "A missed region", told: "then say what it is.", done: "Add the region" },
  resize: { title: "The box of a region", told: "lines inside it belong to it.", done: "Keep this box" },
};

export function drawing(stage, panel, { send, ended }) {
  const part = (id) => panel.querySelector(`#${id}`);
  const text = part("missed");
  const label = part("drawn-label");
  let kind = "line";
  let id = null;

  const tool = new BoxTool(stage, {
    entered: (drew) => {
      if (kind === "line") text.focus();
      else if (kind === "region") label.focus();
      else if (!drew) finish();
    },
    left: stop,
  });

  // `near` is a box to begin with; a region that is resized is named by `id_`.
  function start(kind_, near, id_ = null) {
    if (!panel.hidden) tool.stop();
    [kind, id] = [kind_, id_];
    const { title, told, done } = KINDS[kind];
    part("drawing-title").textContent = title;
    part("drawing-told").textContent = `Drag a box or its edges on the picture, or move it with the arrows and size it with Shift and the arrows (Ctrl: finely); ${told}`;
    part("draw-done").firstChild.textContent = `${done} `;
    part("missed-field").hidden = kind !== "line";
    part("label-field").hidden = kind !== "region";
    text.value = "";
    panel.hidden = false;
    const below = near && [near[0], near[3] + 2, near[2], near[3] + 2 + (near[3] - near[1])];
    tool.start(kind === "resize" ? near : kind === "line" && below ? below : near ?? [40, 40, 240, 54]);
  }

  function stop() {
    panel.hidden = true;
    tool.stop();
    ended(kind);
  }

  async function finish() {
    if (!tool.box) return;
    const box = tool.box.map((side) => Math.round(side * 100) / 100);
    if (kind === "line" && !text.value.trim()) return text.focus();
    const operation = {
      line: { op: "add", text: text.value, box }, region: { op: "region", label: label.value, box }, resize: { op: "resize", id, box },
    }[kind];
    if (await send([operation])) stop();
  }

  for (const field of [text, label]) {
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") finish();
      else if (event.key === "Escape") stop();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }
  part("draw-done").addEventListener("click", finish);
  part("draw-stop").addEventListener("click", stop);
  return start;
}
