// Marks the button of a form as busy until the answer comes, and ignores further clicks on it.
// A second submit would be refused, and the refusal would be shown instead of the answer.

import { forEach } from "./elements.js";

const SECONDS_AT_MOST = 10; // a download has no answer that could be seen here

const release = (button) => button.removeAttribute("aria-busy");
const releaseAll = (root) => forEach(root, 'button[aria-busy="true"]', release);

document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button) return;
  if (button.getAttribute("aria-busy") === "true") event.preventDefault();
  button.setAttribute("aria-busy", "true");
  setTimeout(() => release(button), SECONDS_AT_MOST * 1000);
});

document.addEventListener("htmx:afterRequest", (event) => releaseAll(event.target));
window.addEventListener("pageshow", () => releaseAll(document));
