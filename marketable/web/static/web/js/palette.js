/* The command palette: pages, actions and contacts by a few letters, as a combobox with a list box.
   What it has is asked for once a page; contacts are searched while typing and only ever added
   below, so that nothing moves under the hand. */
(() => {
  "use strict";

  const dialog = document.getElementById("palette");
  const input = dialog.querySelector("input");
  const list = dialog.querySelector("[role=listbox]");
  const nothing = dialog.querySelector("[data-nothing]");
  const count = dialog.querySelector("[data-count]");
  const texts = dialog.dataset;
  const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
  const MOST_LATELY = 8;
  const MOST_SHOWN = 60;

  /* Contacts opened lately: their numbers only. The server says who they are, as far as the person
     may see them, so that no name stays in the browser. */

  const lately = () => JSON.parse(localStorage.getItem(texts.store) ?? "[]");

  function remember(path) {
    if (!path.startsWith(texts.record)) return;
    const contact = path.slice(texts.record.length).match(/^(\d+)\/$/)?.[1];
    if (!contact) return;
    const ids = [contact, ...lately().filter((one) => one !== contact)].slice(0, MOST_LATELY);
    localStorage.setItem(texts.store, JSON.stringify(ids));
  }

  /* Letters are compared without marks and case, and each word that is typed must be found: as a
     word, as the beginning of one, inside one, or as letters in this order from a word's beginning.
     The worst word decides, and among equals the order of the empty list. */

  const MARKED = { ł: "l", đ: "d", ø: "o", ß: "ss", æ: "ae", œ: "oe", ı: "i" };
  const fold = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "")
    .replace(/[łđøßæœı]/g, (letter) => MARKED[letter]);
  const wordsOf = (text) => fold(text).split(/[^\p{L}\p{N}]+/u).filter(Boolean);

  function inOrder(letters, text) {
    if (letters[0] !== text[0]) return false;
    let at = 0;
    for (const letter of text) if (letter === letters[at]) at += 1;
    return at === letters.length;
  }

  function rankOfWord(typed, words, whole) {
    if (words.includes(typed)) return 0;
    if (words.some((word) => word.startsWith(typed))) return 1;
    if (whole.includes(typed)) return 2;
    const isSpread = typed.length > 1
      && words.some((_word, place) => inOrder(typed, words.slice(place).join("")));
    return isSpread ? 3 : Infinity;
  }

  /* 0 is best; a match in the label comes before one in what stands beside it. */
  function rank(item, typed) {
    let worst = 0;
    for (const word of typed) {
      const inLabel = rankOfWord(word, item.words, item.whole);
      const best = Math.min(inLabel, rankOfWord(word, item.beside, item.besideWhole) + 4);
      worst = Math.max(worst, best);
    }
    return worst;
  }

  /* What there is to choose from. */

  let standing = null; // asked for when first opened
  let found = []; // contacts, below
  let shown = [];
  let active = null;
  let searching = null;
  let timer = 0;
  let made = 0;

  function itemsIn(html) {
    const there = new DOMParser().parseFromString(html, "text/html");
    return [...there.querySelectorAll("[role=option]")].map((option) => {
      const element = document.importNode(option, true);
      made += 1;
      element.id = `palette-item-${made}`;
      const { label, hint } = element.dataset;
      return {
        element,
        label,
        words: wordsOf(label),
        whole: fold(label),
        beside: wordsOf(hint),
        besideWhole: fold(hint),
      };
    });
  }

  /* The address as it was typed: a search for a contact by e-mail or phone has its own rules, which
     are the server's. */
  async function ask(address, parameters, signal) {
    const answer = await fetch(`${address}?${new URLSearchParams(parameters)}`, { signal });
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    return itemsIn(await answer.text());
  }

  const buttonOf = (action) => document.querySelector(`#bulk-bar [data-action="${action}"]`);

  /* Actions are those of the page's bulk bar: it knows what is ticked and what may be done. */
  function judge({ element }) {
    const { action, hint, reason } = element.dataset;
    if (!action) return;
    const button = buttonOf(action);
    const hasTicks = button && !document.getElementById("bulk-bar").hidden;
    const why = reason ?? button?.getAttribute("title") ?? (hasTicks ? "" : texts.textTick);
    if (why) element.setAttribute("aria-disabled", "true");
    else element.removeAttribute("aria-disabled");
    element.querySelector("[data-hint-shown]").textContent = why || hint;
  }

  const isEnabled = (item) => item.element.getAttribute("aria-disabled") !== "true";

  function show() {
    const typed = wordsOf(input.value);
    const isEmpty = typed.length === 0;
    const ranked = (standing ?? [])
      .map((item, place) => ({ item, place, at: isEmpty ? 0 : rank(item, typed) }))
      .filter(({ at }) => at < Infinity)
      .sort((one, other) => one.at - other.at
        || isEnabled(other.item) - isEnabled(one.item) || one.place - other.place)
      .map(({ item }) => item);
    const taken = new Set(ranked.map(({ element }) => element.dataset.url).filter(Boolean));
    const more = isEmpty ? [] : found
      .filter(({ element }) => !taken.has(element.dataset.url))
      .map((item, place) => ({ item, place, at: rank(item, typed) }))
      .sort((one, other) => Math.min(one.at, 9) - Math.min(other.at, 9) || one.place - other.place)
      .map(({ item }) => item);
    shown = [...ranked, ...more].slice(0, MOST_SHOWN);
    list.replaceChildren(...shown.map(({ element }) => element));
    if (!shown.includes(active)) active = null;
    choose(active ?? shown[0] ?? null);
    const isWaiting = standing === null || searching !== null;
    nothing.hidden = shown.length > 0 || isWaiting;
    list.setAttribute("aria-busy", String(isWaiting));
    count.textContent = isWaiting ? "" : texts.textCount.replace("{n}", String(shown.length));
  }

  function choose(item) {
    for (const one of shown) one.element.setAttribute("aria-selected", String(one === item));
    active = item;
    if (item === null) input.removeAttribute("aria-activedescendant");
    else {
      input.setAttribute("aria-activedescendant", item.element.id);
      item.element.scrollIntoView({ block: "nearest" });
    }
  }

  function step(by) {
    if (shown.length === 0) return;
    const at = shown.indexOf(active) + by;
    choose(shown[(at + shown.length) % shown.length]);
  }

  function search() {
    searching?.abort();
    clearTimeout(timer);
    const typed = input.value.trim();
    if (typed === "") {
      searching = null;
      found = [];
      return;
    }
    const mine = new AbortController();
    searching = mine;
    timer = setTimeout(async () => {
      let answer = [];
      try {
        answer = await ask(texts.search, { q: typed }, mine.signal);
      } catch (error) {
        if (mine.signal.aborted) return;
        count.textContent = texts.textLost;
      }
      if (searching !== mine) return;
      searching = null;
      found = answer;
      show();
    }, 200);
  }

  /* Opening, choosing, closing. */

  async function open() {
    if (dialog.open || document.querySelector("dialog[open]")) return;
    input.value = "";
    found = [];
    active = null;
    for (const item of standing ?? []) judge(item);
    dialog.showModal();
    show();
    if (standing !== null) return;
    try {
      standing = await ask(texts.offered, { recent: lately().join(",") });
      for (const item of standing) judge(item);
    } catch {
      count.textContent = texts.textLost;
      warn(texts.textLost);
    }
    show();
  }

  function run(item, isApart) {
    if (!item || !isEnabled(item)) {
      if (item) count.textContent = item.element.querySelector("[data-hint-shown]").textContent;
      return;
    }
    const { url, action } = item.element.dataset;
    dialog.close();
    if (action) buttonOf(action).click();
    else if (isApart) window.open(url);
    else location.assign(url);
  }

  document.addEventListener("keydown", (event) => {
    const isMod = isMac ? event.metaKey : event.ctrlKey;
    if (!isMod || event.shiftKey || event.altKey || event.key.toLowerCase() !== "k") return;
    event.preventDefault();
    if (dialog.open) dialog.close();
    else open();
  });

  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown") step(1);
    else if (event.key === "ArrowUp") step(-1);
    else if (event.key === "PageDown") choose(shown[Math.min(shown.length - 1, shown.indexOf(active) + 8)] ?? null);
    else if (event.key === "PageUp") choose(shown[Math.max(0, shown.indexOf(active) - 8)] ?? null);
    else if (event.key === "Enter") run(active, event.ctrlKey || event.metaKey);
    else return;
    event.preventDefault();
  });
  input.addEventListener("input", () => {
    active = null;
    search();
    show();
  });
  list.addEventListener("pointermove", (event) => {
    const item = shown.find(({ element }) => element.contains(event.target));
    if (item && item !== active) choose(item);
  });
  list.addEventListener("mousedown", (event) => event.preventDefault()); // the focus stays in the field
  list.addEventListener("click", (event) => {
    run(shown.find(({ element }) => element.contains(event.target)), event.ctrlKey || event.metaKey);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // beside it
  });

  for (const button of document.querySelectorAll("[data-open-palette]")) button.hidden = false;
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-open-palette]")) open();
    const link = event.target.closest?.("a[data-open]");
    if (link) remember(new URL(link.href).pathname);
  });
  if (isMac) {
    for (const key of document.querySelectorAll("kbd")) {
      if (key.textContent === "Ctrl") key.textContent = "⌘";
      else if (key.matches("[data-combo]")) key.textContent = "⌘ K";
    }
  }
  remember(location.pathname);
  document.documentElement.dataset.palette = "ready";
})();
