// What makes pages quicker to use. Everything works without it.
"use strict";

const whenSwapped = (act) => {
  document.addEventListener("DOMContentLoaded", () => act(document));
  document.addEventListener("htmx:load", (event) => act(event.detail.elt));
};

const each = (root, selector, act) => {
  if (root.matches?.(selector)) act(root);
  root.querySelectorAll(selector).forEach(act);
};

const notify = (message) => {
  const text = document.createElement("p");
  text.textContent = message;
  const notice = document.createElement("div");
  notice.className = "notice problem";
  notice.append(text);
  document.getElementById("notices")?.replaceChildren(notice);
};

// Menus close on Escape, and when something else is pressed.
const closeMenus = (except) =>
  document.querySelectorAll("details.menu[open]").forEach((menu) => {
    if (menu !== except) menu.open = false;
  });
document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.querySelector("details.menu[open]");
  closeMenus();
  open?.querySelector("summary").focus();
});

// Copy Link: to the clipboard, or select the field where the browser refuses.
const copy = async (button) => {
  const field = document.getElementById(button.dataset.copy);
  const words = button.querySelector("span");
  const before = (button.dataset.words ??= words.textContent);
  try {
    await navigator.clipboard.writeText(field.value);
    words.textContent = button.dataset.copied;
  } catch {
    field.focus();
    field.select();
    words.textContent = button.dataset.refused;
  }
  clearTimeout(button.timer);
  button.timer = setTimeout(() => (words.textContent = before), 4000);
};
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});
// A link that a press on Copy Link brought is copied as it arrives.
document.addEventListener("htmx:load", (event) =>
  each(event.detail.elt, '[data-copy-now]:not([data-copy-now=""])', (link) => copy(link.querySelector("[data-copy]"))),
);

// A password can be shown; a field of a phone is small, and mistyping is easy.
whenSwapped((root) => each(root, "[data-reveal]", (button) => (button.hidden = false)));
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-reveal]");
  if (!button) return;
  const field = document.getElementById(button.dataset.reveal);
  const shown = field.type === "text";
  field.type = shown ? "password" : "text";
  button.setAttribute("aria-pressed", String(!shown));
});

// The dropzone: the file field lies over it, so dropping works without this too.
const MAX_FILE = 20 * 1024 * 1024;
for (const [name, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  document.addEventListener(name, (event) => {
    event.target.closest?.(".dropzone")?.classList.toggle("over", over);
  });
}
document.addEventListener("htmx:beforeRequest", (event) => {
  const field = event.target;
  if (field.type !== "file" || !field.files[0]) return;
  if (field.files[0].size > MAX_FILE) {
    event.preventDefault();
    field.value = "";
    notify(field.dataset.tooLarge);
    return;
  }
  field.closest(".dropzone").querySelector("progress").hidden = false;
});
document.addEventListener("htmx:xhr:progress", (event) => {
  const bar = event.target.closest?.(".dropzone")?.querySelector("progress");
  if (bar && event.detail.lengthComputable) bar.value = (100 * event.detail.loaded) / event.detail.total;
});

// A form that takes a while says so on the button that was pressed.
document.addEventListener("submit", (event) => event.submitter?.setAttribute("aria-busy", "true"));
window.addEventListener("pageshow", () =>
  document.querySelectorAll('button[aria-busy="true"]').forEach((button) => button.removeAttribute("aria-busy")),
);
document.addEventListener("htmx:afterRequest", (event) =>
  each(event.target, 'button[aria-busy="true"]', (button) => button.removeAttribute("aria-busy")),
);

// The box is away: say so, and leave the page as it is.
for (const away of ["htmx:sendError", "htmx:responseError"]) {
  document.addEventListener(away, () => notify(document.body.dataset.offline));
}
