// Copy Link: copies to the clipboard, or selects the field where the browser refuses.

import { forEach, forEachAdded, onClick } from "./elements.js";

const MILLISECONDS_SHOWN = 4000;

const copy = async (button) => {
  const field = document.getElementById(button.dataset.copy);
  const label = button.querySelector("span");
  const usualLabel = (button.dataset.label ??= label.textContent);
  try {
    await navigator.clipboard.writeText(field.value);
    label.textContent = button.dataset.copied;
  } catch {
    field.focus();
    field.select();
    label.textContent = button.dataset.refused;
  }
  clearTimeout(button.timer);
  button.timer = setTimeout(() => (label.textContent = usualLabel), MILLISECONDS_SHOWN);
};

onClick("[data-copy]", copy);
forEachAdded("[data-copy]", (button) => (button.hidden = false));

// A link that a click on Copy Link fetched is copied when it arrives.
document.addEventListener("htmx:load", ({ detail }) =>
  forEach(detail.elt, '[data-copy-now]:not([data-copy-now=""])', (link) => copy(link.querySelector("[data-copy]"))),
);
