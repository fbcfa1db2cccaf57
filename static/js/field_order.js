// The order of an export's columns: buttons and Alt+arrows move a line; the form sends the boxes in the page's order.
import { all, announce, on } from "./app.js";

all("[data-field-order]", (list) => {
  const move = (focused, by) => {
    const line = focused.closest("li");
    if (by < 0) line.previousElementSibling?.before(line);
    else line.nextElementSibling?.after(line);
    announce(`Place ${[...list.children].indexOf(line) + 1} of ${list.children.length}`);
    focused.focus();
  };
  on("click", ({ target }) => {
    const button = target.closest("[data-move]");
    if (button) move(button, Number(button.dataset.move));
  }, list);
  on("keydown", (event) => {
    const by = event.altKey && { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    move(event.target, by);
  }, list);
});
