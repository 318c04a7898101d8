/* Columns of the contacts table: found and put in order in their panel, moved and made wider in the
   table's head, by pointer and by keys. The arrangement goes to the server as one text, such as
   name:260,email,city:120, and the table comes back with it. */
(() => {
  "use strict";

  const STEP = 16;
  const NARROWEST = 60;
  const WIDEST = 800;
  const wide = matchMedia("(min-width: 641px)");
  const table = () => document.getElementById("contacts-table");
  const head = () => table()?.tHead.rows[0];
  const heads = () => [...(head()?.querySelectorAll("th[data-column]") ?? [])];
  const texts = () => document.getElementById("columns").dataset;
  const label = (cell) => cell.querySelector(".cell-head")?.textContent.trim() ?? "";

  function say(text, values) {
    document.getElementById("said").textContent = Object.entries(values).reduce(
      (said, [name, value]) => said.replace(`{${name}}`, value), text);
  }

  /* The columns with widths of their own, or none. */
  function widths() {
    const cols = [...(table()?.querySelectorAll("col") ?? [])].slice(1);
    return new Map(heads().flatMap((cell, place) => {
      const width = cols[place]?.getAttribute("width");
      return width ? [[cell.dataset.column, Number(width)]] : [];
    }));
  }

  function send(names, own) {
    const all = own.has("name") ? ["name", ...names] : names;
    const form = document.getElementById("columns-state");
    form.elements.arrangement.value =
      all.map((name) => (own.has(name) ? `${name}:${own.get(name)}` : name)).join(",");
    form.requestSubmit();
  }

  const names = () => heads().map((cell) => cell.dataset.column).filter((name) => name !== "name");

  /* Widths. All columns are held at what they are before one of them changes, so that the others
     stay where they are; what is left over is empty. */
  function hold() {
    if (table().querySelector("colgroup") && widths().size === heads().length) return;
    const now = heads().map((cell) => cell.offsetWidth);
    table().querySelector("colgroup")?.remove();
    const group = document.createElement("colgroup");
    for (const width of [head().cells[0].offsetWidth, ...now]) {
      const col = document.createElement("col");
      col.setAttribute("width", width);
      group.append(col);
    }
    group.append(document.createElement("col"));
    table().caption.after(group);
  }

  const within = (width) => Math.round(Math.min(WIDEST, Math.max(NARROWEST, width)));

  function setWidth(cell, width) {
    const place = heads().indexOf(cell);
    const col = table().querySelectorAll("col")[place + 1];
    col.setAttribute("width", within(width));
    cell.querySelector("[data-resize]").setAttribute("aria-valuenow", within(width));
  }

  function resizeByPointer(event) {
    const handle = event.target.closest?.("[data-resize]");
    if (!handle || event.button !== 0) return;
    event.preventDefault();
    const cell = handle.closest("th");
    hold();
    const from = event.clientX;
    const before = cell.offsetWidth;
    handle.setPointerCapture(event.pointerId);
    handle.classList.add("is-held");
    const move = (moved) => setWidth(cell, before + moved.clientX - from);
    handle.addEventListener("pointermove", move);
    const leave = () => {
      handle.removeEventListener("pointermove", move);
      handle.classList.remove("is-held");
      send(names(), widths());
    };
    handle.addEventListener("pointerup", leave, { once: true });
  }

  let later = 0;

  function resizeByKey(cell, step) {
    hold();
    const before = widths().get(cell.dataset.column);
    setWidth(cell, before + step);
    say(texts().textWidth, { column: label(cell), n: widths().get(cell.dataset.column) });
    clearTimeout(later);
    later = setTimeout(() => send(names(), widths()), 300);
  }

  /* Order. */
  let followed = "";

  function moveTo(name, place) {
    const others = names().filter((one) => one !== name);
    const to = Math.max(0, Math.min(place, others.length));
    const order = [...others.slice(0, to), name, ...others.slice(to)];
    if (order.join() === names().join()) return;
    const cell = heads().find((one) => one.dataset.column === name);
    say(texts().textMoved, { column: label(cell), n: to + 1, all: order.length });
    followed = cell.contains(document.activeElement) ? name : "";
    send(order, widths());
  }

  /* What was pulled was not clicked. */
  function swallow(event) {
    event.preventDefault();
    event.stopPropagation();
  }

  /* A head that is pulled shows where it will be; let go, it is there. */
  function moveByPointer(event) {
    const cell = event.target.closest?.("#contacts-table thead th[data-column]");
    const isEdge = event.target.closest?.("[data-resize]");
    if (!cell || isEdge || event.button !== 0 || cell.dataset.column === "name" || !wide.matches) return;
    const from = event.clientX;
    let place = -1;
    const others = heads().filter((one) => one.dataset.column !== "name" && one !== cell);
    const clear = () => others.forEach((one) => one.classList.remove("is-before", "is-after"));
    const move = (moved) => {
      if (place < 0 && Math.abs(moved.clientX - from) < 6) return;
      if (place < 0) cell.classList.add("is-pulled");
      clear();
      place = others.filter((one) => {
        const box = one.getBoundingClientRect();
        return box.left + box.width / 2 < moved.clientX;
      }).length;
      if (place < others.length) others[place].classList.add("is-before");
      else others.at(-1)?.classList.add("is-after");
    };
    const leave = (left) => {
      removeEventListener("pointermove", move);
      removeEventListener("keydown", giveUp, true);
      clear();
      cell.classList.remove("is-pulled");
      if (place < 0) return;
      addEventListener("click", swallow, { capture: true, once: true });
      setTimeout(() => removeEventListener("click", swallow, true));
      if (left.type === "pointerup") moveTo(cell.dataset.column, place);
    };
    const giveUp = (pressed) => {
      if (pressed.key !== "Escape") return;
      pressed.stopPropagation();
      removeEventListener("pointerup", leave);
      leave(pressed);
    };
    addEventListener("pointermove", move);
    addEventListener("keydown", giveUp, true);
    addEventListener("pointerup", leave, { once: true });
  }

  /* In the head: Alt and an arrow moves the column, Shift and an arrow makes it wider or narrower; on
     its edge the arrows alone do. */
  function onHeadKey(event) {
    const cell = event.target.closest?.("#contacts-table thead th[data-column]");
    if (!cell || !wide.matches) return;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || event.ctrlKey || event.metaKey) return;
    const isEdge = event.target.matches("[data-resize]");
    if (event.altKey && !event.shiftKey) {
      if (cell.dataset.column !== "name") {
        moveTo(cell.dataset.column, names().indexOf(cell.dataset.column) + step);
      }
    } else if (isEdge || (event.shiftKey && !event.altKey)) {
      resizeByKey(cell, step * STEP);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function prepare() {
    for (const cell of heads()) {
      if (cell.querySelector("[data-resize]")) continue;
      const edge = document.createElement("span");
      edge.dataset.resize = "";
      edge.tabIndex = -1;
      edge.setAttribute("role", "separator");
      edge.setAttribute("aria-orientation", "vertical");
      edge.setAttribute("aria-valuemin", NARROWEST);
      edge.setAttribute("aria-valuemax", WIDEST);
      edge.setAttribute("aria-valuenow", cell.offsetWidth);
      edge.setAttribute("aria-label", texts().textEdge.replace("{column}", label(cell)));
      edge.title = texts().textEdge.replace("{column}", label(cell));
      cell.append(edge);
      for (const link of cell.querySelectorAll("a")) link.draggable = false;
    }
    if (head()) head().dataset.ready = "";
  }

  document.addEventListener("pointerdown", resizeByPointer);
  document.addEventListener("pointerdown", moveByPointer);
  document.addEventListener("keydown", onHeadKey, true);
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.elt?.id !== "results") return;
    prepare();
    const name = followed;
    followed = "";
    const cell = name && heads().find((one) => one.dataset.column === name);
    if (cell) (cell.querySelector("a") ?? cell).focus();
  });

  /* The panel: finds while typing, without regard to case and diacritics. */
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").replace(/ł/g, "l").replace(/Ł/g, "L").toLowerCase();

  document.addEventListener("input", (event) => {
    if (!event.target.matches?.("[data-find-column]")) return;
    const words = plain(event.target.value).split(/\s+/).filter(Boolean);
    const form = event.target.closest("form");
    let isAny = false;
    for (const group of form.querySelectorAll("fieldset")) {
      let isHere = false;
      for (const item of group.querySelectorAll("li")) {
        item.hidden = !words.every((word) => plain(item.dataset.label).includes(word));
        isHere ||= !item.hidden;
      }
      group.hidden = !isHere;
      isAny ||= isHere;
    }
    form.querySelector("[data-no-column]").hidden = isAny;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches?.("[data-find-column]")) event.preventDefault();
  });

  /* A line that is held by its grip takes the place of the line it is pulled over. */
  document.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest?.("[data-grip]");
    if (!grip || event.button !== 0) return;
    event.preventDefault();
    const item = grip.closest("li");
    item.classList.add("is-pulled");
    const move = (moved) => {
      const over = document.elementFromPoint(moved.clientX, moved.clientY)?.closest("li");
      if (!over || over === item || over.parentElement !== item.parentElement) return;
      const isBelow = item.compareDocumentPosition(over) & Node.DOCUMENT_POSITION_FOLLOWING;
      if (isBelow) over.after(item);
      else over.before(item);
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", () => {
      removeEventListener("pointermove", move);
      item.classList.remove("is-pulled");
    }, { once: true });
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    const search = event.target.querySelector?.(".column-panel [data-find-column]");
    if (!search || !search.hidden) return;
    search.hidden = false;
    search.focus();
    search.closest("form").dataset.ready = "";
  });

  prepare();
})();
