// Members of a fixed list: one box ticks all of the page, and what takes them out waits for a tick.
const ticksOf = (form) => [...form.querySelectorAll("[data-tick-one]")];

function settle(form) {
  const ticks = ticksOf(form);
  const ticked = ticks.filter((tick) => tick.checked).length;
  const all = form.querySelector("[data-tick-people]");
  const button = form.querySelector("[data-remove]");
  if (!all || !button) return;
  all.checked = ticked > 0 && ticked === ticks.length;
  all.indeterminate = ticked > 0 && ticked < ticks.length;
  button.disabled = ticked === 0;
  form.dataset.ready = "";
}

document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-people]");
  if (!form) return;
  if (event.target.matches("[data-tick-people]")) {
    for (const tick of ticksOf(form)) tick.checked = event.target.checked;
  }
  settle(form);
});

const settleAll = () => document.querySelectorAll("[data-people]").forEach(settle);
document.addEventListener("htmx:load", settleAll);
// A toast's undo has done its work and leaves; the focus goes to what has changed.
document.addEventListener("htmx:afterSettle", (event) => {
  const asked = event.detail.requestConfig?.elt;
  if (!asked?.matches("[data-undo], [data-people]")) return;
  asked.closest("[data-toast]")?.remove();
  if (!document.activeElement || document.activeElement === document.body) {
    document.getElementById("people-title")?.focus();
  }
});
settleAll();
