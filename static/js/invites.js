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

// News of the page: told by fragments, and by what follows current.
const notices = document.getElementById("notices");

const notify = (message, kind = "problem") => {
  const text = document.createElement("p");
  text.textContent = message;
  const notice = document.createElement("div");
  notice.className = `notice ${kind}`;
  notice.append(text);
  notices.replaceChildren(notice);
};

// News stays in sight for a while, wherever one has scrolled to.
const IN_SIGHT = 10_000;
let outOfSight;
const keepInSight = () => {
  notices.classList.add("fresh");
  clearTimeout(outOfSight);
  outOfSight = setTimeout(() => notices.classList.remove("fresh"), IN_SIGHT);
};
new MutationObserver(keepInSight).observe(notices, { childList: true });
if (notices.classList.contains("fresh")) keepInSight();

// Another live region is read out only when its words change.
document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
  const { target, fragment } = detail;
  const isSame = target.textContent.trim() === fragment.textContent.trim();
  if (target !== notices && target.matches("[role=status]") && isSame) detail.shouldSwap = false;
});

// A swap takes the focused control away: go where it leads to, or to the same one, or else to
// what came in its place.
let held = null;
const nameOf = (element) => element.getAttribute("aria-label") ?? element.textContent.trim();
const rowsOf = (place) => [...place.querySelectorAll("tbody tr")];
const shown = (within, selector) =>
  [...(within?.querySelectorAll(selector) ?? [])].filter((element) => element.checkVisibility?.() ?? true);
const findAgain = ({ name, tag, row, leadsTo, place }) => {
  const next = leadsTo && place.querySelector(`#${leadsTo}`);
  if (next) return next;
  const again = shown(place, tag).find((element) => nameOf(element) === name);
  const rows = row < 0 ? [] : rowsOf(place);
  const near = rows[Math.min(row, rows.length - 1)];
  const first = (within) =>
    shown(within, "button, summary")[0] ?? shown(within, "input:not([type=hidden]), a[href]")[0];
  return again ?? first(near) ?? first(place);
};
document.addEventListener("htmx:beforeSwap", ({ detail: { target } }) => {
  const focused = document.activeElement;
  const isInside = focused !== document.body && target.contains(focused);
  const row = isInside ? rowsOf(target).indexOf(focused.closest("tr")) : -1;
  const { leadsTo } = focused.dataset;
  held = isInside ? { name: nameOf(focused), tag: focused.tagName, row, leadsTo, id: target.id } : null;
});
document.addEventListener("htmx:afterSettle", () => {
  const place = held && document.getElementById(held.id);
  if (place && document.activeElement === document.body) {
    const next = findAgain({ ...held, place }) ?? place;
    if (next === place) place.tabIndex = -1;
    next.focus({ preventScroll: true });
  }
  held = null;
});

// Enter in a field of a row saves the row, not the whole form.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches(".mend input")) return;
  event.preventDefault();
  event.target.closest(".mend").querySelector("button").click();
});

// Who wants to change a row types at once.
document.addEventListener(
  "toggle",
  ({ target }) => {
    if (target.open && target.matches(".changeable details")) target.querySelector("input[type=text]").focus();
  },
  true,
);

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

// Buttons that do nothing without this are shown by it.
whenSwapped((root) => each(root, "[data-copy], [data-reveal]", (button) => (button.hidden = false)));

// A password can be shown; a field of a phone is small, and mistyping is easy.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-reveal]");
  if (!button) return;
  const field = document.getElementById(button.dataset.reveal);
  const shown = field.type === "text";
  field.type = shown ? "password" : "text";
  button.setAttribute("aria-pressed", String(!shown));
});

// The token of a mailed link leaves the address bar, where whoever comes next would find it.
// This tab still knows where a reload leads to, until it is closed.
const { link, shownAs } = document.documentElement.dataset;
const behind = sessionStorage.getItem(location.pathname + location.search);
if (link) {
  sessionStorage.setItem(shownAs, link);
  history.replaceState(null, "", shownAs);
} else if (behind) {
  location.replace(behind);
}

