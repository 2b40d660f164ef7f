// Finds elements in the page and in what htmx adds to it.

/** Calls `act` for `root` and for each element in it, if they match `selector`. */
export const forEach = (root, selector, act) => {
  if (root.matches?.(selector)) act(root);
  root.querySelectorAll(selector).forEach(act);
};

/** Calls `act` for each matching element of the page, now and when htmx adds one. */
export const forEachAdded = (selector, act) => {
  forEach(document, selector, act);
  document.addEventListener("htmx:load", ({ detail }) => forEach(detail.elt, selector, act));
};

/** Calls `act` with the matching element that was clicked, and with the event. */
export const onClick = (selector, act) =>
  document.addEventListener("click", (event) => {
    const element = event.target.closest(selector);
    if (element) act(element, event);
  });
