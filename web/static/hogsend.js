// Comforts that a page without scripts does without: times in the reader's own zone, which only
// the browser knows and tells the server here, and ids that are copied with a click.
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

  // A question that was opened closes when the reader turns elsewhere.
  document.addEventListener("click", (event) => {
    for (const open of document.querySelectorAll("details.ask[open]")) {
      if (!open.contains(event.target)) open.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const open of document.querySelectorAll("details.ask[open]")) {
      open.open = false;
      open.querySelector("summary").focus();
    }
  });

  document.addEventListener("DOMContentLoaded", () => {
    // On a phone the menu is one line that scrolls: begin where the reader is.
    const here = document.querySelector(".side [aria-current]");
    here?.scrollIntoView({ inline: "center", block: "nearest" });
  });
  const quiet = (still) => () => document.body.classList.toggle("quiet-live", still);
  document.addEventListener("htmx:sse:error", quiet(true));
  document.addEventListener("htmx:sse:after:connection", quiet(false));
})();
