// Takes the red border and the error off a field once it is changed. The error keeps its place,
// so that nothing jumps. Whether the field is right now turns out when the form is sent.

document.addEventListener("input", ({ target }) => {
  const field = target.closest(".invalid");
  if (!field) return;
  field.classList.replace("invalid", "changed");
  target.removeAttribute("aria-invalid");
  const described = target.getAttribute("aria-describedby")?.split(" ") ?? [];
  target.setAttribute("aria-describedby", described.filter((id) => !id.endsWith("-error")).join(" "));
});
