// Who matches right now: the count, a sample, and whether one customer is in, and why. The words come from the server.
import { announce } from "./app.js";
import { byId, h, icon } from "./builder_dom.js";
import { combobox } from "./combobox.js";

const SETTLED = 250;
const part = (name) => byId(`preview-${name}`);
const numbers = [part("count"), part("mini")];

/** found: takes the problems. Gives a function that takes each new filter. */
export function preview({ urls }, token, found) {
  let turn = 0, timer, running, filter, customer;
  const ask = async (url, body) => {
    const answer = await fetch(url, { method: "POST", headers: { "Content-Type": "application/json", "X-CSRFToken": token }, body: JSON.stringify(body), signal: running.signal });
    if (!answer.ok) throw new Error(answer.status);
    return answer.json();
  };
  const show = ({ words = "–", note, notes = [], sample = [] }) => {
    for (const place of numbers) { place.textContent = words; place.classList.remove("stale"); }
    part("share").textContent = note;
    part("notes").replaceChildren(...notes.map((line) => h("p", { class: "hint" }, line)));
    part("sample").replaceChildren(...sample.map(({ name, about, url }) => h("li", {}, h("a", { href: url }, name), h("span", {}, about))));
    part("people").hidden = !sample.length;
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
  const verdict = ({ verdict: holds, words, actual_words: fact, rules }) => h("li", {}, h("div", { class: holds ? "yes" : "no" }, icon(holds ? "check" : "close"),
    h("span", {}, h("span", { class: "visually-hidden" }, holds ? "Yes: " : "No: "), words, fact && h("span", { class: "muted" }, ` · ${fact}`))), rules && h("ul", {}, rules.map(verdict)));
  async function why() {
    const { sentence, tree } = await ask(urls.why, { filter, customer });
    part("why").replaceChildren(h("p", {}, h("b", {}, sentence)), h("ul", {}, verdict(tree)));
    announce(sentence);
  }
  async function settle(mine) {
    running = new AbortController();
    const unless = (say) => () => { if (mine === turn) say(); };
    await count(mine).catch(unless(() => show({ note: "The count is not available right now. Your definition is safe." })));
    if (customer && mine === turn) await why().catch(unless(() => part("why").replaceChildren("This cannot be answered right now.")));
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
    if (!filter) { show({ note: "Add a condition to see who matches." }); return; }
    for (const place of numbers) place.classList.add("stale");
    timer = setTimeout(settle, SETTLED, mine);
  };
}
