// Says that the server can't be reached, or that a proxy refused a request, and leaves the page as
// it is. For an element that keeps asking, says it once and takes it back when an answer comes.

import { notices, notify } from "./notices.js";
import { isPolling } from "./polling.js";

const messages = document.body.dataset;

/** Whether the answer is a page or fragment of Invites. */
export const isOurs = (xhr) => xhr.getResponseHeader("Vary")?.includes("HX-Request");

// An error page of Invites is shown: it may say that the disk is full. A proxy's isn't, and neither
// is one that an element gets which will ask again.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const { xhr, requestConfig } = detail;
  const asksAgain = xhr.status === 503 && isPolling(requestConfig.elt);
  if (xhr.status < 400 || (isOurs(xhr) && !asksAgain)) return;
  detail.shouldSwap = false;
  detail.isError = true;
});

const tell = ({ target, detail }) => {
  if (detail.xhr.status === 413) notify(messages.overLimit);
  else if (!isPolling(target)) notify(target.type === "file" ? messages.offlineUpload : messages.offline);
  else if (!notices.querySelector(".retrying")) notify(messages.offlineRetrying, "retrying");
};

for (const failure of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.addEventListener(failure, tell);
}

document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.successful) notices.querySelector(".retrying")?.remove();
});
