// What every page shares: the thin progress bar, toasts that leave, menus that close, a usage figure that is seen to move.
const bar = document.getElementById("progress-bar");
let waiting = 0;
let timer = 0;

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.closest("[hx-trigger*='every']")) return;
  waiting += 1;
  clearTimeout(timer);
  timer = setTimeout(() => { bar.hidden = waiting === 0; }, 300);
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.elt.closest("[hx-trigger*='every']")) return;
  waiting = Math.max(0, waiting - 1);
  if (waiting === 0) { clearTimeout(timer); bar.hidden = true; }
});

function watchToast(toast) {
  const seconds = Number(toast.dataset.toastSeconds || 10);
  let left = setTimeout(() => toast.remove(), seconds * 1000);
  toast.addEventListener("pointerenter", () => clearTimeout(left));
  toast.addEventListener("focusin", () => clearTimeout(left));
  toast.addEventListener("pointerleave", () => { left = setTimeout(() => toast.remove(), 3000); });
}
const toasts = document.getElementById("toasts");
new MutationObserver((changes) => {
  for (const change of changes) {
    for (const node of change.addedNodes) {
      if (node instanceof HTMLElement && node.matches("[data-toast]")) watchToast(node);
    }
  }
}).observe(toasts, { childList: true });

// Menus are details elements: one open at a time, closed by Esc and by a click elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open], details.nav__switch[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open], details.nav__switch[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
  event.stopPropagation();
}, true);

// The old usage stays beside the new one for two seconds.
let usage = document.getElementById("usage")?.dataset.usage;
document.addEventListener("htmx:afterSwap", () => {
  const shown = document.getElementById("usage");
  if (!shown || shown.dataset.usage === usage) return;
  const was = document.createElement("span");
  was.className = "usage__was";
  was.textContent = new Intl.NumberFormat(document.documentElement.lang).format(Number(usage));
  shown.querySelector("strong")?.before(was, " ");
  setTimeout(() => was.remove(), 2000);
  usage = shown.dataset.usage;
});

document.addEventListener("htmx:responseError", (event) => {
  const toast = document.createElement("div");
  toast.className = "toast";
  toast.dataset.toast = "";
  toast.setAttribute("role", "alert");
  toast.textContent = document.documentElement.lang === "pl"
    ? `Serwer odpowiedział błędem ${event.detail.xhr.status}. Nic nie zapisano w połowie.`
    : `The server answered with error ${event.detail.xhr.status}. Nothing was saved by half.`;
  toasts.append(toast);
});
