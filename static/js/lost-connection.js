// Says that the server can't be reached, and leaves the page as it is. For an element that
// keeps asking, says it once and takes it back when an answer comes.

import { notices, notify } from "./notices.js";
import { isPolling } from "./polling.js";

const messages = document.body.dataset;

const tell = ({ target }) => {
  if (!isPolling(target)) notify(target.type === "file" ? messages.offlineUpload : messages.offline);
  else if (!notices.querySelector(".retrying")) notify(messages.offlineRetrying, "retrying");
};

for (const failure of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.addEventListener(failure, tell);
}

document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.successful) notices.querySelector(".retrying")?.remove();
});
