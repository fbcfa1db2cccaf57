// Keeps a part of the page fresh while something runs: <div id="x" data-poll="/url" data-poll-ms="1500">.
// The server answers with a page that holds an element of the same id; without data-poll in it the asking ends.
// <form data-live="x">: what changes inside [data-redraw], and buttons named "act" but Save, redraw the part as well.
import { all, announce, on } from "./app.js";

async function refresh(part, url = part.dataset.poll, options) {
  part.ariaBusy = true;
  try {
    const answer = await fetch(url, options);
    if (!answer.ok || answer.redirected) return part;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(part.id);
    if (!fresh) return part;
    const focused = document.activeElement.id;
    part.replaceWith(fresh);
    if (focused) document.getElementById(focused)?.focus();
    if (!fresh.dataset.poll && fresh.dataset.pollDone) announce(fresh.dataset.pollDone);
    return fresh;
  } catch {
    return part; // the server is away for a moment: the old value stays, the next turn asks again
  } finally {
    part.ariaBusy = null;
  }
}

async function follow(part) {
  while (part.dataset.poll) {
    await new Promise((resolve) => setTimeout(resolve, Number(part.dataset.pollMs) || 1500));
    if (document.visibilityState === "visible") part = await refresh(part);
  }
}

all("[data-poll]", follow);

all("form[data-live]", (form) => {
  let running;
  const redraw = (act) => {
    const body = new FormData(form);
    body.append("act", act);
    running?.abort(); // the newest answer counts
    running = new AbortController();
    refresh(document.getElementById(form.dataset.live), location.href, { method: "POST", body, signal: running.signal });
  };
  on("change", ({ target }) => target.closest("[data-redraw]") && redraw("refresh"), form);
  on("submit", (event) => {
    const { name, value } = event.submitter ?? {};
    if (name !== "act" || value === "save") return;
    event.preventDefault();
    redraw(value);
  }, form);
});