// Passkeys: the browser signs, and the form is sent with what it says.
const words = (form) => new URLSearchParams(new FormData(form));
const usePasskey = async (button) => {
  const kind = button.dataset.passkey;
  const answer = await fetch(button.dataset.options, { method: "POST", body: words(button.form) });
  const asked = await answer.json();
  if (!answer.ok) throw new Error(asked.error);
  const parse = kind === "create" ? "parseCreationOptionsFromJSON" : "parseRequestOptionsFromJSON";
  const credential = await navigator.credentials[kind]({
    publicKey: PublicKeyCredential[parse](asked),
  });
  const field = button.form.elements.credential ?? document.createElement("input");
  Object.assign(field, { type: "hidden", name: "credential", value: JSON.stringify(credential) });
  button.form.append(field);
  button.form.requestSubmit(button);
};
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-passkey]");
  if (!button) return;
  event.preventDefault();
  try {
    await usePasskey(button);
  } catch (error) {
    const isOurs = error.constructor === Error;
    notify(isOurs && error.message ? error.message : button.dataset.refused);
  }
});
if (window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
  each(document, "[data-passkey]", (button) => (button.hidden = false));
}

// The dropzone: the file field lies over it, so dropping works without this too.
for (const [name, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  document.addEventListener(name, (event) => {
    event.target.closest?.(".dropzone")?.classList.toggle("over", over);
  });
}
// A file that falls beside it must not open in the place of the page.
for (const name of ["dragover", "drop"]) {
  window.addEventListener(name, (event) => {
    if (!event.dataTransfer.types.includes("Files") || event.target.closest?.(".dropzone")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "none";
  });
}
// One that is too large is refused at the field, as the others are, without being sent.
const refuseFile = (field) => {
  const place = field.closest(".field");
  const refusal = document.getElementById(`${field.id}-too-large`);
  place.querySelectorAll(".error").forEach((error) => (error.hidden = error !== refusal));
  refusal.querySelector("span").textContent = field.dataset.tooLarge.replace("{file}", () => field.files[0].name);
  place.classList.add("wrong");
  field.setAttribute("aria-describedby", `csv_file-hint ${refusal.id}`);
  field.value = "";
};
document.addEventListener("htmx:beforeRequest", (event) => {
  const field = event.target;
  if (field.type !== "file" || !field.files[0]) return;
  if (field.files[0].size > Number(field.dataset.maxBytes)) {
    event.preventDefault();
    refuseFile(field);
    return;
  }
  field.closest(".dropzone").querySelector("progress").hidden = false;
});
document.addEventListener("htmx:xhr:progress", (event) => {
  const bar = event.target.closest?.(".dropzone")?.querySelector("progress");
  if (bar && event.detail.lengthComputable) bar.value = (100 * event.detail.loaded) / event.detail.total;
});

// The field forgets a file that didn't arrive, so that the same one can be chosen again.
document.addEventListener("htmx:afterRequest", ({ target: field, detail }) => {
  if (field.type !== "file" || detail.successful) return;
  field.value = "";
  const bar = field.closest(".dropzone").querySelector("progress");
  bar.hidden = true;
  bar.removeAttribute("value");
});

// A form that takes a while says so on the button that was pressed. Until the answer comes
// another press does nothing: it would be refused, and that be shown instead of the answer.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (button?.getAttribute("aria-busy") === "true") event.preventDefault();
  button?.setAttribute("aria-busy", "true");
  setTimeout(() => button?.removeAttribute("aria-busy"), 10_000); // a download has no answer to see
});
window.addEventListener("pageshow", () =>
  document.querySelectorAll('button[aria-busy="true"]').forEach((button) => button.removeAttribute("aria-busy")),
);
document.addEventListener("htmx:afterRequest", (event) =>
  each(event.target, 'button[aria-busy="true"]', (button) => button.removeAttribute("aria-busy")),
);

// The box is away: say so, and leave the page as it is.
const sayAway = ({ target }) => {
  const words = document.body.dataset;
  if (!asksAgain(target)) notify(target.type === "file" ? words.offlineUpload : words.offline);
  else if (!notices.querySelector(".retrying")) notify(words.offlineRetrying, "retrying");
};
for (const away of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.addEventListener(away, sayAway);
}

// What asks again every few seconds gives up on a slow answer, says once that it keeps trying,
// and takes that back when it gets through.
const PATIENCE = 10_000;
const asksAgain = (element) => element.matches('[hx-trigger^="every"]');
// Its answer waits for the next time while a button is held down in its place: a swap would take the press.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (asksAgain(detail.requestConfig.elt) && detail.target.querySelector(":active")) detail.shouldSwap = false;
});
document.addEventListener("htmx:configRequest", ({ target, detail }) => {
  if (asksAgain(target)) detail.timeout = PATIENCE;
});
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.successful) notices.querySelector(".retrying")?.remove();
});
