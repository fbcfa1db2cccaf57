// A text field with a list of suggestions: the ARIA 1.2 combobox, focus stays in the field.
import { h } from "./builder_dom.js";

let serial = 0;

/** Those that hold the text, the ones that begin with it first. */
export function matching(items, text, words = ({ label }) => `${label}`) {
  const at = (item) => words(item).toLowerCase().indexOf(text.trim().toLowerCase());
  return items.filter((item) => at(item) >= 0).sort((one, two) => Math.min(at(one), 1) - Math.min(at(two), 1));
}

/**
 * find(text) gives items {value, label, group?, note?, hint?}, or a promise of them; pick(item) takes one.
 * shown: only items count, and leaving the field puts `shown()` back. wait: milliseconds before asking.
 */
export function combobox(input, { find, pick, label, shown, wait = 0 }) {
  const list = h("div", { id: `list-${(serial += 1)}`, role: "listbox", class: "listbox", label: label, hidden: true });
  let items = [], options = [], active = -1, turn = 0, timer;

  const mark = (index) => {
    options[active]?.setAttribute("aria-selected", "false");
    active = index;
    options[active]?.setAttribute("aria-selected", "true");
    options[active]?.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", options[active]?.id ?? "");
  };
  const show = (visible) => { list.hidden = !visible; input.setAttribute("aria-expanded", visible); };
  const close = () => { turn += 1; show(false); mark(-1); };
  const take = (item) => { close(); pick(item); };
  const draw = () => {
    let home = list, heading;
    list.replaceChildren(shown && !items.length ? h("div", { class: "listbox-heading" }, "Nothing matches") : "");
    options = items.map((item, index) => {
      if (item.group !== heading) list.append(home = h("div", { role: "group", label: heading = item.group }, h("div", { class: "listbox-heading", "aria-hidden": "true" }, heading)));
      const option = h("div", { role: "option", id: `${list.id}-${index}`, class: "option", "aria-selected": "false", title: item.hint, onclick: () => take(item) },
        h("span", {}, item.label), item.note && h("span", { class: "option-note" }, item.note));
      home.append(option);
      return option;
    });
    show(list.childElementCount > 0);
  };
  const open = (text, first) => {
    const mine = (turn += 1);
    const use = (found) => {
      if (mine !== turn || document.activeElement !== input) return;
      items = found.slice(0, 100);
      draw();
      mark(first && items.length ? 0 : -1);
    };
    const ask = () => { const found = find(text); if (found.then) found.then(use); else use(found); }; // at once where it can be: Enter may follow
    clearTimeout(timer);
    if (text && wait) timer = setTimeout(ask, wait);
    else ask();
  };
  const go = (next) => (list.hidden ? open("", true) : mark(next % options.length));
  const keys = {
    ArrowDown: () => go(active + 1),
    ArrowUp: () => go((active > 0 ? active : options.length) - 1),
    Enter: () => items[active] && take(items[active]),
    Escape: close,
  };
  const events = {
    input: () => open(input.value, shown),
    click: () => list.hidden && open(""),
    blur: () => { close(); if (shown) input.value = shown(); },
    keydown: (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      if (event.key === "Tab" && shown && active >= 0) keys.Enter();
      else if (keys[event.key] && !(event.key === "Escape" && list.hidden)) { event.preventDefault(); keys[event.key](); }
    },
  };
  const attributes = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id, autocomplete: "off", spellcheck: "false" };
  for (const name in attributes) input.setAttribute(name, attributes[name]);
  for (const name in events) input.addEventListener(name, events[name]);
  list.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus
  return h("div", { class: "combo" }, input, list);
}
