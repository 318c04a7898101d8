/* The bar of saved views: tabs that do not fit go into the menu, changes that are not saved are
   remembered by this browser tab when another view is opened, and a link is copied. */
(() => {
  "use strict";

  const bar = () => document.getElementById("views");
  const results = () => document.getElementById("results");
  const storeName = () => `unsaved:${bar().dataset.account}`;

  function unsaved() {
    return JSON.parse(sessionStorage.getItem(storeName()) ?? "{}");
  }

  function keep(view, address) {
    const all = unsaved();
    if (address) all[view] = address;
    else delete all[view];
    sessionStorage.setItem(storeName(), JSON.stringify(all));
  }

  /* What differs from a view stands in the address. Its tab leads back to it until it is saved or
     reset, and says so by a dot. */
  function remember() {
    const { view } = bar().dataset;
    keep(view, "changed" in bar().dataset ? results().getAttribute("hx-get") : "");
    const all = unsaved();
    for (const link of bar().querySelectorAll("a[data-view]")) {
      const address = all[link.dataset.view];
      if (!address || link.querySelector(".view-tabs__unsaved")) continue;
      link.href = address;
      const dot = document.createElement("span");
      dot.className = "view-tabs__unsaved";
      dot.title = bar().dataset.textUnsaved;
      const said = document.createElement("span");
      said.className = "visually-hidden";
      said.textContent = ` (${bar().dataset.textUnsaved})`;
      link.append(dot, said);
    }
  }

  /* The last tabs give way, never the open one; all of them stay in the menu. */
  function fit() {
    const list = bar().querySelector(".view-tabs ul");
    const items = [...list.children];
    for (const item of items) item.hidden = false;
    const others = items.filter((item) => !item.classList.contains("is-current"));
    while (list.scrollWidth > list.clientWidth && others.length > 0) others.pop().hidden = true;
    bar().toggleAttribute("data-overflows", items.some((item) => item.hidden));
  }

  function prepare() {
    remember();
    fit();
    bar().dataset.ready = "";
  }

  /* The address shows the whole state from the first moment on, also that of a default view. */
  function showState() {
    const address = results().getAttribute("hx-get");
    if (address && address !== location.pathname + location.search && address.includes("?")) {
      if (address.endsWith("?") && !location.search) return;
      history.replaceState(history.state, "", address);
    }
  }

  document.addEventListener("htmx:oobAfterSwap", (event) => {
    if (event.detail.target?.id === "views") queueMicrotask(prepare);
  });
  addEventListener("resize", fit);
  document.addEventListener("submit", (event) => {
    if (event.target.closest("#save-as-new")) keep(bar().dataset.view, "");
  });
  document.addEventListener("click", async (event) => {
    if (event.target.closest?.("[data-reset-view]")) keep(bar().dataset.view, "");
    const link = event.target.closest?.("[data-copy-link]");
    if (!link || !navigator.clipboard) return;
    event.preventDefault();
    await navigator.clipboard.writeText(link.href);
    link.closest("details").open = false;
    document.getElementById("said").textContent = bar().dataset.textCopied;
    link.closest("details").querySelector("summary").focus();
  });
  document.addEventListener("toggle", focusName, true);

  function focusName(event) {
    if (event.target.id === "save-as-new" && event.target.open) {
      document.getElementById("view-name").select();
    }
  }

  showState();
  prepare();
})();
