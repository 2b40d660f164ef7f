// Shows and hides what is typed into a password field.

import { forEachAdded, onClick } from "./elements.js";

onClick("[data-reveal]", (button) => {
  const field = document.getElementById(button.dataset.reveal);
  const wasShown = field.type === "text";
  field.type = wasShown ? "password" : "text";
  button.setAttribute("aria-pressed", String(!wasShown));
});

forEachAdded("[data-reveal]", (button) => (button.hidden = false));
