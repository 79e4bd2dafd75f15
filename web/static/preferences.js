// Saves each switch of the preference page when it is tapped; without this script a button saves all
// of them. A request carries the wanted state of one switch, and the next one waits for its answer.
// The page shows what is stored, and over it only the taps that are still on their way.
(() => {
  const form = document.getElementById("choices");
  // The buttons that stop everything are plain forms, and so is the page that they lead to.
  if (!form || form.dataset.stopped === "true") return;
  let url = form.getAttribute("action");
  const status = form.querySelector("[role=status]");
  const alert = form.querySelector("[role=alert]");
  const switches = [...form.querySelectorAll("input.toggle:enabled")];
  const stored = new Map(switches.map((input) => [input.value, input.defaultChecked]));
  // The tapped switches that are to be sent, by list, the first tap first.
  const waiting = new Map();
  // The tap that is on its way, and the promise of the end of all sending; null when there is none.
  let sent = null;
  let sending = null;
  let isAsked = false;

  form.querySelector("button").remove();

  const encode = (taps) => {
    const fields = new URLSearchParams();
    for (const [list, isOn] of taps) {
      fields.append(isOn ? "off" : "on", list);
      if (isOn) fields.append("list", list);
    }
    return fields;
  };

  const show = () => {
    const taps = new Map([...stored, ...(sent ? [sent] : []), ...waiting]);
    for (const input of switches) input.checked = taps.get(input.value);
  };

  const say = (text, problem = "") => {
    status.textContent = text;
    alert.textContent = problem;
  };

  // Asks for what is stored, or changes it, and remembers the answer.
  const request = async (options) => {
    const response = await fetch(url, {
      ...options,
      headers: { Accept: "application/json" },
      signal: AbortSignal.timeout(20000),
    });
    if (!response.ok) throw new Error(response.statusText);
    const answer = await response.json();
    if (answer.hasStoppedEverything) location.reload();
    // The server takes the tap for a program's: a second tap is a person's.
    if (answer.action) url = answer.action;
    isAsked = Boolean(answer.action);
    for (const list of stored.keys()) stored.set(list, answer.lists[list] ?? stored.get(list));
  };

  // After a failure: a change may have been stored although its answer was lost.
  const recover = async () => {
    const lost = new Map([sent, ...waiting]);
    waiting.clear();
    await request({}).catch(() => {});
    sent = null;
    if (waiting.size) return;
    const isSaved = [...lost].every(([list, isOn]) => stored.get(list) === isOn);
    if (isSaved) say(status.dataset.saved);
    else say("", alert.dataset.failed);
  };

  const send = async () => {
    while (waiting.size) {
      [sent] = waiting;
      waiting.delete(sent[0]);
      say(status.dataset.saving);
      try {
        await request({ method: "POST", body: encode([sent]), keepalive: true });
        sent = null;
        if (isAsked) {
          waiting.clear();
          say("", alert.dataset.again);
        } else if (!waiting.size) say(status.dataset.saved);
      } catch {
        await recover();
      }
      show();
    }
    sending = null;
  };

  form.addEventListener("change", (event) => {
    waiting.set(event.target.value, event.target.checked);
    sending ??= send();
  });

  // Another form leaves the page, which waits for the taps before it.
  document.addEventListener("submit", async (event) => {
    if (event.target === form) event.preventDefault();
    else if (sending) {
      event.preventDefault();
      await sending;
      event.target.requestSubmit(event.submitter);
    }
  });

  addEventListener("pagehide", () => {
    if (waiting.size) navigator.sendBeacon(url, encode(waiting));
    waiting.clear();
  });

  // A page that the browser has kept shows what was stored when it was left.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
})();
