// Restores the focus after htmx replaced the focused control. The focus moves to the element
// that `data-leads-to` names, or to the control with the same name, or to the first control
// of the row that took its place, or of the fragment.

let lost = null;

const nameOf = (element) => element.getAttribute("aria-label") ?? element.textContent.trim();
const rowsOf = (fragment) => [...fragment.querySelectorAll("tbody tr")];
const visible = (within, selector) =>
  [...(within?.querySelectorAll(selector) ?? [])].filter((element) => element.checkVisibility?.() ?? true);
const firstControl = (within) =>
  visible(within, "button, summary")[0] ?? visible(within, "input:not([type=hidden]), a[href]")[0];

const successor = ({ name, tag, row, leadsTo }, fragment) => {
  const rows = row < 0 ? [] : rowsOf(fragment);
  return (
    (leadsTo && fragment.querySelector(`#${leadsTo}`)) ||
    visible(fragment, tag).find((element) => nameOf(element) === name) ||
    firstControl(rows[Math.min(row, rows.length - 1)]) ||
    firstControl(fragment)
  );
};

document.addEventListener("htmx:beforeSwap", ({ detail: { target } }) => {
  const focused = document.activeElement;
  const isReplaced = focused !== document.body && target.contains(focused);
  lost = isReplaced && {
    name: nameOf(focused),
    tag: focused.tagName,
    row: rowsOf(target).indexOf(focused.closest("tr")),
    leadsTo: focused.dataset.leadsTo,
    id: target.id,
  };
});

document.addEventListener("htmx:afterSettle", () => {
  const fragment = lost && document.getElementById(lost.id);
  if (fragment && document.activeElement === document.body) {
    const next = successor(lost, fragment) ?? fragment;
    if (next === fragment) fragment.tabIndex = -1;
    next.focus({ preventScroll: true });
  }
  lost = null;
});
