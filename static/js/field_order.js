// The order of an export's columns: buttons and Alt+arrows move a line; the form sends the boxes in the page's order.
import { announce } from "./app.js";

document.querySelectorAll("[data-field-order]").forEach((list) => {
  const move = (line, by) => {
    const other = by < 0 ? line.previousElementSibling : line.nextElementSibling;
    if (!other) return;
    if (by < 0) other.before(line); else other.after(line);
    announce(`Place ${[...list.children].indexOf(line) + 1} of ${list.children.length}`);
  };
  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-move]");
    if (!button) return;
    move(button.closest("li"), Number(button.dataset.move));
    button.focus();
  });
  list.addEventListener("keydown", (event) => {
    if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    const focused = event.target;
    move(focused.closest("li"), event.key === "ArrowUp" ? -1 : 1);
    focused.focus();
  });
});
