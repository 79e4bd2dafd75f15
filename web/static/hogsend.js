// Two comforts that a page without scripts does without: times on hover in the reader's own zone,
// and ids that are copied with a click.
(() => {
  const zoned = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

  const tell = (root) => {
    for (const time of root.querySelectorAll("time[datetime]")) {
      time.title = zoned.format(new Date(time.dateTime));
    }
  };

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
    tell(document);
    // On a phone the menu is one line that scrolls: begin where the reader is.
    const here = document.querySelector(".side [aria-current]");
    here?.scrollIntoView({ inline: "center", block: "nearest" });
  });
  document.addEventListener("htmx:after:swap", () => tell(document));
  const quiet = (still) => () => document.body.classList.toggle("quiet-live", still);
  document.addEventListener("htmx:sse:error", quiet(true));
  document.addEventListener("htmx:sse:after:connection", quiet(false));
})();
