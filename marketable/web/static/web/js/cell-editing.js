/* Editing in the contacts table: a cell becomes the editor of its column, and what is typed is saved
   while the person goes on. What is refused stays in its cell, with the reason, until it is mended
   or let go. */
(() => {
  "use strict";

  const table = () => document.getElementById("contacts-table");
  const results = () => document.getElementById("results");
  const note = document.getElementById("cell-note");
  const sending = JSON.parse(document.body.getAttribute("hx-headers"));
  const LONGEST_KEPT_ALIVE = 60_000; // what a browser still sends when the page has been left

  let editing = null; // { cell, key, field, panel, before: its nodes }
  let queue = Promise.resolve(); // one save after the other: each needs the version of the one before
  const waiting = new Map(); // key → how many saves of the cell are on their way
  let isRefreshDue = false;
  const refused = new Map(); // key → { typed, problem, before }
  let undoing = 0;
  const undoable = []; // addresses that take back what was saved, the newest last

  /* A cell outlives its element: rows are swapped. It is known by its contact and its column. */
  const headOf = (cell) => table().tHead.rows[0].cells[cell.cellIndex];
  const keyOf = (cell) => `${boxIn(cell.parentElement).value}:${headOf(cell).dataset.column}`;
  const boxIn = (row) => row.querySelector("input[data-tick]");

  function rowOf(contact) {
    return table()?.querySelector(`input[data-tick][value="${contact}"]`)?.closest("tr") ?? null;
  }

  function cellOf(key) {
    const [contact, name] = key.split(":");
    const head = table()?.tHead.querySelector(`[data-column="${name}"]`);
    return (head && rowOf(contact)?.cells[head.cellIndex]) ?? null;
  }

  /* The note: why a cell is not edited, or was not saved. It floats, so that nothing moves. */

  function place(floating, cell) {
    const at = cell.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = floating;
    const left = Math.max(8, Math.min(at.left, window.innerWidth - width - 8));
    const isRoomBelow = at.bottom + height + 4 <= window.innerHeight;
    floating.style.left = `${left}px`;
    floating.style.top = `${isRoomBelow ? at.bottom + 2 : Math.max(8, at.top - height - 2)}px`;
  }

  function say(cell, text) {
    note.textContent = text;
    note.noted = cell;
    note.showPopover();
    place(note, cell);
  }

  function hush() {
    if (!note.noted) return;
    note.noted = null;
    note.hidePopover();
  }

  function whyNot(cell) {
    if (cell.parentElement.hasAttribute("data-locked")) return note.dataset.textLocked;
    return headOf(cell).dataset.why ?? "";
  }

  /* Editing begins and ends. */

  /* The value behind a cell: beside it where it is shown otherwise, else the text of its nodes. */
  const stored = (cell, nodes) =>
    cell.dataset.value ?? nodes.map((node) => node.textContent).join("").trim();

  function begin(cell) {
    if (editing || !boxIn(cell.parentElement)) return;
    const why = whyNot(cell);
    const template = headOf(cell).querySelector("template");
    if (why || !template) {
      if (why) say(cell, why);
      return;
    }
    const key = keyOf(cell);
    const again = refused.get(key);
    const before = again?.before ?? [...cell.childNodes];
    const field = template.content.firstElementChild.cloneNode(true);
    const isApart = field.matches(".cell-editor--several");
    const text = before.map((node) => node.textContent).join("").trim();
    editing = { cell, key, field, before, isApart };
    cell.classList.add("is-editing");
    if (isApart) openPanel(cell, field);
    else cell.replaceChildren(field);
    fill(field, again?.typed ?? stored(cell, before), again ? "" : text);
    const first = isApart ? (field.querySelector(":checked") ?? field.querySelector("input")) : field;
    first?.focus({ preventScroll: isApart });
    field.select?.();
    if (again) {
      say(cell, again.problem);
      field.setAttribute("aria-invalid", "true");
    } else hush();
  }

  function openPanel(cell, field) {
    field.popover = "manual";
    field.tabIndex = -1; // a click beside its boxes leaves the focus inside
    cell.closest(".results").append(field);
    field.showPopover();
    place(field, cell);
  }

  /* What the contact has is offered even if nobody is any more: a hidden option, a person who left. */
  function fill(field, value, text) {
    if (field.matches(".cell-editor--several")) {
      const held = new Set(value.split(";").filter(Boolean));
      for (const box of field.querySelectorAll("input")) {
        box.checked = held.delete(box.value);
      }
      for (const left of held) {
        const label = field.querySelector("label")?.cloneNode(true);
        if (!label) continue;
        label.querySelector("input").value = left;
        label.querySelector("input").checked = true;
        label.querySelector("span").textContent = left;
        field.append(label);
      }
      return;
    }
    field.value = value;
    if (field.matches("select") && value && field.value !== value) {
      field.add(new Option(text || value, value, true, true));
    }
  }

  function read(field) {
    if (!field.matches(".cell-editor--several")) return field.value;
    return [...field.querySelectorAll("input:checked")].map((box) => box.value).join(";");
  }

  /* What a value looks like in the cell until the server's answer says it. */
  function shown(field) {
    if (field.matches("select")) return field.selectedOptions[0]?.textContent ?? "";
    if (!field.matches(".cell-editor--several")) return field.value;
    return [...field.querySelectorAll("input:checked")]
      .map((box) => box.closest("label").textContent.trim()).join(", ");
  }

  /* way: where the focus goes on from the cell; none where a click took it elsewhere. */
  function finish(way) {
    const { cell, key, field, before } = editing;
    if (field.validity?.badInput && way) {
      say(cell, note.dataset.textIncomplete);
      return;
    }
    const held = stored(cell, before);
    const typed = field.validity?.badInput ? held : read(field);
    const looks = shown(field);
    const was = refused.get(key);
    const isSame = typed.trim() === held;
    close(before);
    if (isSame) forget(cell, key);
    else {
      refused.delete(key);
      cell.textContent = looks;
      cell.classList.remove("is-refused");
      cell.classList.add("is-saving");
      cell.removeAttribute("aria-invalid");
      send(cell, key, typed, before);
    }
    if (was || note.noted === cell) hush();
    leave(cell, way);
  }

  function cancel() {
    const { cell, key, before } = editing;
    close(before);
    forget(cell, key);
    hush();
    leave(cell, "stay");
  }

  function close(before) {
    const { cell, field, isApart } = editing;
    editing = null; // first: taking the field away takes the focus out of it
    cell.classList.remove("is-editing");
    if (isApart) field.remove();
    cell.replaceChildren(...before);
    refresh();
  }

  function forget(cell, key) {
    refused.delete(key);
    cell.classList.remove("is-refused");
    cell.removeAttribute("aria-invalid");
  }

  function leave(cell, way) {
    if (!way) return;
    cell.dispatchEvent(new CustomEvent("cell-left", { bubbles: true, detail: { way } }));
  }

  /* Saving. */

  async function post(address, fields) {
    const body = new URLSearchParams(fields);
    const names = [...table()?.tHead.querySelectorAll("[data-column]") ?? []]
      .map((head) => head.dataset.column);
    body.append("columns", names.join(","));
    const answer = await fetch(address, {
      method: "POST",
      headers: { ...sending, "HX-Request": "true" },
      body,
      keepalive: body.toString().length < LONGEST_KEPT_ALIVE,
    });
    if (answer.headers.has("HX-Redirect")) return { problem: note.dataset.textSignedOut };
    if (answer.status >= 500) return { problem: note.dataset.textFailed };
    const there = new DOMParser().parseFromString(await answer.text(), "text/html");
    const told = there.querySelector("[data-cell-answer]");
    if (!told) return { problem: there.body.textContent.trim() || note.dataset.textFailed };
    return {
      problem: told.dataset.problem,
      row: told.querySelector("tr"),
      toast: told.querySelector("[data-toast]"),
    };
  }

  const asked = (address, fields) =>
    post(address, fields).catch(() => ({ problem: note.dataset.textLost }));

  function send(cell, key, typed, before) {
    const [contact, name] = key.split(":");
    const seen = cell.parentElement.dataset.version;
    const { value } = cell.dataset;
    cell.dataset.value = typed;
    const address = `${results().dataset.records}${contact}/cells/${name}`;
    waiting.set(key, (waiting.get(key) ?? 0) + 1);
    queue = queue.then(async () => {
      const version = rowOf(contact)?.dataset.version ?? seen;
      const answer = await asked(address, [["value", typed], ["version", version]]);
      if (waiting.get(key) > 1) waiting.set(key, waiting.get(key) - 1);
      else {
        waiting.delete(key);
        cellOf(key)?.classList.remove("is-saving");
      }
      if (answer.problem) refuse(key, typed, { before, value }, answer);
      else take(answer, contact);
      refresh();
    });
  }

  function refuse(key, typed, { before, value }, answer) {
    const [contact] = key.split(":");
    const cell = cellOf(key);
    if (waiting.has(key)) { // typed once more meanwhile, and that is on its way
      take(answer, contact);
      return;
    }
    if (!cell) {
      take(answer, contact);
      warn(note.dataset.textElsewhere.replace("{typed}", typed).replace("{problem}", answer.problem));
      return;
    }
    if (value === undefined) delete cell.dataset.value;
    else cell.dataset.value = value;
    if (editing?.cell === cell) { // being edited again: what is typed now stays there
      editing.before = before;
      take(answer, contact);
    } else {
      refused.set(key, { typed, problem: answer.problem, before });
      mark(cell, key);
      take(answer, contact);
    }
    say(cell, answer.problem);
  }

  function mark(cell, key) {
    const { typed } = refused.get(key);
    const named = headOf(cell).querySelector("template").content.firstElementChild.cloneNode(true);
    fill(named, typed, "");
    cell.classList.add("is-refused");
    cell.setAttribute("aria-invalid", "true");
    cell.textContent = shown(named);
  }

  /* The row as the server has it now. What is being typed, or waits, stays. */
  function take(answer, contact) {
    const row = rowOf(contact);
    if (row && answer.row?.cells.length === row.cells.length) patch(row, answer.row);
    else if (row && !answer.row && !answer.problem) isRefreshDue = true;
    if (!answer.toast) return;
    for (const toast of document.querySelectorAll("[data-toast-of=cell]")) {
      if (!isHeld(toast)) toast.remove();
    }
    const undo = answer.toast.querySelector("[data-undo-edit]");
    if (undo) undoable.push(undo.dataset.undoEdit);
    toasts.append(document.adoptNode(answer.toast));
  }

  function patch(row, fresh) {
    row.dataset.version = fresh.dataset.version;
    row.toggleAttribute("data-locked", fresh.hasAttribute("data-locked"));
    [...row.cells].forEach((cell, column) => {
      const other = fresh.cells[column];
      if (cell.matches(".cell--tick") || waiting.has(keyOf(cell))) return;
      for (const name of ["data-value", "title"]) {
        if (other.hasAttribute(name)) cell.setAttribute(name, other.getAttribute(name));
        else cell.removeAttribute(name);
      }
      const nodes = [...other.childNodes].map((node) => document.importNode(node, true));
      const kept = editing?.cell === cell ? editing : refused.get(keyOf(cell));
      if (kept) kept.before = nodes;
      else if (cell.textContent.trim() === other.textContent.trim()) return;
      else if (cell.matches(".cell--name")) cell.querySelector("a").textContent = other.textContent.trim();
      else {
        cell.replaceChildren(...nodes);
        cell.classList.add("is-changed");
        cell.addEventListener("animationend", () => cell.classList.remove("is-changed"), { once: true });
      }
    });
    boxIn(row).setAttribute("aria-label", boxIn(fresh).getAttribute("aria-label"));
  }

  function undo(address) {
    const contact = address.match(/\/(\d+)\/cells\/undo\//)[1];
    undoable.splice(undoable.indexOf(address), 1);
    document.querySelector(`[data-undo-edit="${address}"]`)?.closest("[data-toast]").remove();
    const row = rowOf(contact);
    if (document.activeElement === document.body) {
      (row?.querySelector("[tabindex='0']") ?? table()?.querySelector("[tabindex='0']"))?.focus();
    }
    undoing += 1;
    queue = queue.then(async () => {
      const answer = await asked(address, []);
      undoing -= 1;
      take(answer, contact);
      if (answer.problem) warn(answer.problem);
      refresh();
    });
  }

  /* Rows that come while somebody types wait until they have finished. */

  function refresh() {
    if (!isRefreshDue || editing || waiting.size || undoing) return;
    isRefreshDue = false;
    htmx.trigger(document.body, "contacts-changed");
  }

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, requestConfig } = event.detail;
    if (target?.id !== "results") return;
    if (editing && requestConfig.elt.id === "results") {
      event.detail.shouldSwap = false;
      isRefreshDue = true;
      return;
    }
    hush();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.elt?.id !== "results" || !table()) return;
    for (const [key, kept] of refused) {
      const cell = cellOf(key);
      if (!cell) continue;
      kept.before = [...cell.childNodes];
      mark(cell, key);
    }
  });
  window.addEventListener("beforeunload", (event) => {
    const isTyped = editing && read(editing.field) !== stored(editing.cell, editing.before);
    // The save on its way arrives though the page is left; those behind it would not.
    if (isTyped || refused.size > 0 || waiting.size > 1) event.preventDefault();
  });

  /* Keys and clicks. */

  function onPanelKey(event) {
    const boxes = [...editing.field.querySelectorAll("input")];
    const at = boxes.indexOf(document.activeElement);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      boxes[at + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
    } else if (event.key === "Home" || event.key === "End") {
      boxes.at(event.key === "Home" ? 0 : -1)?.focus();
    } else if (event.key.length === 1 && event.key !== " ") {
      const begins = (box) => box.closest("label").textContent.trim().toLowerCase()
        .startsWith(event.key.toLowerCase());
      (boxes.slice(at + 1).find(begins) ?? boxes.find(begins))?.focus();
    } else return;
    event.preventDefault();
  }

  // Before everybody else: while a cell is edited, Esc and Enter are the editor's.
  window.addEventListener("keydown", (event) => {
    if (!editing?.field.contains(event.target) || event.isComposing) return;
    const isMod = event.ctrlKey || event.metaKey || event.altKey;
    if (event.key === "Escape") cancel();
    else if (event.key === "Tab") finish(event.shiftKey ? "left" : "right");
    else if (event.key === "Enter" && !event.shiftKey) finish("down");
    else {
      if (!isMod && editing.isApart) onPanelKey(event);
      if (!isMod) event.stopPropagation();
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);

  // On a cell that was refused, Esc lets go of what was typed; on a note, it closes it.
  window.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || editing || document.querySelector("dialog[open]")) return;
    const cell = event.target.closest?.("#contacts-table tbody td");
    const kept = cell && boxIn(cell.parentElement) && refused.get(keyOf(cell));
    if (kept) {
      cell.replaceChildren(...kept.before);
      forget(cell, keyOf(cell));
    } else if (!note.noted) return;
    hush();
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);

  document.addEventListener("edit-cell", (event) => begin(event.target));
  document.addEventListener("undo-edit", () => {
    if (undoable.length > 0) undo(undoable.at(-1));
  });

  document.addEventListener("focusout", (event) => {
    if (!editing?.field.contains(event.target) || !document.hasFocus()) return;
    if (editing.field.contains(event.relatedTarget)) return;
    finish("");
  });
  // A click on what takes no focus leaves the editor all the same.
  document.addEventListener("pointerdown", (event) => {
    if (editing?.isApart && !editing.field.contains(event.target)) finish("");
  });

  document.addEventListener("focusin", (event) => {
    const cell = event.target.closest?.("#contacts-table tbody td");
    if (!cell || !boxIn(cell.parentElement) || editing?.cell === cell) return;
    const kept = refused.get(keyOf(cell));
    if (kept) say(cell, kept.problem);
    else if (note.noted && !note.noted.matches(".is-refused")) hush();
    if (whyNot(cell)) cell.setAttribute("aria-readonly", "true");
  });

  document.addEventListener("scroll", () => {
    if (note.noted) place(note, note.noted);
    if (editing?.isApart) place(editing.field, editing.cell);
  }, { capture: true, passive: true });

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-undo-edit]");
    if (button) undo(button.dataset.undoEdit);
  });
})();
