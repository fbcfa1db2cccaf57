// Keeps a part of the page fresh while something runs: <div id="x" data-poll="/url" data-poll-ms="1500">.
// The server answers with a page that holds an element of the same id; without data-poll in it the asking ends.
import { announce } from "./app.js";

async function refresh(part) {
  const slow = setTimeout(() => part.classList.add("slow"), 400);
  part.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(part.dataset.poll, { headers: { "X-Requested-With": "poll" }, credentials: "same-origin" });
    if (!answer.ok || answer.redirected) return part;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(part.id);
    if (!fresh) return part;
    const adopted = document.adoptNode(fresh);
    part.replaceWith(adopted);
    if (!adopted.dataset.poll && adopted.dataset.pollDone) announce(adopted.dataset.pollDone);
    return adopted;
  } catch {
    return part; // the server is away for a moment: the old value stays, the next turn asks again
  } finally {
    clearTimeout(slow);
    part.classList.remove("slow");
    part.removeAttribute("aria-busy");
  }
}

async function follow(part) {
  while (part.dataset.poll) {
    await new Promise((resolve) => setTimeout(resolve, Number(part.dataset.pollMs) || 1500));
    if (document.visibilityState === "visible") part = await refresh(part);
  }
}

document.querySelectorAll("[data-poll]").forEach(follow);
