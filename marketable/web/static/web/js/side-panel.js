/* A contact beside the table: a click on its name opens it there. With Ctrl or Cmd it opens a tab,
   in a narrow window the page, and so it does where this script is not. A form of the record that is
   marked data-beside is sent from there, and the table stays. */
(() => {
  "use strict";

  const panel = document.getElementById("side-panel");
  const heading = panel.querySelector("[data-name]");
  const page = panel.querySelector("[data-page]");
  const body = panel.querySelector("[data-body]");
  const isWide = matchMedia("(min-width: 900px)");
  let asked = 0;

  const links = () => [...document.querySelectorAll("a[data-open]")];
  const opener = () => links().find((link) => link.href === page.href);

  function mark() {
    for (const link of links()) {
      if (!panel.hidden && link.href === page.href) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  async function recordAt(address, sent) {
    const answer = await fetch(address, sent);
    if (!answer.ok) return null;
    const there = new DOMParser().parseFromString(await answer.text(), "text/html");
    return there.querySelector("[data-record]");
  }

  async function open(link) {
    asked += 1;
    const mine = asked;
    heading.textContent = link.textContent;
    page.href = link.href;
    panel.hidden = false;
    body.setAttribute("aria-busy", "true");
    mark();
    // At once, not with the record: by then the person may have gone on.
    heading.focus({ preventScroll: true });
    // What cannot be had beside the table is shown by the browser itself, with its reason.
    const record = await recordAt(link.href).catch(() => null);
    if (mine !== asked) return;
    if (!record) {
      location.href = link.href;
      return;
    }
    body.replaceChildren(record);
    body.removeAttribute("aria-busy");
    body.scrollTop = 0;
  }

  async function send(form) {
    asked += 1;
    const mine = asked;
    const name = form.dataset.beside;
    body.setAttribute("aria-busy", "true");
    const sent = { method: "POST", body: new URLSearchParams(new FormData(form)) };
    const record = await recordAt(form.action, sent).catch(() => null);
    if (mine !== asked) return;
    if (!record) {
      form.submit(); // what was refused, the browser shows with its reason
      return;
    }
    const { scrollTop } = body;
    body.replaceChildren(record);
    body.removeAttribute("aria-busy");
    body.scrollTop = scrollTop;
    (document.getElementById(name) ?? heading).focus({ preventScroll: true });
  }

  function close() {
    asked += 1;
    panel.hidden = true;
    body.replaceChildren();
    const back = opener() ?? document.querySelector("#contacts-table [tabindex='0']");
    mark();
    back?.focus();
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-close-panel]")) {
      close();
      return;
    }
    const link = event.target.closest?.("a[data-open]");
    if (!link || !isWide.matches) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    open(link);
  });

  body.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-beside]")) return;
    event.preventDefault();
    if (body.getAttribute("aria-busy") !== "true") send(event.target);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || panel.hidden || document.querySelector("dialog[open]")) return;
    event.stopImmediatePropagation();
    close();
  }, true);

  document.addEventListener("htmx:afterSettle", mark);
})();
