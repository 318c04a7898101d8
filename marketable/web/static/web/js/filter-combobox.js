/* A field to type into with a list to choose from, after the WAI-ARIA combobox pattern. The list may
   hold thousands: what is typed narrows it, and the first hundred are shown. */
(() => {
  "use strict";

  const MOST_SHOWN = 100;
  let made = 0;

  const MARKED = { ł: "l", đ: "d", ø: "o", ß: "ss", æ: "ae", œ: "oe", ı: "i" };
  const fold = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "")
    .replace(/[łđøßæœı]/g, (letter) => MARKED[letter]);

  const element = (tag, attributes = {}, ...children) => {
    const one = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === true) one.setAttribute(name, "");
      else if (value !== false && value !== undefined && value !== null) one.setAttribute(name, value);
    }
    one.append(...children);
    return one;
  };

  /* items      () → a promise of [{value, label, group, beside}]; `beside` is found, too
     text       what the field shows at first
     onPick     gets the item that was chosen
     onType     gets what was typed where the list has none of it; else it is let go of */
  function combobox({ label, items, text = "", placeholder = "", texts, onPick, onType }) {
    made += 1;
    const list = element("div", {
      id: `combobox-list-${made}`, class: "combobox__list", role: "listbox", "aria-label": label, hidden: true,
    });
    const input = element("input", {
      type: "text", class: "combobox__input", role: "combobox", autocomplete: "off",
      spellcheck: "false", "aria-label": label, "aria-autocomplete": "list", "aria-expanded": "false",
      "aria-controls": list.id, placeholder, value: text,
    });
    const says = element("span", { class: "visually-hidden", role: "status" });
    const root = element("span", { class: "combobox" }, input, list, says);
    let shown = [];
    let active = -1;
    let isTyped = false;
    let asked = 0;

    function close() {
      asked += 1;
      list.hidden = true;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
      active = -1;
      says.textContent = "";
    }

    function point(place) {
      list.querySelector("[aria-selected=true]")?.setAttribute("aria-selected", "false");
      active = place;
      const option = list.querySelector(`[data-place="${place}"]`);
      if (!option) {
        input.removeAttribute("aria-activedescendant");
        return;
      }
      option.setAttribute("aria-selected", "true");
      input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    }

    function rank(item, words) {
      const inLabel = fold(item.label);
      const all = `${inLabel} ${fold(item.beside ?? "")}`;
      if (!words.every((word) => all.includes(word))) return -1;
      if (words.length === 0 || inLabel === words.join(" ")) return 0;
      if (inLabel.startsWith(words[0])) return 1;
      return inLabel.includes(words[0]) ? 2 : 3;
    }

    function draw(all) {
      const words = isTyped ? fold(input.value).split(/\s+/).filter(Boolean) : [];
      const ranked = all.map((item) => ({ item, rank: rank(item, words) })).filter((one) => one.rank >= 0);
      if (words.length) ranked.sort((one, other) => one.rank - other.rank);
      shown = ranked.slice(0, MOST_SHOWN).map((one) => one.item);
      list.replaceChildren();
      let box = list;
      let group = null;
      for (const [place, item] of shown.entries()) {
        if (words.length === 0 && item.group !== undefined && item.group !== group) {
          group = item.group;
          box = element("div", { role: "group", "aria-label": group },
            element("div", { class: "combobox__group", "aria-hidden": "true" }, group));
          list.append(box);
        }
        const beside = words.length && item.group
          ? element("span", { class: "combobox__beside" }, item.group) : "";
        box.append(element("div", {
          id: `${list.id}-${place}`, class: "combobox__option", role: "option",
          "aria-selected": "false", "data-place": place,
        }, element("span", {}, item.label), beside));
      }
      const more = ranked.length - shown.length;
      if (shown.length === 0) list.append(element("div", { class: "combobox__note", role: "presentation" }, texts.nothing_found));
      if (more > 0) list.append(element("div", { class: "combobox__note", role: "presentation" }, texts.more_results.replace("{count}", more)));
      says.textContent = shown.length ? texts.results.replace("{count}", ranked.length) : texts.nothing_found;
      list.hidden = false;
      input.setAttribute("aria-expanded", "true");
      point(isTyped && shown.length ? 0 : -1);
    }

    async function open() {
      asked += 1;
      const mine = asked;
      const all = await items();
      if (mine === asked && input.isConnected && document.activeElement === input) draw(all);
    }

    function pick(item) {
      isTyped = false;
      input.value = item.label;
      close();
      onPick(item);
    }

    const isOpen = () => !list.hidden;

    input.addEventListener("input", () => { isTyped = true; open(); });
    input.addEventListener("click", () => { if (!isOpen()) open(); });
    input.addEventListener("focus", () => { input.select(); });
    input.addEventListener("blur", () => {
      const typed = input.value.trim();
      close();
      if (!isTyped) return;
      isTyped = false;
      if (onType && typed) onType(typed);
      else input.value = text;
    });
    input.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        if (event.altKey && !isOpen()) return; // moves the row
        event.preventDefault();
        event.stopPropagation();
        if (!isOpen()) open();
        else {
          const step = event.key === "ArrowDown" ? 1 : -1;
          point((active + step + shown.length + (active < 0 && step < 0 ? 1 : 0)) % (shown.length || 1));
        }
      } else if (event.key === "Enter") {
        if (isOpen() && shown[active]) pick(shown[active]);
        else if (onType && isTyped && input.value.trim()) {
          const typed = input.value.trim();
          isTyped = false;
          close();
          onType(typed);
        } else if (!isTyped) return;
        event.preventDefault();
        event.stopPropagation();
      } else if (event.key === "Escape" && isOpen()) {
        event.preventDefault();
        event.stopPropagation();
        isTyped = false;
        input.value = text;
        close();
      }
    });
    list.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // the field keeps the focus
      const option = event.target.closest("[role=option]");
      if (option) pick(shown[Number(option.dataset.place)]);
    });
    return root;
  }

  window.filterCombobox = { combobox, element };
})();
