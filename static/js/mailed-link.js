// Takes the token of a mailed link out of the address bar, where the next person at this
// computer would find it. Until the tab is closed, a reload still opens the link.

const { link, shownAs } = document.documentElement.dataset;
const hiddenLink = sessionStorage.getItem(location.pathname + location.search);

if (link) {
  sessionStorage.setItem(shownAs, link);
  history.replaceState(null, "", shownAs);
} else if (hiddenLink) {
  location.replace(hiddenLink);
}
