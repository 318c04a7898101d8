/* Which contacts are ticked: some of them, or all that match with exceptions (B2). Kept while
   paging and sorting, forgotten when the filter changes. */
(() => {
  "use strict";

  const results = () => document.getElementById("results");
  const bar = () => document.getElementById("bulk-bar");
  const form = () => document.getElementById("selection");
  const total = () => document.getElementById("total").dataset;
  const boxes = () => [...document.querySelectorAll("input[data-tick]")];
  const pageBox = () => document.querySelector("input[data-tick-page]");
  const grouped = new Intl.NumberFormat(document.documentElement.lang, { useGrouping: "always" });
  const number = (value) => grouped.format(value);

  /* everyone: all that match but `except`; otherwise exactly `ids`. */
  let chosen = empty();

  function empty() {
    return { filter: "", everyone: false, ids: new Set(), except: new Set() };
  }

  const storeName = () => `ticked:${results().dataset.account}`;

  function load() {
    const filter = results().dataset.filter;
    chosen = { ...empty(), filter };
    const stored = JSON.parse(sessionStorage.getItem(storeName()) ?? "null");
    if (stored?.filter !== filter) {
      sessionStorage.removeItem(storeName());
      return;
    }
    chosen.everyone = stored.everyone;
    chosen.ids = new Set(stored.ids);
    chosen.except = new Set(stored.except);
  }

  function save() {
    if (isEmpty()) {
      sessionStorage.removeItem(storeName());
      return;
    }
    sessionStorage.setItem(storeName(), JSON.stringify({
      ...chosen, ids: [...chosen.ids], except: [...chosen.except],
    }));
  }

  const isEmpty = () => !chosen.everyone && chosen.ids.size === 0;
  const isTicked = (id) => (chosen.everyone ? !chosen.except.has(id) : chosen.ids.has(id));

  function tick(id, isOn) {
    if (chosen.everyone) {
      if (isOn) chosen.except.delete(id);
      else chosen.except.add(id);
    } else if (isOn) chosen.ids.add(id);
    else chosen.ids.delete(id);
  }

  function clear() {
    chosen = { ...empty(), filter: results().dataset.filter };
    save();
    show();
  }

  function summary(matching, isPageTicked) {
    const texts = bar().dataset;
    if (!chosen.everyone) {
      return isPageTicked && chosen.ids.size === boxes().length
        ? results().dataset.textPage
        : texts.textSome.replace("{n}", number(chosen.ids.size));
    }
    const left = chosen.except.size;
    if (left === 0) return texts.textAll.replace("{n}", total().totalText);
    if (matching === null) return texts.textAllButAbout.replace("{except}", number(left));
    return texts.textAllBut
      .replace("{except}", number(left))
      .replace("{n}", number(Math.max(matching - left, 0)));
  }

  function show() {
    const rows = boxes();
    const ticked = rows.filter((box) => isTicked(box.value));
    for (const box of rows) {
      box.checked = isTicked(box.value);
      const row = box.closest("tr");
      row.classList.toggle("is-ticked", box.checked);
      row.setAttribute("aria-selected", String(box.checked));
    }
    const isPageTicked = rows.length > 0 && ticked.length === rows.length;
    if (pageBox()) {
      pageBox().checked = isPageTicked;
      pageBox().indeterminate = ticked.length > 0 && !isPageTicked;
    }
    const matching = total().total === "" ? null : Number(total().total);
    const isShown = !isEmpty();
    bar().hidden = !isShown;
    document.getElementById("tool-row").classList.toggle("is-behind", isShown);
    if (isShown) {
      bar().querySelector("[data-summary]").textContent = summary(matching, isPageTicked);
      const offer = bar().querySelector("[data-everyone]");
      offer.hidden = chosen.everyone || !isPageTicked || matching === rows.length;
      if (!offer.hidden) {
        const { textOffer, textOfferAbout } = bar().dataset;
        offer.textContent = (matching === null ? textOfferAbout : textOffer)
          .replace("{n}", total().totalText);
      }
    }
    const hidden = form().elements;
    hidden.namedItem("everyone").value = chosen.everyone ? "1" : "";
    hidden.namedItem("chosen").value = [...chosen.ids].join(",");
    hidden.namedItem("except").value = [...chosen.except].join(",");
  }

  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box.matches?.("input[data-tick]")) tick(box.value, box.checked);
    else if (box.matches?.("input[data-tick-page]")) {
      for (const one of boxes()) tick(one.value, box.checked);
    } else return;
    save();
    show();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-clear-ticks]")) {
      clear();
      document.querySelector("input[type=search]")?.focus({ preventScroll: true });
    } else if (event.target.closest?.("[data-everyone]")) {
      chosen = { ...empty(), filter: results().dataset.filter, everyone: true };
      save();
      show();
    }
  });

  document.addEventListener("set-ticks", (event) => {
    for (const id of event.detail.ids) tick(id, event.detail.isOn);
    save();
    show();
  });

  document.addEventListener("clear-ticks", clear);
  document.body.addEventListener("plan-done", clear);

  function begin() {
    if (!results() || !bar()) return;
    load();
    show();
  }

  // With the rows, not later: no key may find them without their ticks.
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.elt?.id === "results") begin();
    else if (event.detail.elt?.id === "total" && results()) show();
  });
  /* A page that the browser kept, shown again by its own Back button, has the ticks of then. */
  window.addEventListener("pageshow", begin);
  begin();
})();
