// The segment builder: one immutable tree, its history, its JSON, and the page around them.
import { all, announce, on } from "./app.js";
import { byId, h } from "./builder_dom.js";
import { preview } from "./builder_preview.js";
import { drawTree, language } from "./builder_rows.js";
import * as trees from "./builder_tree.js";

const [page, catalogue] = ["builder-page", "builder-catalogue"].map((id) => JSON.parse(byId(id).textContent));
const [form, text, summary, undo, redo] = ["builder", "id_filter", "builder-problems", "builder-undo", "builder-redo"].map(byId);
const lang = language(catalogue);
const KEY = `builder:${location.href}`;
let now = trees.begin(trees.group("all", [trees.rule()]));
let found = new Map(), missing = new Map(), adopted = "", json = false; // what the server found wrong, what is unfinished

const refresh = preview(page, form.elements.csrfmiddlewaretoken.value, placeProblems);
const written = () => trees.write(now.tree, lang.finished);
const unfinished = () => trees.rows(now.tree).filter((one) => !lang.finished(one));
const first = (node) => `${trees.rows(node)[0].id}-field`;
const [at, around] = [-1, -2].map((place) => (id) => trees.way(now.tree, id).at(place));
const put = (id, edit, focus, kind) => commit(trees.change(now.tree, id, edit), focus, kind);
const act = {
  set: (id, patch, focus, kind) => put(id, (node) => ({ ...node, ...patch }), focus, kind),
  add: (id, node) => put(id, (parent) => ({ ...parent, rules: [...parent.rules, node] }), first(node)),
  move: (id, by) => commit(trees.move(now.tree, id, Number(by)), first(at(id))),
  wrap: (id) => put(id, (node) => trees.inner(around(id), [node]), first(at(id))),
  duplicate: (id, copy = trees.twin(at(id))) => put(id, (node) => [node, copy], first(copy)),
  remove: (id) => {
    const { rules } = around(id);
    const index = rules.indexOf(at(id));
    const next = rules[index + 1] ?? rules[index - 1];
    commit(trees.remove(now.tree, id), next ? first(next) : `${now.tree.id}-add`);
  },
};

/** A new tree. kind: a value changed in its own widget, which stays as it is; the same kind again is the same step. */
function commit(tree, focus, kind) {
  now = trees.step(now, tree, kind);
  show(focus, kind);
}

function show(focus, inPlace) {
  const { filter } = written();
  text.value = adopted = filter ? JSON.stringify(filter, null, 2) : "";
  found = new Map();
  missing = new Map();
  complain([]);
  if (inPlace) all("#tree .rule-problem", (line) => line.remove());
  else draw(focus);
  try { sessionStorage.setItem(KEY, JSON.stringify({ ...now, version: page.version })); } catch { /* no room: undo ends with the page */ }
  form.dispatchEvent(new Event("input")); // for the guard of unsaved changes
  settle(filter);
}

function settle(filter) {
  undo.disabled = !now.past.length;
  redo.disabled = !now.future.length;
  refresh(filter);
}

function draw(focus = document.activeElement.id) {
  byId("tree").replaceChildren(drawTree(now.tree, { lang, page, problems: new Map([...found, ...missing]), act }));
  byId(focus)?.focus();
}

/** What the server says about the filter, under the rows it is about; for JSON above the text. */
function placeProblems(problems) {
  if (json) { complain(problems.map(({ message }) => message)); return; }
  const { paths } = written();
  const next = new Map();
  for (const { path, message } of problems) {
    const id = paths.get([...paths.keys()].filter((known) => path.startsWith(known)).sort().at(-1)) ?? now.tree.id;
    next.set(id, [...(next.get(id) ?? []), message]);
  }
  const same = JSON.stringify([...next]) === JSON.stringify([...found]);
  found = next;
  if (!same) draw();
}

function complain(lines, focus) {
  summary.hidden = !lines.length;
  summary.querySelector("div").replaceChildren(...lines.map((line) => h("p", {}, line)));
  if (focus && lines.length) summary.focus();
}

/** Make a tree of the JSON that was written; false, with the reason shown, where the builder cannot show it. */
function adopt(focus) {
  if (text.value === adopted) return true;
  try {
    const filter = JSON.parse(text.value);
    settle(filter);
    const tree = trees.read(filter, (key, op) => !lang.operator(lang.known(key), op).unknown);
    if (trees.depth(tree) > trees.DEPTH || trees.rows(tree).length > trees.ROWS) throw new Error(`more than ${trees.DEPTH} levels or ${trees.ROWS} conditions stay JSON`);
    now = trees.step(now, tree);
    adopted = text.value;
    complain([]);
    return true;
  } catch (error) {
    complain([`The builder cannot show this: ${error.message}.`], focus);
    return false;
  }
}

function turnTo(toJson) {
  if (!toJson && !adopt(true)) return;
  json = toJson;
  for (const [name, on] of [["tree", !json], ["json", json]]) {
    document.querySelector(`[data-pane=${name}]`).hidden = !on;
    document.querySelector(`[data-turn=${name}]`).setAttribute("aria-pressed", on);
  }
  byId("builder-left").hidden = !unfinished().length;
  if (!json) draw();
}

/** Whether it may be sent; else what is missing is marked and said. About JSON the server decides. */
function ready() {
  if (json) return true;
  const words = (one) => (one.field ? `${lang.known(one.field).label} has no value yet` : "A condition has no field yet");
  const go = (one) => (event) => { event.preventDefault(); byId(`${one.id}-${one.field ? "value" : "field"}`).focus(); };
  missing = new Map(unfinished().map((one) => [one.id, [`${words(one)}.`]]));
  draw();
  const lines = unfinished().map((one) => h("a", { href: `#${one.id}`, onclick: go(one) }, words(one)));
  complain(trees.rows(now.tree).length ? lines : [page.texts.none], true);
  return summary.hidden;
}

function travel(turn) {
  if ((turn === trees.undo ? undo : redo).disabled) return;
  now = turn(now);
  show();
  announce(turn === trees.undo ? "Undone" : "Done again");
}

undo.onclick = () => travel(trees.undo);
redo.onclick = () => travel(trees.redo);
all("[data-turn]", (tab) => { tab.onclick = () => turnTo(tab.dataset.turn === "json"); });
text.onblur = ({ relatedTarget }) => { if (!relatedTarget?.dataset.turn) adopt(); };
form.addEventListener("submit", (event) => {
  if (ready()) { sessionStorage.removeItem(KEY); return; }
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);
on("keydown", (event) => {
  const { key, altKey, shiftKey, target } = event;
  const command = event.ctrlKey || event.metaKey;
  const node = target.closest(".rule, .group");
  if (command && key === "Enter") form.requestSubmit();
  else if (command && key.toLowerCase() === "z" && !target.matches("textarea, input:not([type=radio])")) travel(shiftKey ? trees.redo : trees.undo);
  else if (altKey && node && node.id !== now.tree.id && /^Arrow(Up|Down)$/.test(key)) act.move(node.id, key === "ArrowUp" ? -1 : 1);
  else if (key !== "Enter" || !target.matches("#tree input")) return; // Enter in a row never saves by accident
  event.preventDefault();
});

const kept = performance.getEntriesByType("navigation")[0]?.type === "reload" && JSON.parse(sessionStorage.getItem(KEY));
document.querySelector(".builder").classList.add("on");
turnTo(Boolean(text.value.trim()) && !adopt());
now = kept?.version === page.version ? kept : trees.begin(now.tree);
if (now === kept) show();
else if (!json) { draw(); settle(written().filter); }
if (page.problems.length) placeProblems(page.problems);
