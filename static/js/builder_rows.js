// Draws the tree. A control's id is `<node>-<part>`; by it the focus comes back.
import { button, byId, h } from "./builder_dom.js";
import { DEPTH, ROWS, depth, inner, rows, rule } from "./builder_tree.js";
import { valueWidget } from "./builder_values.js";
import { combobox, matching } from "./combobox.js";

const MATCHES = { all: ["all of these", "and"], any: ["any of these", "or"], none: ["none of these", "nor"] };
const TEXTS = ["combobox", "chips"];
const lately = () => JSON.parse(sessionStorage.getItem("fields") ?? "[]");

/** What the catalogue knows, with a stand-in for other keys: no row is ever lost. */
export function language({ fields, operators }) {
  const shapes = fields.filter((field) => field.template).map((field) => ({ field, ends: field.key.split(/<.*>/) }));
  const byKey = new Map(fields.map((field) => [field.key, field]));
  const known = (key) => {
    const shape = shapes.find(({ ends: [start, end] }) => key.startsWith(start) && key.endsWith(end));
    if (!byKey.has(key)) byKey.set(key, { type: "any", hint: "Unknown field.", ...shape?.field, key, label: key });
    return byKey.get(key);
  };
  const offered = (field) => operators[field.type] ?? operators.any;
  const operator = (field, op) => offered(field).find((one) => one.op === op) ?? { op, label: op, widget: "chips", unknown: true };
  const finished = (one) => Boolean(one.field && one.op) && (!Array.isArray(one.value) || (one.value.length > 0 && !one.value.includes(null)));
  const item = ({ key, label, group: heading, type }) => ({ value: key, label, group: heading, note: type, hint: key });
  const items = fields.filter((field) => !field.template).map(item);
  const groups = [...new Set(fields.map((field) => field.group))];
  /** Fields to pick, the last used ones first. A text also names what was never seen, as the event of that name. */
  const find = (text) => (text
    ? [...matching(items, text, (one) => `${one.label} ${one.hint} ${one.group}`).sort((one, two) => groups.indexOf(one.group) - groups.indexOf(two.group)),
      ...shapes.map(({ field, ends }) => item({ ...field, group: "Not seen yet", label: ends.join(text.trim()), key: ends.join(text.trim()) }))]
    : [...items.filter((one) => lately().includes(one.value)).map((one) => ({ ...one, group: "Last used" })), ...items]);
  return { known, offered, operator, finished, find };
}

/** The tree as elements. problems: by node; act: what may be done, by node. */
export function drawTree(tree, { lang, page, problems, act }) {
  const full = rows(tree).length >= ROWS;
  const complaint = ({ id }) => problems.has(id) && h("p", { class: "rule-problem", id: `${id}-problem` }, problems.get(id).join(" "));
  const actions = (node, inside, what) => {
    const part = byId("builder-actions").content.firstElementChild.cloneNode(true);
    part.querySelectorAll("[aria-label]").forEach((one) => { one.ariaLabel += ` ${what}`; });
    part.querySelectorAll("[data-act]").forEach((one) => {
      const [name, by] = one.dataset.act.split(" ");
      one.hidden = { duplicate: full, wrap: inside + depth(node) >= DEPTH }[name];
      one.onclick = () => act[name](node.id, by);
    });
    return part;
  };

  function drawRule(one, inside, name) {
    const field = one.field && lang.known(one.field);
    const operator = field && lang.operator(field, one.op);
    const label = field ? field.label : "";
    const change = (value, typing) => act.set(one.id, { value }, null, typing ? one.id : {});
    const pick = ({ value: key }) => {
      sessionStorage.setItem("fields", JSON.stringify([...new Set([key, ...lately()])].slice(0, 3)));
      const offered = lang.offered(lang.known(key));
      const same = field && lang.offered(field) === offered;
      act.set(one.id, { field: key, ...(same || { op: offered[0].op, value: offered[0].widget === "none" || [] }) }, `${one.id}-op`);
    };
    const choose = ({ target }) => {
      const { op, widget } = lang.operator(field, target.value);
      const keeps = widget === operator.widget || [widget, operator.widget].every((name) => TEXTS.includes(name));
      // What was typed since the row was drawn is in the tree only.
      act.set(one.id, keeps ? { op } : { op, value: widget === "none" || [] });
    };
    const hint = field && [field.hint, operator.negative && page.texts.negative].filter(Boolean).join(" ");
    const input = h("input", { id: `${one.id}-field`, value: label, label: "Field", placeholder: "Choose a field", title: one.field, maxlength: 300 });
    const row = h("div", { class: "rule", id: one.id, role: "group", label: name }, combobox(input, { find: lang.find, pick, shown: () => label, label: "Fields" }),
      field && [h("select", { id: `${one.id}-op`, label: "Operator", title: one.op, onchange: choose, value: one.op },
        [...(operator.unknown ? [operator] : []), ...lang.offered(field)].map(({ op, label: words }) => h("option", { value: op, title: op }, words))),
      h("div", { class: "rule-value" }, valueWidget(one.value, { field, operator, page, id: `${one.id}-value`, change }))],
      actions(one, inside, "condition"), hint && h("p", { class: "hint" }, hint), complaint(one));
    if (problems.has(one.id)) row.querySelectorAll("input, select").forEach((control) => control.setAttribute("aria-describedby", `${one.id}-problem`));
    return row;
  }

  function drawGroup(node, inside, name) {
    const of = (index) => `${index + 1} of ${node.rules.length}`;
    return h("fieldset", { class: "group", id: node.id }, h("legend", { class: "visually-hidden" }, name),
      h("div", { class: "group-head" }, h("label", { for: `${node.id}-match` }, "Match"),
        h("select", { id: `${node.id}-match`, value: node.match, onchange: ({ target }) => act.set(node.id, { match: target.value }) }, Object.entries(MATCHES).map(([value, [words]]) => h("option", { value }, words))),
        inside > 1 && actions(node, inside - 1, "group")),
      complaint(node),
      node.rules.map((child, index) => [index > 0 && h("span", { class: "junction" }, MATCHES[node.match][1]),
        child.rules ? drawGroup(child, inside + 1, `Group ${of(index)}`) : drawRule(child, inside, `Condition ${of(index)}`)]),
      h("div", { class: "group-foot" }, button("plus", "Condition", () => act.add(node.id, rule()), { class: "button small", id: `${node.id}-add`, disabled: full }),
        inside < DEPTH && button("plus", "Group", () => act.add(node.id, inner(node, [rule()])), { class: "button quiet small", disabled: full })));
  }
  return drawGroup(tree, 1, "Who is in");
}
