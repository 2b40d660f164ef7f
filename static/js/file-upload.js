// The dropzone and the upload of its file. The file field covers the dropzone, so dropping
// works without this script too.

import { secondsToWait } from "./retry.js";

for (const [name, isOver] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  document.addEventListener(name, (event) => {
    event.target.closest?.(".dropzone")?.classList.toggle("drag-over", isOver);
  });
}

// A file that is dropped beside the dropzone must not replace the page.
for (const name of ["dragover", "drop"]) {
  window.addEventListener(name, (event) => {
    if (!event.dataTransfer.types.includes("Files") || event.target.closest?.(".dropzone")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "none";
  });
}

const isFile = (element) => element.type === "file";
const progressOf = (field) => field.closest(".dropzone").querySelector("progress");

// A file that is too large is refused at the field, without being sent.
const refuse = (field) => {
  const place = field.closest(".field");
  const refusal = document.getElementById(`${field.id}-too-large`);
  place.querySelectorAll(".error").forEach((error) => (error.hidden = error !== refusal));
  refusal.querySelector("span").textContent = field.dataset.tooLarge.replace("{file}", () => field.files[0].name);
  place.classList.add("invalid");
  field.setAttribute("aria-describedby", `csv_file-hint ${refusal.id}`);
  field.value = "";
};

document.addEventListener("htmx:beforeRequest", (event) => {
  const field = event.target;
  if (!isFile(field) || !field.files[0]) return;
  if (field.files[0].size > Number(field.dataset.maxBytes)) {
    event.preventDefault();
    refuse(field);
  } else {
    progressOf(field).hidden = false;
  }
});

document.addEventListener("htmx:xhr:progress", ({ target, detail }) => {
  if (isFile(target) && detail.lengthComputable) progressOf(target).value = (100 * detail.loaded) / detail.total;
});

// The field forgets a file that didn't arrive; otherwise choosing it again would change nothing.
document.addEventListener("htmx:afterRequest", ({ target, detail }) => {
  const arrived = detail.successful && detail.xhr.status < 400; // an error page that is shown is "successful"
  if (!isFile(target) || arrived || secondsToWait(detail.xhr)) return;
  target.value = "";
  progressOf(target).hidden = true;
  progressOf(target).removeAttribute("value");
});
