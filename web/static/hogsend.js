// Optional behaviour; every page works without it. Tells the server the reader's time zone, which
// only the browser knows, copies ids with a click, and shows that an upload is under way.
(() => {
  const zone = encodeURIComponent(Intl.DateTimeFormat().resolvedOptions().timeZone ?? "");
  document.cookie = `hogsend_zone=${zone}; path=/; max-age=31536000; samesite=lax`;

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    await navigator.clipboard?.writeText(button.dataset.copy);
    button.classList.add("copied");
    setTimeout(() => button.classList.remove("copied"), 1200);
  });

  // An open confirmation closes on a click outside it.
  document.addEventListener("click", (event) => {
    for (const open of document.querySelectorAll("details.confirm[open]")) {
      if (!open.contains(event.target)) open.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const open of document.querySelectorAll("details.confirm[open]")) {
      open.open = false;
      open.querySelector("summary").focus();
    }
  });

  // A form that takes long says so, and is not sent twice. A file that the server would refuse for its
  // size is not sent at all: the browser could lose the answer.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.busy) return;
    const size = form.querySelector("input[type=file]")?.files[0]?.size ?? 0;
    const isTooLarge = size > Number(form.dataset.maxMib) * 1024 * 1024;
    form.querySelector("#too-large").hidden = !isTooLarge;
    const button = form.querySelector("button");
    if (isTooLarge || button.ariaDisabled === "true") {
      event.preventDefault();
      return;
    }
    button.ariaDisabled = "true";
    button.dataset.text = button.textContent;
    button.textContent = form.dataset.busy;
  });
  // The browser may show the page as it was left.
  window.addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("form[data-busy] button[data-text]")) {
      button.ariaDisabled = null;
      button.textContent = button.dataset.text;
    }
  });

  document.addEventListener("DOMContentLoaded", () => {
    // On a phone the menu is one line that scrolls: show the current page.
    const current = document.querySelector(".side [aria-current]");
    current?.scrollIntoView({ inline: "center", block: "nearest" });
    // Most steps of a graph are in its middle.
    const graph = document.querySelector("svg.graph")?.parentElement;
    if (graph) graph.scrollLeft = (graph.scrollWidth - graph.clientWidth) / 2;
  });
  const markOffline = (isOffline) => () => document.body.classList.toggle("quiet-live", isOffline);
  document.addEventListener("htmx:sse:error", markOffline(true));
  document.addEventListener("htmx:sse:after:connection", markOffline(false));
})();
