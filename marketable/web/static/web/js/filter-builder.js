/* The filter builder: rows of field, operator and value, made from the JSON in the form's text area
   and written back into it after each edit. Rows move by drag and by keyboard, edits are undone, and
   whom the filter takes is asked while the person goes on. */
(() => {
  "use strict";

  const tree = window.filterTree;
  const { combobox, element } = window.filterCombobox;
  const MOST_CHIPS = 50;
  const MOST_UNDONE = 100;
  const catalogues = new Map();

  async function json(address) {
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    return answer.json();
  }

  /* What stays the same is asked for once a page. */
  function once(address) {
    if (!catalogues.has(address)) {
      const asked = json(address);
      asked.catch(() => catalogues.delete(address));
      catalogues.set(address, asked);
    }
    return catalogues.get(address);
  }

  function start(root) {
    const area = root.querySelector("textarea[name=filter]");
    const place = root.querySelector("[data-builder-rows]");
    const written = root.querySelector("[data-builder-written]");
    const taken = root.querySelector("#builder-taken");
    const says = root.querySelector("[data-builder-says]");
    let catalogue;
    let texts;
    let known;
    let filter;
    let places = new Map();
    let undone = [];
    let redone = [];
    let lastEdit = "";
    let edits = 0;
    let asked = 0;

    /* Reading and writing. */

    function load() {
      const parsed = JSON.parse(area.value.trim() || '{"and": []}');
      if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) throw new SyntaxError();
      filter = tree.readRoot(parsed, known);
    }

    function ask() {
      places = new Map();
      const json = tree.write(filter, places);
      area.value = JSON.stringify(json, null, 2);
      const areAllFinished = [...tree.conditions(filter)].every(tree.isFinished);
      const note = place.querySelector("[data-left-out]");
      if (note) note.hidden = areAllFinished || places.size === 0;
      look();
    }

    /* The page says that an answer is awaited until it is there for the last edit. */
    function look() {
      edits += 1;
      root.dataset.waiting = "";
      taken.dispatchEvent(new CustomEvent("filter-changed"));
    }

    const snapshot = () => structuredClone(filter);

    /* Remember what is, then change it. Typing in one place is one edit. */
    function change(edit, { focus, as = "", isDrawn = true, say = "" } = {}) {
      const before = snapshot();
      edit();
      if (!as || as !== lastEdit) {
        undone.push(before);
        if (undone.length > MOST_UNDONE) undone.shift();
      }
      lastEdit = as;
      redone = [];
      if (isDrawn) draw(focus);
      else markUndo();
      if (say) says.textContent = say;
      ask();
    }

    function back(from, to) {
      if (from.length === 0) return;
      to.push(snapshot());
      filter = from.pop();
      lastEdit = "";
      draw("undo");
      says.textContent = texts.undone;
      ask();
    }

    function markUndo() {
      const [undo, redo] = ["undo", "redo"].map((key) => place.querySelector(`[data-key="${key}"]`));
      if (undo) undo.disabled = undone.length === 0;
      if (redo) redo.disabled = redone.length === 0;
    }

    /* Drawing. Each control has a key, by which the focus comes back to it. */

    const button = (text, attributes, onClick) => {
      const one = element("button", { type: "button", class: "button", ...attributes }, text);
      one.addEventListener("click", onClick);
      return one;
    };

    function keyed(control, key) {
      control.dataset.key = key;
      return control;
    }

    function draw(focus) {
      const wanted = focus ?? document.activeElement?.dataset?.key;
      place.replaceChildren();
      if (filter.parts.length === 0) {
        const nobody = filter.join === "or";
        if (!nobody) place.append(element("p", { class: "hint" }, texts.everyone));
      }
      place.append(drawParts(filter), drawFoot());
      markUndo();
      if (wanted === undefined) return;
      const at = place.querySelector(`[data-key="${wanted}"]`) ?? place.querySelector('[data-key="add"]');
      const control = at?.matches("input, select, button, textarea, summary") ? at : at?.querySelector("input, select, button");
      if (control && !control.disabled) control.focus();
      else place.querySelector('[data-key="add"]').focus();
    }

    let numbered = 0;

    function drawParts(node) {
      if (node === filter) numbered = 0;
      const list = element("div", { class: "builder__parts" });
      for (const [at, part] of node.parts.entries()) {
        const row = tree.isGroup(part) ? drawGroup(part) : drawRow(part);
        const line = element("div", { class: "builder__line", "data-node": part.id }, drawJoint(node, at), row);
        list.append(line);
      }
      return list;
    }

    function drawJoint(node, at) {
      if (at === 0) return element("span", { class: "builder__joint", "aria-hidden": "true" });
      const joint = button(texts[node.join], {
        class: "button button--quiet builder__joint builder__joint--word",
        title: texts.joint_hint.replace("{joint}", texts[tree.otherJoin(node.join)]),
      }, () => {
        change(() => { node.join = tree.otherJoin(node.join); }, { focus: `${node.id}:joint${at}` });
      });
      return keyed(joint, `${node.id}:joint${at}`);
    }

    function drawGroup(node) {
      const add = keyed(button(texts.add_inside, { class: "button button--quiet" }, () => {
        const one = tree.blank();
        change(() => node.parts.push(one), { focus: `${one.id}:field` });
      }), `${node.id}:add`);
      return element("div", { class: "builder__group", role: "group", "aria-label": texts.group },
        element("div", { class: "builder__head" }, drawHandle(node), drawMenu(node)),
        drawParts(node), add);
    }

    function drawRow(node) {
      numbered += 1;
      const row = element("div", {
        class: "builder__row", role: "group",
        "aria-label": texts.condition.replace("{number}", numbered),
      });
      const asked = element("div", { class: "builder__ask" });
      if ("raw" in node) asked.append(drawRaw(node));
      else {
        asked.append(drawField(node));
        if (node.field) asked.append(drawOperator(node), drawValue(node));
      }
      row.append(drawHandle(node), asked, drawMenu(node),
        element("span", { class: "field__problem builder__problem", hidden: true }));
      return row;
    }

    function drawRaw(node) {
      const input = element("input", {
        class: "mono builder__raw", "aria-label": texts.as_written, value: node.raw, spellcheck: "false",
      });
      input.addEventListener("input", () => {
        change(() => { node.raw = input.value; }, { as: `${node.id}:raw`, isDrawn: false });
      });
      return keyed(input, `${node.id}:field`);
    }

    /* A property is found by its name, too; what has none, by what can be asked of it. */
    const besideOf = (field) => (field.name.startsWith(".")
      ? waysOf(field).map((way) => way.label).join(" ") : field.name);

    const fieldsAsItems = () => Promise.resolve(catalogue.fields.map((field) => ({
      value: field, label: field.label, group: catalogue.groups[field.group], beside: besideOf(field),
    })));

    function drawField(node) {
      const box = combobox({
        label: texts.field, items: fieldsAsItems, text: node.field?.label ?? "",
        placeholder: texts.choose_field, texts,
        onPick: ({ value: field }) => {
          change(() => choose(node, field), { focus: `${node.id}:operator` });
        },
      });
      box.classList.add("builder__field");
      return keyed(box, `${node.id}:field`);
    }

    const waysOf = (field) => catalogue.ways[field.ways];

    /* A field keeps what was asked of the one before, where it can be asked of it, too. */
    function choose(node, field) {
      const ways = waysOf(field);
      const kept = ways.find((way) => way.code === node.way?.code && way.values === node.way.values);
      const likely = field.chooses ? ways.find((way) => way.code === "is_any_of") : undefined;
      const isSameChoice = kept && kept.values !== "choice";
      node.field = field;
      ask_of(node, kept ?? likely ?? ways[0], isSameChoice ? node.value : undefined);
    }

    function ask_of(node, way, value) {
      node.way = way;
      node.value = converted(way, value);
    }

    function converted(way, value) {
      if (tree.fits(way, value)) return value;
      if (way.takes === "several") return [value].flat().filter((one) => tree.fits({ ...way, takes: "one" }, one));
      if (way.takes === "days") return 30;
      const first = [value].flat()[0];
      const isFirst = first !== undefined && tree.fits({ ...way, takes: "one" }, first);
      if (way.takes === "two") return [isFirst ? first : "", ""];
      if (way.takes === "one") return isFirst ? first : way.values === "yes_no" ? true : undefined;
      return undefined;
    }

    function drawOperator(node) {
      const select = element("select", { class: "builder__operator", "aria-label": texts.operator });
      for (const way of waysOf(node.field)) {
        select.append(element("option", { value: way.code, selected: way.code === node.way.code }, way.label));
      }
      select.addEventListener("change", () => {
        const way = waysOf(node.field).find((one) => one.code === select.value);
        change(() => ask_of(node, way, node.value), { focus: `${node.id}:operator` });
      });
      return keyed(select, `${node.id}:operator`);
    }

    /* Values, by what the way takes. */

    function drawValue(node) {
      const { takes } = node.way;
      const box = element("span", { class: "builder__value" });
      const set = (value, options) => change(() => { node.value = value; }, options);
      const key = `${node.id}:value`;
      if (takes === "days") {
        box.append(numberInput(node.value, texts.days, key, (days) => set(days, { as: key, isDrawn: false }), true), ` ${texts.days}`);
      } else if (takes === "several") {
        box.append(drawSeveral(node, key));
      } else if (takes === "two") {
        for (const at of [0, 1]) {
          if (at) box.append(element("span", { class: "hint" }, ` ${texts.and} `));
          const put = (value, options) => {
            const both = [...node.value];
            both[at] = value ?? "";
            set(both, options);
          };
          box.append(oneValue(node, node.value[at], `${key}${at}`, put, at ? texts.high : texts.low));
        }
      } else if (takes === "one") box.append(oneValue(node, node.value, key, set, texts.value));
      return box;
    }

    function numberInput(value, label, key, put, isWhole) {
      const input = element("input", {
        type: "number", step: isWhole ? "1" : "any", min: isWhole ? "0" : null, "aria-label": label,
        class: "builder__number", value: value ?? "",
      });
      input.addEventListener("input", () => put(input.value === "" ? undefined : input.valueAsNumber));
      return keyed(input, key);
    }

    function oneValue(node, value, key, put, label) {
      const { values } = node.way;
      const typed = { as: key, isDrawn: false };
      if (values === "number") return numberInput(value, label, key, (number) => put(number, typed), false);
      if (values === "yes_no") {
        const select = element("select", { "aria-label": label },
          element("option", { value: "1", selected: value === true }, texts.yes),
          element("option", { value: "0", selected: value === false }, texts.no));
        select.addEventListener("change", () => put(select.value === "1", typed));
        return keyed(select, key);
      }
      if (values === "choice") return oneChoice(node, value, key, put, label);
      if (values === "day" || values === "moving_day") return dayValue(value, key, put, label, values === "moving_day");
      const input = element("input", { type: "text", "aria-label": label, value: value ?? "", maxlength: "3000" });
      input.addEventListener("input", () => put(input.value, typed));
      return keyed(input, key);
    }

    function dayValue(value, key, put, label, canMove) {
      const box = element("span", { class: "builder__day" });
      const isMoved = tree.isMoved(value);
      const days = isMoved ? value.days_from_today : 0;
      const how = !isMoved ? "day" : days === 0 ? "today" : days < 0 ? "before" : "after";
      const input = () => {
        const one = element("input", { type: "date", "aria-label": `${label}: ${texts.day}`, value: isMoved ? "" : value ?? "" });
        one.addEventListener("input", () => put(one.value || undefined, { as: key, isDrawn: false }));
        return keyed(one, key);
      };
      if (!canMove) return input();
      const select = element("select", { "aria-label": texts.how_day });
      const named = { day: texts.on_day, today: texts.today, before: texts.before_today, after: texts.after_today };
      if (how === "before" || how === "after") {
        const sign = how === "before" ? -1 : 1;
        box.append(numberInput(Math.abs(days), `${label}: ${texts.days}`, key, (number) => {
          put({ days_from_today: sign * (number || 0) }, { as: key, isDrawn: false });
        }, true));
      }
      for (const [name, text] of Object.entries(named)) {
        select.append(element("option", { value: name, selected: name === how }, text));
      }
      select.addEventListener("change", () => {
        const moved = { day: "", today: { days_from_today: 0 }, before: { days_from_today: -7 }, after: { days_from_today: 7 } };
        put(moved[select.value] || undefined, { focus: `${key}:how` });
      });
      box.append(keyed(select, `${key}:how`));
      if (how === "day") box.append(input());
      return box;
    }

    const choicesOf = (field) => once(`${root.dataset.choices}?field=${encodeURIComponent(field.name)}`)
      .then(({ choices }) => choices.map(([value, label]) => ({ value, label, beside: String(value) })));

    function oneChoice(node, value, key, put, label) {
      const box = combobox({
        label, items: () => choicesOf(node.field), text: value === undefined || value === "" ? "" : String(value),
        placeholder: texts.add_value, texts, onPick: (item) => put(item.value, { focus: key }),
      });
      if (value !== undefined && value !== "") {
        choicesOf(node.field).then((all) => {
          const found = all.find((item) => item.value === value);
          const input = box.querySelector("input");
          if (found && input.value === String(value)) input.value = found.label;
        });
      }
      return keyed(box, key);
    }

    function drawSeveral(node, key) {
      const box = element("span", { class: "builder__several" });
      const isChoice = node.way.values === "choice";
      const without = (value) => change(() => {
        node.value = node.value.filter((one) => one !== value);
      }, { focus: key });
      for (const value of node.value.slice(0, MOST_CHIPS)) {
        const text = element("span", { class: "builder__chip-text" }, String(value));
        const chip = element("span", { class: "chip builder__chip" }, text);
        const remove = button("×", { class: "builder__chip-remove", "aria-label": texts.remove_value.replace("{value}", value) }, () => without(value));
        chip.append(remove);
        box.append(chip);
        if (isChoice) {
          choicesOf(node.field).then((all) => {
            const found = all.find((item) => item.value === value);
            if (found) {
              text.textContent = found.label;
              remove.setAttribute("aria-label", texts.remove_value.replace("{value}", found.label));
            } else chip.classList.add("chip--bad");
          });
        }
      }
      if (node.value.length > MOST_CHIPS) {
        box.append(element("span", { class: "hint" }, texts.more_values.replace("{count}", node.value.length - MOST_CHIPS)));
      }
      const put = (values) => {
        const fresh = values.filter((value) => !node.value.includes(value));
        if (fresh.length) change(() => { node.value = [...node.value, ...new Set(fresh)]; }, { focus: key });
        else draw(key);
      };
      const input = isChoice ? combobox({
        label: texts.add_value, placeholder: texts.add_value, texts,
        items: () => choicesOf(node.field).then((all) => all.filter((item) => !node.value.includes(item.value))),
        onPick: (item) => put([item.value]),
      }) : freeValue(node, put);
      box.append(keyed(input, key));
      box.addEventListener("keydown", (event) => {
        if (event.key !== "Backspace" || event.target.value !== "" || node.value.length === 0) return;
        event.preventDefault();
        without(node.value.at(-1));
      });
      return box;
    }

    /* Typed values, one after the other, or a pasted list of lines. */
    function freeValue(node, put) {
      const isNumber = node.way.values === "number";
      const input = element("input", {
        type: "text", "aria-label": texts.add_value, placeholder: texts.add_value, class: "builder__free",
        inputmode: isNumber ? "decimal" : null,
      });
      const parse = (text) => {
        const parts = text.split(/[\n;]+/).map((one) => one.trim()).filter(Boolean);
        return isNumber ? parts.map((one) => Number(one.replace(",", "."))).filter(Number.isFinite) : parts;
      };
      const take = (text) => {
        const values = parse(text);
        if (values.length) put(values);
      };
      input.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || !input.value.trim()) return;
        event.preventDefault();
        take(input.value);
      });
      input.addEventListener("change", () => take(input.value));
      input.addEventListener("paste", (event) => {
        const text = event.clipboardData.getData("text");
        if (!/[\n;]/.test(text)) return;
        event.preventDefault();
        take(text);
      });
      return input;
    }

    /* Moving, and what else is done to a row. */

    function drawHandle(node) {
      const handle = button("⠿", { class: "button button--quiet builder__handle", "aria-label": texts.drag, title: texts.drag }, () => {});
      handle.addEventListener("keydown", (event) => {
        const way = { ArrowUp: -1, ArrowDown: 1 }[event.key];
        if (!way || event.altKey) return;
        event.preventDefault();
        move(node, way, "handle");
      });
      handle.addEventListener("pointerdown", (event) => drag(event, handle, node));
      return keyed(handle, `${node.id}:handle`);
    }

    function sayPlace(node) {
      const { parent, place: at } = tree.placeOf(filter, node.id);
      says.textContent = texts.moved.replace("{place}", at + 1).replace("{count}", parent.parts.length);
    }

    function move(node, way, control) {
      const before = snapshot();
      if (!tree.step(filter, node.id, way)) return;
      undone.push(before);
      redone = [];
      lastEdit = "";
      draw(`${node.id}:${control}`);
      sayPlace(node);
      ask();
    }

    function drag(event, handle, node) {
      if (event.button !== 0) return;
      event.preventDefault();
      handle.focus();
      handle.setPointerCapture(event.pointerId);
      const own = handle.closest("[data-node]");
      let goal = null;
      const clear = () => place.querySelectorAll(".is-before, .is-after").forEach((one) => one.classList.remove("is-before", "is-after"));
      const over = (moved) => {
        own.classList.add("is-dragged");
        clear();
        goal = null;
        const line = document.elementFromPoint(moved.clientX, moved.clientY)?.closest("[data-node]");
        if (!line || !place.contains(line) || own.contains(line)) return;
        const head = line.querySelector(":scope > .builder__row, :scope > .builder__group > .builder__head");
        const box = line.matches(":has(> .builder__group)") ? head.getBoundingClientRect() : line.getBoundingClientRect();
        const isAfter = moved.clientY > box.top + box.height / 2;
        goal = { id: line.dataset.node, isAfter };
        line.classList.add(isAfter ? "is-after" : "is-before");
      };
      const end = (last) => {
        handle.removeEventListener("pointermove", over);
        handle.removeEventListener("pointerup", end);
        handle.removeEventListener("pointercancel", end);
        clear();
        own.classList.remove("is-dragged");
        if (last.type !== "pointerup" || !goal) return;
        const before = snapshot();
        if (!tree.moveBeside(filter, node.id, goal.id, goal.isAfter)) return;
        undone.push(before);
        redone = [];
        lastEdit = "";
        draw(`${node.id}:handle`);
        sayPlace(node);
        ask();
      };
      handle.addEventListener("pointermove", over);
      handle.addEventListener("pointerup", end);
      handle.addEventListener("pointercancel", end);
    }

    function drawMenu(node) {
      const summary = keyed(element("summary", { class: "button button--quiet", "aria-label": texts.more, title: texts.more }, "⋯"), `${node.id}:menu`);
      const list = element("div", { class: "menu__panel" });
      const item = (text, run) => {
        const one = button(text, { class: "menu__item" }, run);
        list.append(one);
      };
      const id = node.id;
      item(texts.up, () => move(node, -1, "menu"));
      item(texts.down, () => move(node, 1, "menu"));
      item(texts.duplicate, () => {
        let other;
        change(() => { other = tree.duplicate(filter, id); }, { say: texts.added });
        draw(`${other}:handle`);
      });
      if (tree.isGroup(node)) {
        item(texts.unwrap, () => change(() => tree.unwrap(filter, id), { focus: `${node.parts[0].id}:handle` }));
      } else {
        item(texts.wrap, () => change(() => tree.wrap(filter, id), { focus: `${id}:handle` }));
      }
      item(tree.isGroup(node) ? texts.remove_group : texts.remove, () => {
        change(() => tree.remove(filter, id), { focus: "add", say: texts.removed });
      });
      return element("details", { class: "menu builder__menu" }, summary, list);
    }

    function drawFoot() {
      const add = (text, key, run) => keyed(button(text, {}, () => {
        if ([...tree.conditions(filter)].length >= catalogue.most) {
          says.textContent = texts.most.replace("{count}", catalogue.most);
          return;
        }
        run();
      }), key);
      let added;
      const undo = keyed(button(texts.undo, { class: "button button--quiet" }, () => back(undone, redone)), "undo");
      const redo = keyed(button(texts.redo, { class: "button button--quiet" }, () => back(redone, undone)), "redo");
      return element("div", { class: "builder__foot" },
        add(texts.add_condition, "add", () => {
          added = tree.blank();
          const to = filter.join === "or" && filter.parts.length === 0 ? "and" : filter.join;
          change(() => { filter.join = to; filter.parts.push(added); }, { focus: `${added.id}:field` });
        }),
        add(texts.add_group, "add_group", () => {
          const before = snapshot();
          added = tree.addGroup(filter);
          undone.push(before);
          redone = [];
          lastEdit = "";
          draw(`${added}:field`);
          ask();
        }),
        undo, redo,
        keyed(button(texts.show_json, { class: "button button--quiet" }, () => showJson(true)), "json"),
        element("p", { class: "hint builder__note", "data-left-out": true, hidden: true }, texts.left_out));
    }

    /* The JSON itself, for who would rather write or paste it. */
    const backToRows = button("", { class: "button" }, () => showJson(false));

    function showJson(isShown) {
      if (!isShown) {
        try {
          const before = snapshot();
          load();
          undone.push(before);
        } catch (error) {
          if (!(error instanceof SyntaxError)) throw error;
          area.setAttribute("aria-invalid", "true");
          says.textContent = texts.bad_json;
          area.focus();
          return;
        }
      }
      area.removeAttribute("aria-invalid");
      written.hidden = !isShown;
      place.hidden = isShown;
      if (isShown) area.focus();
      else {
        draw("json");
        ask();
      }
    }

    area.addEventListener("input", look);

    /* What the server says of the filter: problems stand at their rows. */

    function markProblems() {
      for (const row of place.querySelectorAll(".is-bad")) row.classList.remove("is-bad");
      for (const told of place.querySelectorAll(".builder__problem")) told.hidden = true;
      for (const problem of taken.querySelectorAll("[data-problem]")) {
        const line = place.querySelector(`[data-node="${places.get(problem.dataset.problem)}"]`);
        if (!line || place.hidden) continue;
        mark(line, `${texts.needs_attention}: ${problem.textContent}`);
        problem.hidden = true;
      }
    }

    function mark(line, text) {
      const told = line.querySelector(".builder__problem");
      line.querySelector(".builder__row").classList.add("is-bad");
      told.textContent = text;
      told.hidden = false;
    }

    taken.addEventListener("htmx:afterSwap", () => {
      taken.hidden = false;
      markProblems();
      if (asked === edits) delete root.dataset.waiting;
    });
    taken.addEventListener("htmx:beforeRequest", () => { asked = edits; });

    root.look = look;

    /* Nothing unfinished is applied. Tells whether the filter may go. */
    root.isFinished = () => {
      if (!catalogue || place.hidden) return true;
      const open = [...tree.conditions(filter)].find((node) => !tree.isFinished(node));
      if (!open) return true;
      const line = place.querySelector(`[data-node="${open.id}"]`);
      mark(line, texts.unfinished);
      says.textContent = texts.unfinished;
      line.querySelector(".builder__value input, .builder__value select, .builder__field input, .builder__raw")?.focus();
      return false;
    };

    root.addEventListener("keydown", (event) => {
      const isMod = event.ctrlKey || event.metaKey;
      if (isMod && event.key.toLowerCase() === "z" && !event.target.matches("input, textarea")) {
        event.preventDefault();
        event.stopPropagation();
        if (event.shiftKey) back(redone, undone);
        else back(undone, redone);
      }
      const way = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (event.altKey && way) {
        const line = event.target.closest("[data-node]");
        const found = line && tree.placeOf(filter, line.dataset.node);
        if (!found) return;
        event.preventDefault();
        move(found.node, way, event.target.closest("[data-key]")?.dataset.key.split(":")[1] ?? "handle");
      }
    });

    root.addEventListener("click", async (event) => {
      const copy = event.target.closest("[data-copy]");
      if (!copy) return;
      const text = {
        sentence: () => root.querySelector("[data-sentence]").textContent,
        json: () => area.value,
        link: () => copy.dataset.link,
      }[copy.dataset.copy]();
      await copyText(text);
      says.textContent = texts.copied;
      const label = copy.textContent;
      copy.textContent = texts.copied;
      setTimeout(() => { copy.textContent = label; }, 1500);
    });

    once(root.dataset.fields).then((found) => {
      catalogue = found;
      texts = found.texts;
      known = tree.indexed(found);
      backToRows.textContent = texts.show_rows;
      written.append(backToRows);
      let isRead = true;
      try {
        load();
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        isRead = false;
        filter = tree.group("and");
      }
      if (isRead) {
        written.hidden = true;
        place.hidden = false;
        if (filter.parts.length === 0 && filter.join === "and") filter.parts.push(tree.blank());
        draw(root.closest("#filter-panel") ? `${firstOf(filter)}:field` : undefined);
        ask();
      } else look();
      root.dataset.ready = "";
    });

    function firstOf(node) {
      const [first] = tree.conditions(node);
      return first?.id;
    }
  }

  /* Pages that are not on https have no clipboard of their own. */
  async function copyText(text) {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text);
      return;
    }
    const area = element("textarea", { class: "visually-hidden", readonly: true }, text);
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }

  /* The panel above the contacts table. */

  const panel = () => document.getElementById("filter-panel");
  const opener = () => document.getElementById("filter-edit");
  const isOpen = () => Boolean(panel()?.firstElementChild);

  function closePanel() {
    if (!isOpen()) return;
    panel().replaceChildren();
    opener()?.setAttribute("aria-expanded", "false");
    opener()?.focus();
  }

  /* The table was searched, sorted or looked at otherwise meanwhile: the filter goes with that. */
  function followTable() {
    const search = document.querySelector("#tool-row form.search");
    const state = panel().querySelector("[data-builder-state]");
    if (!search || !state) return;
    state.replaceChildren();
    for (const [name, value] of new FormData(search)) {
      if (name !== "filter") state.append(element("input", { type: "hidden", name, value }));
    }
    panel().querySelector("[data-filter-builder]").look();
  }

  document.addEventListener("click", (event) => {
    const close = event.target.closest?.("[data-close-filter]");
    if (close && panel()?.contains(close)) {
      event.preventDefault();
      closePanel();
      return;
    }
    if (isOpen() && event.target.closest?.("#filter-edit")) {
      event.preventDefault();
      event.stopPropagation();
      closePanel();
    }
  }, true);

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || !panel()?.contains(event.target)) return;
    event.preventDefault();
    closePanel();
  });

  document.addEventListener("submit", (event) => {
    const builder = event.target.querySelector?.("[data-filter-builder]");
    if (!builder?.isFinished || builder.isFinished()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.elt?.id !== "results" || !isOpen()) return;
    if (event.detail.requestConfig?.elt?.id === "filter-form") closePanel();
    else {
      opener()?.setAttribute("aria-expanded", "true");
      followTable();
    }
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id === "filter-panel") opener()?.setAttribute("aria-expanded", "true");
  });

  document.addEventListener("htmx:load", (event) => {
    const { elt } = event.detail;
    if (elt === document.body && panel()) panel().dataset.ready = "";
    for (const root of [elt, ...elt.querySelectorAll("[data-filter-builder]")]) {
      if (!root.matches("[data-filter-builder]") || root.dataset.bound !== undefined) continue;
      root.dataset.bound = "";
      start(root);
    }
  });
})();
