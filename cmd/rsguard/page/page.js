"use strict";

// With JavaScript, forms do not load the page anew, tokens can be copied, and the last requests and signals show by themselves.
// Everything the server sends is parsed as a document and never as a string of HTML of ours.

const parse = async (response) => new DOMParser().parseFromString(await response.text(), "text/html");

function prepare() {
  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
  }
}

// replace takes main from another version of the page, and leaves in place what is being written in other forms.
function replace(next, form) {
  const focused = place(document.activeElement);
  const written = new Map();
  for (const field of document.querySelectorAll("main form [name]")) {
    if (field.form.action !== form.action) {
      written.set(field.form.action + " " + field.name, field.value);
    }
  }
  document.getElementById("main").replaceWith(document.adoptNode(next.getElementById("main")));
  for (const field of document.querySelectorAll("main form [name]")) {
    const value = written.get(field.form.action + " " + field.name);
    // A token that was just minted is to be explained, in place of an older one.
    if (value !== undefined && field.value === field.defaultValue && !(field.name === "token" && field.value !== "")) {
      field.value = value;
    }
  }
  prepare();
  // The keyboard stays where it was, or goes to what has to be written anew.
  const field = document.querySelector("main [aria-invalid]") ?? (focused && document.querySelector(focused));
  field?.focus({ preventScroll: true });
}

// place says where an element is in any version of the page.
function place(element) {
  if (element?.id) {
    return "#" + CSS.escape(element.id);
  }
  if (element?.name && element.form) {
    const action = CSS.escape(element.form.getAttribute("action"));
    return `form[action="${action}"] [name="${CSS.escape(element.name)}"]`;
  }
  return null;
}

// complain shows an answer that is not the page, and leaves what was typed.
function complain(text) {
  document.querySelector("main > .error")?.remove();
  const error = document.createElement("p");
  error.className = "error";
  error.setAttribute("role", "alert");
  error.textContent = text;
  document.getElementById("main").prepend(error);
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  event.preventDefault();
  try {
    const response = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (response.headers.get("Content-Type")?.startsWith("text/html")) {
      replace(await parse(response), form);
    } else {
      complain(await response.text());
    }
  } catch {
    complain("The issuer does not answer.");
  }
});

setInterval(async () => {
  if (document.hidden) {
    return;
  }
  try {
    const next = await parse(await fetch("/"));
    for (const id of ["request-rows", "delivery-rows"]) {
      const rows = next.getElementById(id);
      if (rows !== null) {
        document.getElementById(id).replaceWith(document.adoptNode(rows));
      }
    }
  } catch {
    // The issuer was ended; the page stays as it is.
  }
}, 2000);

prepare();
