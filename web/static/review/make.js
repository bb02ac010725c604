// Elements in one line.

export function make(name, values) {
  return Object.assign(document.createElement(name), values);
}

// `key` names the button when what it stands in is made anew, so that it keeps the focus.
export function button(text, name, disabled, act, key) {
  const made = make("button", { type: "button", textContent: text, disabled, title: name === text ? "" : name });
  if (name !== text) made.setAttribute("aria-label", name);
  made.dataset.key = key;
  made.addEventListener("click", act);
  return made;
}
