// Notices at the top of the page: says something there, and keeps it in sight for a while,
// wherever the page is scrolled to.

const SECONDS_IN_SIGHT = 10;

export const notices = document.getElementById("notices");
const template = document.getElementById("notice-template");

/** Replaces the notices by one with this text; `kind` is one of the stylesheet's. */
export const notify = (message, kind = "problem") => {
  const notice = template.content.firstElementChild.cloneNode(true);
  notice.className = `notice ${kind}`;
  notice.querySelector("p").textContent = message;
  notices.replaceChildren(notice);
};

let timer;
const keepInSight = () => {
  notices.classList.add("recent");
  clearTimeout(timer);
  timer = setTimeout(() => notices.classList.remove("recent"), SECONDS_IN_SIGHT * 1000);
};

new MutationObserver(keepInSight).observe(notices, { childList: true });
if (notices.classList.contains("recent")) keepInSight();
