// What WCAG 2.2 lets a program check, as a list of complaints; an empty list is good.
() => {
  const found = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const name = (node) =>
    (node.getAttribute("aria-label") || node.textContent || "").trim() ||
    [...(node.labels || [])].map((label) => label.textContent.trim()).join("");
  if (!document.documentElement.lang) found.push("no language");
  if (!document.title) found.push("no title");
  if (all("main").length !== 1) found.push("not one main");
  if (all("h1").length !== 1) found.push("not one h1");
  let level = 0;
  for (const heading of all("h1, h2, h3, h4")) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) found.push(`heading skips a level: ${heading.textContent.trim()}`);
    level = next;
  }
  const ids = all("[id]").map((node) => node.id);
  for (const id of ids.filter((id, index) => ids.indexOf(id) !== index)) found.push(`id twice: ${id}`);
  for (const node of all("input:not([type=hidden]):not([aria-hidden]), select, textarea, button, a[href], summary")) {
    if (!name(node) && !node.value) found.push(`no name: ${node.outerHTML.slice(0, 80)}`);
    if (node.matches("input:not([type=hidden]), select") && !name(node)) found.push(`no label: ${node.outerHTML.slice(0, 80)}`);
  }
  for (const node of all("img:not([alt]), svg:not([aria-hidden]):not([aria-label])")) found.push(`no alternative: ${node.outerHTML.slice(0, 80)}`);
  for (const node of all("table")) if (!node.caption) found.push("a table without caption");
  for (const node of all("[aria-labelledby]")) {
    if (!document.getElementById(node.getAttribute("aria-labelledby"))) found.push(`labelled by nothing: ${node.outerHTML.slice(0, 60)}`);
  }

  const channel = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = color;
    pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data].map((value) => value / 255);
  };
  const light = ([red, green, blue]) => 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color[3] > 0.99) return color;
    }
    return [1, 1, 1];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const node = text.parentElement;
    if (!text.data.trim() || node.closest("svg, script, .unseen, .skip, option, .text-layer") || !node.getClientRects().length) continue;
    const [a, b] = [light(rgba(getComputedStyle(node).color)), light(ground(node))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) found.push(`contrast ${contrast.toFixed(1)}: ${text.data.trim().slice(0, 40)}`);
  }
  for (const node of all("a[href], button, summary, input:not([type=hidden]), select")) {
    const box = node.getBoundingClientRect();
    const inline = node.matches("a") && getComputedStyle(node).display === "inline";
    if (box.width && !inline && !node.closest(".unseen, .skip, .check, .pick") && !node.matches(".unseen, .skip") && (box.width < 24 || box.height < 24)) {
      found.push(`target under 24 px: ${node.outerHTML.slice(0, 80)}`);
    }
  }
  return found;
};
