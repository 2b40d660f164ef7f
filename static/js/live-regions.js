// A live region that htmx updates is read out only when its words change. Notices are
// read out each time, since the same action can succeed twice.

document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
  const { target, fragment } = detail;
  const isSame = target.textContent.trim() === fragment.textContent.trim();
  if (target.id !== "notices" && target.matches("[role=status]") && isSame) detail.shouldSwap = false;
});
