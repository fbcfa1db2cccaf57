// The widgets of a condition's value, one for each kind that the catalogue names.
import { announce } from "./app.js";
import { button, h, number } from "./builder_dom.js";
import { combobox, matching } from "./combobox.js";

const MOST = 1000;
const FOLDED = 25;
const SEPARATORS = /[\r\n\t,;]+/;

/** Declared values, else the most frequent ones, asked for once. */
const suggestions = (field, { urls }) => field.asked ??= field.values ? Promise.resolve(field.values)
  : fetch(`${urls.values}?field=${encodeURIComponent(field.key)}`).then((answer) => answer.json()).then(({ values }) => values).catch(() => []);
const labelOf = ({ values }, value) => values?.find((one) => one.value === value)?.label ?? (value === "" ? "(empty text)" : `${value ?? ""}`);
const suggested = ({ field, page }, input, pick, taken = []) => combobox(input, { label: `Values of ${field.label}`, pick,
  find: (text) => suggestions(field, page).then((items) => matching(items.filter(({ value }) => !taken.includes(value)), text)) });

/** A field whose value is `read(what was typed)`; undefined: not yet one. */
function entry(value, { id, change, name = "Value" }, props, read = (typed) => typed || undefined) {
  return h("input", { id, value, label: name, placeholder: "Value", maxlength: 5000, ...props, oninput: ({ target }) => {
    const found = read(target.value);
    target.setAttribute("aria-invalid", target.value !== "" && found === undefined);
    change(found === undefined ? [] : [found], true);
  } });
}

function text([value], context) {
  const input = entry(labelOf(context.field, value), context);
  return suggested(context, input, (item) => { input.value = item.label; context.change([item.value]); });
}

function chips(list, context) {
  const { field, page, id, change } = context;
  const box = h("div", { class: "values" });
  const note = h("p", { class: "hint" });
  const keep = (next, stay = true) => { list = next; change(list); draw(stay); };
  // What is cut or dropped is said.
  const take = (texts, stay, old = list) => {
    const given = texts.map((part) => part.trim()).filter(Boolean);
    const fresh = [...new Set(given)].filter((part) => !old.some((value) => `${value}` === part));
    const fits = fresh.slice(0, Math.max(0, MOST - old.length));
    const [twice, over] = [given.length - fresh.length, fresh.length - fits.length];
    keep([...old, ...fits], stay);
    note.replaceChildren(given.length > 1 || twice ? `${number(fits.length)} added` : "", twice ? `, ${number(twice)} dropped as duplicates` : "",
      over ? h("span", {}, `, ${number(over)} left out: ${number(MOST)} are the most. `, h("a", { href: page.urls.list }, "Make a fixed segment of the list")) : "");
    announce(note.textContent);
  };
  const edit = () => {
    const area = h("textarea", { id, class: "code", rows: 8, label: "Values, one a line", value: list.join("\n"), onblur: () => {
      const lines = area.value.split(/\r?\n/);
      const kept = list.filter((value) => lines.includes(`${value}`));
      take(lines.filter((line) => !kept.some((value) => `${value}` === line)), false, kept);
    } });
    box.replaceChildren(area);
    area.focus();
  };
  const draw = (stay) => {
    const folded = list.length >= FOLDED;
    const typed = (focus) => {
      const texts = input.value.split(SEPARATORS);
      input.value = ""; // the field is drawn anew, and says "change" as it goes
      if (texts.some(Boolean)) take(texts, focus);
    };
    const input = folded ? button("pencil", `${number(list.length)} values, edit as text`, edit, { id, class: "button quiet small" })
      : h("input", { id, label: "Add a value", placeholder: "Type or paste a list", maxlength: 5000, onchange: () => typed(false),
        oninput: () => SEPARATORS.test(input.value) && typed(),
        onkeydown: ({ key }) => {
          if (key === "Backspace" && !input.value && list.length) keep(list.slice(0, -1));
          else if (key === "Enter" && !input.getAttribute("aria-activedescendant")) typed();
        },
        onpaste: (event) => {
          const texts = event.clipboardData.getData("text").split(SEPARATORS);
          if (texts.length > 1) { event.preventDefault(); take(texts); }
        } });
    box.replaceChildren(...(folded ? [] : list).map((value) => h("span", { class: "chip" }, labelOf(field, value),
      button("close", "", () => keep(list.filter((other) => other !== value)), { class: "chip-remove", label: `Remove ${labelOf(field, value)}` }))),
    folded ? input : suggested(context, input, (item) => keep([...list, item.value]), list));
    if (stay) input.focus();
  };
  draw();
  return h("div", {}, box, note);
}

/** Money is typed in major units and kept in minor ones; digits that a float would round stay text. Days say the date. */
function numeric([value = ""], context) {
  const { field: { unit }, operator, page } = context;
  const money = unit === "money" && !operator.unit;
  const note = h("p", { class: "hint" });
  const read = (typed) => {
    const plain = `${typed}`.trim().replace(",", ".");
    if (operator.turn) note.textContent = plain && `${new Date(Date.now() + operator.turn * plain * 864e5).toLocaleDateString("en-GB", page.dates)}, ${page.zone}`;
    if (/^-?\d+(\.\d+)?$/.test(plain)) return plain.length > 15 ? plain : money ? Math.round(plain * 100) : Number(plain);
  };
  const words = operator.unit || (money ? page.currency : unit);
  read(value);
  return h("div", {}, h("div", { class: "with-unit" }, entry(money && value !== "" ? value / 100 : value, context, { inputmode: "decimal", placeholder: "0" }, read), words && h("span", {}, words)), operator.turn && note);
}

/** The least and the most; null: not written yet. */
const between = (list, context) => h("div", { class: "between" }, ["From", "To"].map((name, place) => numeric([list[place] ?? ""], { ...context, name, id: context.id + (place || ""),
  change: ([value = null], typing) => context.change(list = Object.assign([null, null], list, { [place]: value }), typing) })));

const date = ([value = ""], context) => entry(value, context, { type: /^(\d{4}-\d\d-\d\d)?$/.test(value) ? "date" : "text" });
const choice = ([value], { id, change }) => h("div", { class: "answers", role: "radiogroup", label: "Value" }, [true, false].map((answer) => h("label", { class: "check" },
  h("input", { id: answer && id, type: "radio", name: id, checked: `${value}` === `${answer}`, onchange: () => change([answer]) }), answer ? "Yes" : "No")));

const WIDGETS = { none: () => "", combobox: text, segment: text, number: numeric, days: numeric, between, choice, date, month_day: ([value], context) => entry(value, context, { placeholder: "MM-DD" }) };

/** context: field, operator, page, id, change(value, typing). */
export function valueWidget(value, context) {
  const list = [value].flat();
  return (WIDGETS[list.length > 1 && context.operator.widget !== "between" ? "chips" : context.operator.widget] ?? chips)(list, context);
}
