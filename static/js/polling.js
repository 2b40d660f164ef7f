// Elements that ask the server again every few seconds.

const TIMEOUT_SECONDS = 10;

export const isPolling = (element) => element.matches('[hx-trigger^="every"]');

document.addEventListener("htmx:configRequest", ({ target, detail }) => {
  if (isPolling(target)) detail.timeout = TIMEOUT_SECONDS * 1000;
});

// While a button is held down, an update waits for the next time: it would swallow the click.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (isPolling(detail.requestConfig.elt) && detail.target.querySelector(":active")) detail.shouldSwap = false;
});
