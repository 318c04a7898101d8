/* The plan dialog: opens when its content has arrived, and lets a person confirm only when the
   number typed is the number announced (B4). The server tests it again. */
(() => {
  "use strict";

  const GROUPED = /^(?:[1-9]\d{0,2}(?:([ ,.'’])\d{3})(?:\1\d{3})*|[1-9]\d*|0)$/;

  /* The same rule as `parse_count` on the server: digits, with or without one kind of separator
     in groups of three; no sign, fraction or exponent. */
  function parseCount(text) {
    const plain = text.normalize("NFKC").trim();
    return GROUPED.test(plain) ? Number(plain.replace(/\D/g, "")) : null;
  }

  const dialog = () => document.getElementById("plan-dialog");

  function judge(field) {
    const form = field.form;
    const isEqual = parseCount(field.value) === Number(field.dataset.expected);
    const hint = form.querySelector("[data-count-hint]");
    form.querySelector("[data-confirm]").disabled = !isEqual;
    if (hint) hint.hidden = isEqual || field.value.trim() === "";
    field.setAttribute("aria-invalid", String(!isEqual && field.value.trim() !== ""));
  }

  function prepare(root) {
    for (const field of root.querySelectorAll("input[data-expected]")) judge(field);
  }

  /* Where a person goes on: what was refused, the number to type, the first thing asked, the button of what can be
     undone; what cannot is not under the finger. */
  const FIRST = [
    "[aria-invalid=true]", "input[data-expected]", "[data-first-field]", "input[type=radio]:checked",
    ".button--primary[data-confirm]", "[data-close-plan]",
  ];

  function focusFirst(root) {
    for (const selector of FIRST) {
      const found = root.querySelector(selector);
      if (found) {
        found.focus();
        return;
      }
    }
  }

  document.addEventListener("input", (event) => {
    if (event.target.matches?.("input[data-expected]")) judge(event.target);
  });

  document.addEventListener("click", (event) => {
    const closer = event.target.closest?.("[data-close-plan]");
    if (!closer || !dialog()?.contains(closer)) return;
    event.preventDefault();
    dialog().close();
  });

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target === dialog()) delete dialog().dataset.ready;
  });

  // Shown once its form answers: who is quick with the keys would else leave the page.
  document.addEventListener("htmx:afterSettle", (event) => {
    const shown = dialog();
    if (!shown || event.detail.target !== shown) return;
    if (!shown.firstElementChild) return;
    const isNew = !shown.open;
    if (isNew) {
      // The dialog gives the focus back to what has it now, and that must not be hidden by then.
      for (const menu of document.querySelectorAll("details.menu[open]")) {
        menu.querySelector("summary").focus();
        menu.open = false;
      }
      shown.showModal();
    }
    prepare(shown);
    // A plan asked for again by the tick inside leaves the focus on that tick.
    if (isNew || !shown.contains(document.activeElement)) focusFirst(shown);
    shown.dataset.ready = "1";
  });

  document.body.addEventListener("plan-done", () => {
    if (dialog()?.open) dialog().close();
  });

  document.addEventListener("close", (event) => {
    if (event.target !== dialog()) return;
    dialog().replaceChildren();
    delete dialog().dataset.ready;
  }, true);

  // Plans elsewhere on a page, as the options of an import.
  document.addEventListener("htmx:load", (event) => prepare(event.detail.elt.parentElement));

  prepare(document);
})();
