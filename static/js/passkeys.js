// Passkeys: the browser signs what the server asks, and the form is sent with the result.

import { forEach, onClick } from "./elements.js";
import { notify } from "./notices.js";

/** An error with a message from the server. */
class Refused extends Error {}

const usePasskey = async (button) => {
  const kind = button.dataset.passkey; // "create" or "get"
  const { form } = button;
  const response = await fetch(button.dataset.options, {
    method: "POST",
    headers: { Accept: "application/json" },
    body: new URLSearchParams(new FormData(form)),
  });
  const options = await response.json();
  if (!response.ok) throw new Refused(options.error);
  const parse = kind === "create" ? "parseCreationOptionsFromJSON" : "parseRequestOptionsFromJSON";
  const credential = await navigator.credentials[kind]({ publicKey: PublicKeyCredential[parse](options) });
  const field = form.elements.credential ?? document.createElement("input");
  Object.assign(field, { type: "hidden", name: "credential", value: JSON.stringify(credential) });
  form.append(field);
  form.requestSubmit(button);
};

onClick("[data-passkey]", async (button, event) => {
  event.preventDefault();
  try {
    await usePasskey(button);
  } catch (error) {
    notify((error instanceof Refused && error.message) || button.dataset.refused);
  }
});

if (window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
  forEach(document, "[data-passkey]", (button) => (button.hidden = false));
}
