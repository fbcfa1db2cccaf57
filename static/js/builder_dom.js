// Elements by code: text only ever becomes a text node, so no value of a customer can become markup.
export const byId = (id) => document.getElementById(id);
export const number = (value) => value.toLocaleString("en-US");

/** <tag> with listeners (`onclick`), attributes (`label`: the name that is read out) and, last, its value; children are elements or text. */
export function h(tag, { value, ...props }, ...children) {
  const element = document.createElement(tag);
  for (const [name, given] of Object.entries(props)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), given);
    else if (given || given === "") element.setAttribute(name === "label" ? "aria-label" : name, given === true ? "" : given);
  }
  element.append(...children.flat(9).filter((child) => child || child === 0));
  if (value != null) element.value = value;
  return element;
}

const sprite = document.querySelector("use").getAttribute("href").split("#")[0];
/** A drawing of the shell's sprite; always beside a word. */
export function icon(name) {
  const [svg, use] = ["svg", "use"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `${sprite}#${name}`);
  svg.append(use);
  return svg;
}
export const button = (name, words, onclick, props) => h("button", { type: "button", onclick, ...props }, icon(name), words);
