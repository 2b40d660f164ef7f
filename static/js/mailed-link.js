// Takes the token of a mailed link out of the address bar, where the next person at this
// computer would find it. Until the tab is closed, a reload still opens the link.
//
// Phones and tablets keep it while the page is open: mail apps open links in a browser of
// their own, whose "Open in browser" passes on what the address bar shows.

import { onClick } from "./elements.js";

const { link, shownAs } = document.documentElement.dataset;
const hiddenLink = sessionStorage.getItem(location.pathname + location.search);
const isHandheld = matchMedia("(hover: none) and (pointer: coarse)").matches;

const hide = () => {
  sessionStorage.setItem(shownAs, link);
  history.replaceState(null, "", shownAs);
};

if (link && isHandheld) {
  history.replaceState(null, "", link); // not the address of a form that was refused
  onClick("a[href]", hide);
  document.addEventListener("submit", hide);
} else if (link) {
  hide();
} else if (hiddenLink) {
  location.replace(hiddenLink);
}
