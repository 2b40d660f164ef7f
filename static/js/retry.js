// Sends a request of New Invitation again if the server was too busy for it. Everything typed and
// chosen stays on the page.

import { isOurs } from "./lost-connection.js";
import { notify } from "./notices.js";

const timers = new WeakMap();

/** The seconds that the server asks to wait, or NaN. An error page is shown instead. */
export const secondsToWait = (xhr) =>
  xhr.status === 503 && !isOurs(xhr) ? parseInt(xhr.getResponseHeader("Retry-After"), 10) : NaN;

document.addEventListener("htmx:beforeRequest", ({ target }) => clearTimeout(timers.get(target)));

document.addEventListener("htmx:responseError", ({ target, detail: { xhr, requestConfig } }) => {
  const seconds = secondsToWait(xhr);
  if (!seconds) return;
  notify(document.getElementById("compose").dataset.busy, "retrying");
  const sendAgain = () => target.isConnected && htmx.ajax(requestConfig.verb, requestConfig.path, { source: target });
  timers.set(target, setTimeout(sendAgain, seconds * 1000));
});
