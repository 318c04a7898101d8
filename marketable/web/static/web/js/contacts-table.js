/* The keys of the contacts table, after the WAI-ARIA grid pattern: one cell takes the focus, the
   arrows move it, Space ticks the row, Enter and F2 edit (cell-editing.js). Without this script the
   table is a table. Nothing is bound to a cell, so that a thousand rows cost what fifty do. */
(() => {
  "use strict";

  const table = () => document.getElementById("contacts-table");
  const rows = () => [...table().rows];
  const boxOf = (row) => row?.querySelector("input[data-tick]") ?? null;
  let place = { row: 1, column: 1 };
  let anchor = null; // the contact ticked last, where a range by Shift and a click begins
  let origin = null; // the contact where a range by Shift and the arrows begins

  function cellAt(row, column) {
    const cells = rows()[row]?.cells;
    return cells ? cells[Math.min(column, cells.length - 1)] : undefined;
  }

  /* What takes the focus in a cell: its one control, or the cell itself. */
  const target = (cell) => cell.querySelector("a, input, button") ?? cell;

  function visible(cell) {
    return cell.offsetParent !== null;
  }

  function prepare() {
    if (!table()) return;
    table().setAttribute("role", "grid");
    table().setAttribute("aria-multiselectable", "true");
    for (const control of table().querySelectorAll("a, input, button")) control.tabIndex = -1;
    place.row = Math.min(place.row, rows().length - 1);
    const cell = cellAt(place.row, place.column);
    if (cell) target(cell).tabIndex = 0;
  }

  function go(row, column) {
    const lastRow = rows().length - 1;
    const wanted = Math.max(0, Math.min(row, lastRow));
    const cell = cellAt(wanted, Math.max(0, column));
    if (!cell) return;
    const before = cellAt(place.row, place.column);
    if (before) target(before).tabIndex = -1;
    place = { row: wanted, column: cell.cellIndex };
    target(cell).tabIndex = 0;
    target(cell).focus();
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /* The next column that is shown, in a direction; narrow windows leave some out. */
  function sideways(step) {
    const cells = [...rows()[place.row].cells];
    let column = place.column + step;
    while (cells[column] && !visible(cells[column])) column += step;
    return cells[column] ? column : place.column;
  }

  function edge(isLast) {
    const cells = [...rows()[place.row].cells].filter(visible);
    return cells[isLast ? cells.length - 1 : 0].cellIndex;
  }

  /* All at once: the bulk bar counts once, however many they are. */
  function set(boxes, isOn) {
    const ids = boxes.map((box) => box.value);
    document.dispatchEvent(new CustomEvent("set-ticks", { detail: { ids, isOn } }));
  }

  function setRange(from, to, isOn) {
    const all = rows().map(boxOf).filter(Boolean);
    const first = all.findIndex((box) => box.value === from);
    const last = all.findIndex((box) => box.value === to);
    if (first < 0 || last < 0) return;
    set(all.slice(Math.min(first, last), Math.max(first, last) + 1), isOn);
  }

  /* Shift and an arrow: the range grows away from where it began, and shrinks on the way back. */
  function extend(step) {
    const all = rows().map(boxOf).filter(Boolean);
    const left = boxOf(rows()[place.row]);
    if (!left) {
      go(place.row + step, place.column);
      return;
    }
    origin ??= left.value;
    go(place.row + step, place.column);
    const reached = boxOf(rows()[place.row]);
    if (!reached || reached === left) return;
    const [start, from, to] = [all.findIndex((box) => box.value === origin),
      all.indexOf(left), all.indexOf(reached)];
    if (Math.abs(to - start) < Math.abs(from - start)) set([left], false);
    else setRange(origin, reached.value, true);
    anchor = reached.value;
  }

  function pageStep() {
    const height = rows()[1]?.offsetHeight || 36;
    const seen = Math.min(frame().clientHeight, window.innerHeight) - rows()[0].offsetHeight;
    return Math.max(1, Math.floor(seen / height) - 1);
  }

  const MOVES = {
    ArrowUp: () => go(place.row - 1, place.column),
    ArrowDown: () => go(place.row + 1, place.column),
    ArrowLeft: () => go(place.row, sideways(-1)),
    ArrowRight: () => go(place.row, sideways(1)),
    PageUp: () => go(Math.max(1, place.row - pageStep()), place.column),
    PageDown: () => go(place.row + pageStep(), place.column),
  };

  function onGridKey(event) {
    const isMod = event.ctrlKey || event.metaKey;
    const row = rows()[place.row];
    const box = boxOf(row);
    if (event.shiftKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      extend(event.key === "ArrowUp" ? -1 : 1);
      event.preventDefault();
      return;
    }
    if (event.key !== "Shift") origin = null;
    if (event.key === "Home") {
      if (isMod) go(1, edge(false));
      else go(place.row, edge(false));
    } else if (event.key === "End") {
      if (isMod) go(rows().length - 1, edge(true));
      else go(place.row, edge(true));
    } else if (isMod && event.key.toLowerCase() === "a") {
      set(rows().map(boxOf).filter(Boolean), true);
    } else if (isMod && event.key.toLowerCase() === "z") {
      document.dispatchEvent(new Event("undo-edit"));
    } else if (!isMod && MOVES[event.key]) {
      MOVES[event.key]();
    } else if (event.key === " " && box) {
      set([box], event.shiftKey || !box.checked);
      anchor = box.value;
    } else if (event.key === "Enter" && box && event.target === box) {
      row.querySelector("a[data-open]")?.click();
    } else if ((event.key === "F2" || event.key === "Enter") && box && !isMod) {
      if (event.key === "Enter" && event.target.closest("a")) return;
      edit(row.cells[place.column]);
    } else return;
    event.preventDefault();
  }

  const edit = (cell) => cell.dispatchEvent(new Event("edit-cell", { bubbles: true }));

  document.addEventListener("keydown", (event) => {
    if (!table() && !document.getElementById("tool-row")) return;
    if (document.querySelector("dialog[open]")) return;
    if (table()?.contains(event.target) && !isTyping(event.target)) {
      onGridKey(event);
      if (event.defaultPrevented) return;
    }
    if (event.key === "Escape" && !isTyping(event.target)) {
      document.dispatchEvent(new Event("clear-ticks"));
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key === "/") {
      const search = document.querySelector("#tool-row input[type=search]");
      if (!search || document.getElementById("tool-row").classList.contains("is-behind")) return;
      event.preventDefault();
      search.focus();
      search.select();
    }
  });

  document.addEventListener("click", (event) => {
    const cell = event.target.closest?.("#contacts-table tbody td");
    if (cell && cell === event.target) go(cell.parentElement.rowIndex, cell.cellIndex);
    const box = event.target.closest?.("input[data-tick]");
    if (!box) return;
    if (event.shiftKey && anchor !== null) setRange(anchor, box.value, box.checked);
    anchor = box.value;
  });

  document.addEventListener("dblclick", (event) => {
    const cell = event.target.closest?.("#contacts-table tbody td:not(.cell--tick)");
    if (cell && !isTyping(event.target)) edit(cell);
  });

  /* An editor has been left: the focus goes on from its cell. */
  document.addEventListener("cell-left", (event) => {
    const cell = event.target;
    const row = cell.parentElement.rowIndex;
    place = { row, column: cell.cellIndex };
    const { way } = event.detail;
    if (way === "down") go(row + 1, cell.cellIndex);
    else if (way === "stay") go(row, cell.cellIndex);
    else {
      const beside = sideways(way === "right" ? 1 : -1);
      const isEdge = beside === place.column || beside === 0;
      if (!isEdge) go(row, beside);
      else if (way === "right" && row < rows().length - 1) go(row + 1, 1);
      else if (way === "left" && row > 1) go(row - 1, edge(true));
      else go(row, cell.cellIndex);
    }
  });

  document.addEventListener("focusin", (event) => {
    const cell = event.target.closest?.("#contacts-table td, #contacts-table th");
    if (!cell) return;
    const before = cellAt(place.row, place.column);
    if (before && before !== cell) target(before).tabIndex = -1;
    place = { row: cell.parentElement.rowIndex, column: cell.cellIndex };
    target(cell).tabIndex = 0;
  });

  /* What is swapped comes back where it was: the table scrolled as far to the side, and the focus
     in the same cell. Rows that only have been refreshed stay at their height, too. All of it at
     the swap itself, so that no key falls between, and the focus only if the swap took it away. */
  const frame = () => table()?.closest(".table-frame");
  const isLost = () => document.activeElement === null || document.activeElement === document.body;
  let kept = null;

  function takeLostFocus() {
    if (!isLost()) return;
    const cell = table() && cellAt(place.row, place.column);
    if (cell) target(cell).focus({ preventScroll: true });
  }

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target?.id !== "results" || !frame()) return;
    kept = {
      address: event.detail.target.getAttribute("hx-get"),
      left: frame().scrollLeft,
      top: frame().scrollTop,
      hasFocus: frame().contains(document.activeElement),
    };
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.elt?.id !== "results") return;
    prepare();
    if (kept && frame()) {
      frame().scrollLeft = kept.left;
      if (event.detail.elt.getAttribute("hx-get") === kept.address) frame().scrollTop = kept.top;
      if (kept.hasFocus) takeLostFocus();
    }
    kept = null;
  });

  /* The dialog gives the focus back to the bulk bar, which is gone by then: the table takes it,
     before any key can come. */
  document.body.addEventListener("plan-done", () => queueMicrotask(takeLostFocus));

  /* A column moves within the list at once; the form then sends the whole order. */
  document.addEventListener("click", (event) => {
    const mover = event.target.closest?.(".columns-form button[name=move]");
    if (!mover) return;
    event.preventDefault();
    const item = mover.closest("li");
    const isLeft = mover.value.startsWith("left:");
    const other = isLeft ? item.previousElementSibling : item.nextElementSibling;
    if (!other) return;
    if (isLeft) other.before(item);
    else other.after(item);
    mover.focus();
  });

  prepare();
})();
