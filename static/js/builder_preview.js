// Who matches right now: the count, a sample, and whether one customer is in, and why. The words come from the server.
import { announce } from "./app.js";
import { byId, h } from "./builder_dom.js";
import { combobox } from "./combobox.js";

const part = (name) => byId(`preview-${name}`);
const numbers = [part("count"), part("mini")];
/** Markup of our own server, every value in it escaped there. */
const put = (name, markup) => part(name).replaceChildren(...new DOMParser().parseFromString(markup, "text/html").body.childNodes);

/** found: takes the problems. Gives a function that takes each new filter. */
export function preview({ urls, texts }, token, found) {
  let turn = 0, timer, running, filter, customer;
  const ask = async (url, body) => {
    const answer = await fetch(url, { method: "POST", headers: { "Content-Type": "application/json", "X-CSRFToken": token }, body: JSON.stringify(body), signal: running.signal });
    if (!answer.ok) throw new Error(answer.status);
    return answer.json();
  };
  const show = ({ words = "–", note, markup = "" }) => {
    for (const place of numbers) { place.textContent = words; place.classList.remove("stale"); }
    part("share").textContent = note;
    put("people", markup);
  };
  /** About at once, exact when the server has counted; said aloud once it stays. */
  async function count(mine, phase = 1) {
    const answer = await ask(urls.preview, { filter, phase });
    if (mine !== turn) return;
    found(answer.problems);
    show(answer);
    if (answer.more) await count(mine, 2);
    else announce(answer.said);
  }
  async function why() {
    const { sentence, markup } = await ask(urls.why, { filter, customer });
    put("why", markup);
    announce(sentence);
  }
  async function settle(mine) {
    running = new AbortController();
    const unless = (say) => () => { if (mine === turn) say(); };
    await count(mine).catch(unless(() => show({ note: texts.away })));
    if (customer && mine === turn) await why().catch(unless(() => part("why").replaceChildren(texts.unanswered)));
  }

  const input = h("input", { id: "preview-who", placeholder: "Name, e-mail or id" });
  part("box").append(combobox(input, {
    label: "Customers", wait: 150, pick: (item) => { input.value = item.label; customer = item.value; if (filter) settle(turn); },
    find: (text) => fetch(`${urls.customers}?q=${encodeURIComponent(text)}`).then((answer) => answer.json()).then(({ items }) => items).catch(() => []),
  }));
  return (next) => {
    const mine = (turn += 1);
    clearTimeout(timer);
    running?.abort();
    filter = next;
    part("why").replaceChildren();
    if (!filter) { show({ note: texts.start }); return; }
    for (const place of numbers) place.classList.add("stale");
    timer = setTimeout(settle, 250, mine);
  };
}
