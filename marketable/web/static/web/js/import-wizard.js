/* The import wizard: a file dropped anywhere on the page is taken, the dialog for a new property
   opens when its form has arrived, and a button that has been pressed says so. */
(() => {
  "use strict";

  // A file dropped anywhere

  const form = document.querySelector("form[data-drop-anywhere]");
  const hasFile = (event) => event.dataTransfer?.types.includes("Files") ?? false;
  let over = null;

  function showOver() {
    if (over) return;
    over = document.createElement("div");
    over.className = "drop-over";
    over.setAttribute("aria-hidden", "true");
    over.textContent = form.dataset.dropAnywhere;
    document.body.append(over);
  }

  function hideOver() {
    over?.remove();
    over = null;
  }

  if (form) {
    document.addEventListener("dragover", (event) => {
      if (!hasFile(event)) return;
      event.preventDefault();
      showOver();
    });
    document.addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) hideOver();
    });
    document.addEventListener("drop", (event) => {
      if (!hasFile(event)) return;
      event.preventDefault();
      hideOver();
      const input = form.querySelector("input[type=file]");
      input.files = event.dataTransfer.files;
      if (input.files.length) form.requestSubmit();
    });
  }

  // Buttons whose work takes a while

  document.addEventListener("submit", (event) => {
    const button = event.submitter ?? event.target.querySelector("[data-busy]");
    if (!button?.dataset.busy || event.defaultPrevented) return;
    button.textContent = button.dataset.busy;
    // Only after the form has been read, else the button's own value would be missing in it.
    setTimeout(() => { button.disabled = true; });
  });
  addEventListener("pageshow", (event) => {
    // Coming back by the browser's own button, the page is as it was left: let it be used again.
    if (event.persisted) location.reload();
  });

  // The dialog for a new property

  const dialog = document.getElementById("property-dialog");

  document.addEventListener("htmx:afterSwap", (event) => {
    if (!dialog || event.detail.target !== dialog || !dialog.firstElementChild) return;
    dialog.showModal();
    dialog.querySelector("input[name=label]").select();
  });

  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-close-dialog]") || !dialog?.open) return;
    event.preventDefault();
    dialog.close();
  });
})();
