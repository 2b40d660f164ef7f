// Says that the server can't be reached, or that a proxy refused a request, and leaves the page as
// it is. For an element that keeps asking, says it once and takes it back when an answer comes.

import { notices, notify } from "./notices.js";
import { isPolling } from "./polling.js";

const messages = document.body.dataset;

const isOurs = (answer) => answer.getResponseHeader("Vary")?.includes("HX-Request");

// The error page of a proxy isn't shown in the place of a fragment.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.xhr.status < 400 || isOurs(detail.xhr)) return;
  detail.shouldSwap = false;
  detail.isError = true;
});

const tell = ({ target, detail }) => {
  if (detail.xhr.status === 413) notify(messages.overLimit);
  else if (!isPolling(target)) notify(target.type === "file" ? messages.offlineUpload : messages.offline);
  else if (!notices.querySelector(".retrying")) notify(messages.offlineRetrying, "retrying");
};

// An error page of Invites says more: that the disk is full, for example. A proxy's doesn't.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const { xhr, requestConfig } = detail;
  if (xhr.status === 503 && xhr.getResponseHeader("HX-Retarget") && !isPolling(requestConfig.elt)) {
    detail.shouldSwap = true;
    detail.isError = false;
  }
});

for (const failure of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.addEventListener(failure, tell);
}

document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.successful) notices.querySelector(".retrying")?.remove();
});
