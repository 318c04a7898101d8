/* Finding one of a contact's many properties: what does not match what is typed is put aside. */
(() => {
  "use strict";

  const field = document.querySelector("[data-property-search]");
  if (!field) return;
  const place = field.closest(".property-search");
  const nothing = place.querySelector("[data-none-found]");
  const sections = [...document.querySelectorAll("[data-record] section:has(.facts__history)")];
  const rows = sections.flatMap((section) => [...section.querySelectorAll("dt")]);
  const FEW = 8;

  const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").replace(/ł/g, "l").replace(/Ł/g, "L").toLowerCase();

  function show() {
    const wanted = folded(field.value.trim());
    let found = 0;
    for (const name of rows) {
      const value = name.nextElementSibling;
      const matches = !wanted || folded(`${name.textContent} ${value.textContent}`).includes(wanted);
      name.hidden = !matches;
      value.hidden = !matches;
      found += matches;
    }
    for (const section of sections) section.hidden = ![...section.querySelectorAll("dt")].some((name) => !name.hidden);
    nothing.hidden = found > 0;
  }

  field.addEventListener("input", show);
  place.hidden = rows.length < FEW;
  place.dataset.ready = "";
})();
