// A segment's definition as one immutable tree, and its JSON. Pure; knows no field and no operator by name.
// Group {id, match, rules} · Rule {id, field, op, value: a list, or true or false}
export const DEPTH = 3;
export const ROWS = 100;
const JUNCTIONS = { all: "and", any: "or", none: "none" };
const MATCHES = { and: "all", or: "any", none: "none" };

const newId = () => `n${Math.random().toString(36).slice(2, 10)}`;
export const rule = (field = "", op = "", value = []) => ({ id: newId(), field, op, value });
export const group = (match, rules) => ({ id: newId(), match, rules });
/** A group that says something new inside its parent. */
export const inner = (parent, rules) => group(parent.match === "all" ? "any" : "all", rules);
export const twin = (node) => ({ ...node, id: newId(), ...(node.rules && { rules: node.rules.map(twin) }) });
export const rows = (node) => (node.rules ? node.rules.flatMap(rows) : [node]);
export const depth = (node) => (node.rules ? 1 + Math.max(0, ...node.rules.map(depth)) : 0);

/** The nodes from the root to this one; empty where there is none. */
export const way = (node, id) => (node.id === id ? [node] : (node.rules ?? []).flatMap((child) => { const found = way(child, id); return found.length ? [node, ...found] : []; }));

/** The tree with `edit(node)`, one or several, in the node's place. */
export const change = (tree, id, edit) => (tree.id === id ? edit(tree)
  : { ...tree, rules: tree.rules.flatMap((child) => (child.id === id ? edit(child) : child.rules ? change(child, id, edit) : child)) });

/** Without the node, and without the groups it leaves empty. */
export function remove(tree, id) {
  const parent = way(tree, id).at(-2);
  return parent.rules.length < 2 && parent !== tree ? remove(tree, parent.id) : change(tree, id, () => []);
}

/** One place up (-1) or down (1): past a neighbour, into a group on the way, out of the group at its end. */
export function move(tree, id, by) {
  const [above, parent, node] = [null, ...way(tree, id)].slice(-3);
  const next = parent.rules[parent.rules.indexOf(node) + by];
  const around = (other) => (by < 0 ? [node, other] : [other, node]);
  if (!next && !above) return tree;
  if (!next && parent.rules.length < 2) return change(tree, parent.id, () => node);
  const inside = (other) => ({ ...other, rules: by < 0 ? [...other.rules, node] : [node, ...other.rules] });
  return change(change(tree, id, () => []), (next ?? parent).id, next?.rules && !node.rules ? inside : around);
}

/** Without what is not finished, and a group of one as that one. */
function settle(node, finished) {
  if (!node.rules) return finished(node) ? [node] : [];
  const rules = node.rules.flatMap((child) => settle(child, finished));
  return rules.length < 2 && node.match !== "none" ? rules : rules.length ? [{ ...node, rules }] : [];
}

/** What an operator of several writes: of "$a $b" each takes one of the values, of "$a +$b" the second is a flag. */
const parts = ({ op = "", value }) => op.split(" ").map((name, place, all) => (name[0] === "+" ? [name.slice(1), true] : [name, all[1] && all[1][0] !== "+" ? [value[place]] : value]));

/** The filter, null where no rule is finished, and the path of each node. Rules on one field share its `conditions`
 * only under `and` and with different operators; else each gets a group. */
export function write(tree, finished = () => true) {
  const paths = new Map();
  const bare = (start) => Object.assign(Object.create(null), start);
  const body = (node, path) => {
    const out = bare({ junction: JUNCTIONS[node.match] });
    let count = 0;
    const newGroup = () => {
      do count += 1; while (`g${count}` in out);
      return [(out[`g${count}`] = bare({ junction: "and" })), `${path}.g${count}`];
    };
    paths.set(path, node.id);
    for (const child of node.rules) {
      const there = out[child.field];
      const ops = parts(child);
      const shares = !there || (node.match === "all" && there.conditions && !ops.some(([op]) => op in there.conditions));
      const [home, at] = child.rules || !shares ? newGroup() : [out, path];
      if (child.rules) Object.assign(home, body(child, at));
      else {
        home[child.field] ??= { conditions: bare() };
        for (const [op, value] of ops) {
          home[child.field].conditions[op] = value;
          paths.set(`${at}.${child.field}.conditions.${op}`, child.id);
        }
      }
    }
    return out;
  };
  const rules = tree.rules.flatMap((child) => settle(child, finished));
  return { filter: rules.length ? body({ ...tree, rules }, ".filter") : null, paths };
}

/** The tree of a filter. Throws an Error that names the place it cannot read. knows(field, op): is it offered? */
export function read(filter, knows = () => false) {
  const joined = (key, found) => {
    const [one, two] = found;
    const flag = two?.value === true;
    const op = `${one?.op} ${flag ? "+" : ""}${two?.op}`;
    return found.length === 2 && knows(key, op) && (flag || one.value.length + two.value.length === 2) ? [rule(key, op, flag ? one.value : [...one.value, ...two.value])] : found;
  };
  const entries = (part, path) => {
    if (part === null || typeof part !== "object" || Array.isArray(part)) throw new Error(`${path} should be an object`);
    return Object.entries(part);
  };
  const groupOf = (part, path) => {
    const parts = entries(part, path);
    const match = MATCHES[String(part.junction).toLowerCase()];
    if (!match) throw new Error(`${path} needs a junction: and, or, none`);
    const rules = parts.filter(([key]) => key !== "junction").flatMap(([key, inner]) => {
      const at = `${path}.${key}`;
      if (!entries(inner, at).some(([name]) => name === "conditions")) {
        const child = groupOf(inner, at);
        return child.rules.length < 2 && child.match !== "none" ? child.rules : child;
      }
      const found = joined(key, entries(inner.conditions, at).map(([op, raw]) => rule(key, op, Array.isArray(raw) || typeof raw === "boolean" ? raw : [raw])));
      return match === "all" || found.length === 1 ? found : group("all", found);
    });
    if (!rules.length) throw new Error(`${path} holds no condition`);
    return group(match, rules);
  };
  return groupOf(filter, "filter");
}

// History: whole trees, 100 steps. A step of the same kind as the last one (typing on) takes its place.
export const begin = (tree) => ({ past: [], tree, future: [] });
export const step = (now, tree, kind) => ({ past: kind && kind === now.kind ? now.past : [...now.past, now.tree].slice(-100), tree, future: [], kind });
export const undo = ({ past, tree, future }) => ({ past: past.slice(0, -1), tree: past.at(-1), future: [tree, ...future] });
export const redo = ({ past, tree, future: [next, ...future] }) => ({ past: [...past, tree], tree: next, future });
