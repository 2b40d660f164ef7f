// Corrects the rows of a staged list with the keyboard.

// Enter in the field of a row saves that row, not the whole form.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches(".row-editor input")) return;
  event.preventDefault();
  event.target.closest(".row-editor").querySelector("button").click();
});

// Opening a row for a change puts the cursor into its field.
document.addEventListener(
  "toggle",
  ({ target }) => {
    if (target.open && target.matches(".editable details")) target.querySelector("input[type=text]").focus();
  },
  true, // the event doesn't bubble
);
