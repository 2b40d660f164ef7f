// The summary of New Invitation comes with several answers, which may arrive in another order than
// they were asked for.

let asked = 0;
let newest = 0; // the latest request whose summary is on the page

document.addEventListener("htmx:beforeRequest", ({ detail: { xhr } }) => (xhr.number = ++asked));

// Not beforeSwap, which is an event of the target: an answer in between may have replaced it.
document.addEventListener("htmx:beforeOnLoad", (event) => {
  const { xhr, elt, target } = event.detail;
  if (!xhr.responseText.includes('id="review"')) return;
  if (elt.id === "email" && xhr.number < newest) event.preventDefault(); // it has nothing else
  if (!target.isConnected) event.detail.target = document.getElementById(target.id);
  newest = Math.max(newest, xhr.number);
});
