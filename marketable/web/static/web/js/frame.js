// What every page shares: the thin progress bar, toasts that leave, menus that close, a navigation
// that folds, a usage figure that is seen to move.
const bar = document.getElementById("progress-bar");
const toasts = document.getElementById("toasts");
const isStill = matchMedia("(prefers-reduced-motion: reduce)");
const isPolling = (event) => event.detail.elt.closest("[hx-trigger*='every']") !== null;
let waiting = 0;
let timer = 0;

document.addEventListener("htmx:beforeRequest", (event) => {
  if (isPolling(event)) return;
  waiting += 1;
  clearTimeout(timer);
  timer = setTimeout(() => { bar.hidden = waiting === 0; }, 300);
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (isPolling(event)) return;
  waiting = Math.max(0, waiting - 1);
  if (waiting === 0) { clearTimeout(timer); bar.hidden = true; }
});

// A toast leaves after its seconds, but never while somebody points at it or has the focus in it, and
// what it waits for is not asked meanwhile: what is under the hand stays what it was.
const isHeld = (toast) => toast.matches(":hover, :focus-within");

function watchToast(toast) {
  const seconds = Number(toast.dataset.toastSeconds ?? 10);
  if (seconds === 0) return; // it waits for something and is replaced by what came of it
  const leave = () => {
    if (isHeld(toast) || document.hidden) setTimeout(leave, 3000);
    else toast.remove();
  };
  setTimeout(leave, seconds * 1000);
}
document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt } = event.detail;
  if (elt.matches("[data-toast]") && isHeld(elt)) event.preventDefault();
});
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target } = event.detail;
  if (target.matches("[data-toast]") && isHeld(target)) event.detail.shouldSwap = false;
});
new MutationObserver((changes) => {
  for (const change of changes) {
    for (const node of change.addedNodes) {
      if (node instanceof HTMLElement && node.matches("[data-toast]")) watchToast(node);
    }
  }
}).observe(toasts, { childList: true });

document.addEventListener("click", (event) => {
  const toast = event.target.closest?.("[data-close-toast]")?.closest("[data-toast]");
  if (!toast) return;
  toast.remove();
  (document.querySelector("#contacts-table [tabindex='0']") ?? document.querySelector("main")).focus();
});

function warn(text) {
  const toast = document.createElement("div");
  toast.className = "toast";
  toast.dataset.toast = "";
  toast.setAttribute("role", "alert");
  toast.textContent = text;
  toasts.append(toast);
}
document.addEventListener("htmx:responseError", (event) => {
  const { status } = event.detail.xhr;
  if (status >= 500) warn(toasts.dataset.textFailed.replace("{n}", status));
});
document.addEventListener("htmx:sendError", (event) => {
  if (!isPolling(event)) warn(toasts.dataset.textLost);
});

// Menus are details elements: one open at a time, closed by Esc and by a click elsewhere.
const openMenus = () =>
  document.querySelectorAll("details.menu[open], details.nav__switch[open]");
document.addEventListener("click", (event) => {
  for (const menu of openMenus()) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const [menu] = openMenus();
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  } else if (drawer?.checked) {
    drawer.checked = false;
    drawer.focus();
  } else return;
  event.stopImmediatePropagation();
}, true);

// The keys of the page are listed by the question mark, and by what says so.
const isTyping = (element) =>
  element.matches?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable=true]");
const showKeys = () => document.getElementById("shortcuts")?.showModal();

document.addEventListener("keydown", (event) => {
  if (event.key !== "?" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  showKeys();
});
document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-open-shortcuts]")) showKeys();
  const dialog = event.target.closest?.("[data-close-dialog]")?.closest("dialog");
  if (!dialog) return;
  event.preventDefault(); // where no script runs, it is a link
  dialog.close();
});

// The drawer of narrow windows takes the focus, and closes by a click beside it.
const drawer = document.getElementById("nav-open");
drawer?.addEventListener("change", () => {
  if (drawer.checked) document.querySelector(".nav summary, .nav a")?.focus();
});
document.addEventListener("click", (event) => {
  if (drawer?.checked && event.target.closest("main, .usage")) drawer.checked = false;
});

// The navigation folds to its icons; the server reads the cookie, so that no page jumps.
const fold = document.querySelector("[data-fold-nav]");
if (fold) {
  fold.hidden = false;
  fold.addEventListener("click", () => {
    const root = document.documentElement;
    const isFolded = root.dataset.nav !== "icons";
    if (isFolded) root.dataset.nav = "icons";
    else delete root.dataset.nav;
    document.cookie = `nav=${isFolded ? "icons" : "wide"}; path=/; max-age=31536000; samesite=lax`;
  });
}

// A change of usage is seen: the old figure stays beside it for two seconds, the new one counts up.
let usage = document.getElementById("usage")?.dataset.usage;
document.addEventListener("htmx:afterSwap", () => {
  const shown = document.getElementById("usage");
  if (!shown || shown.dataset.usage === usage) return;
  const figure = shown.querySelector("strong");
  const before = Number(usage);
  const after = Number(shown.dataset.usage);
  const text = figure.textContent;
  const format = new Intl.NumberFormat(document.documentElement.lang, { useGrouping: "always" });
  usage = shown.dataset.usage;
  const was = document.createElement("s");
  was.className = "usage__was";
  was.textContent = format.format(before);
  figure.before(was, " ");
  setTimeout(() => was.remove(), 2000);
  if (isStill.matches) return;
  const began = performance.now();
  const step = (now) => {
    const part = Math.min(1, (now - began) / 600);
    figure.textContent = part === 1 ? text : format.format(Math.round(before + (after - before) * part));
    if (part < 1) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
});
