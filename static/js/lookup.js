// Fields that name a customer: <input data-find="/url"> suggests, and takes the id of what is picked.
import { all } from "./app.js";
import { combobox } from "./combobox.js";

all("[data-find]", (input) => {
  const place = document.createComment("");
  input.before(place);
  place.replaceWith(combobox(input, {
    label: "Customers", wait: 150, pick: ({ value }) => { input.value = value; },
    find: async (text) => (await (await fetch(`${input.dataset.find}?q=${encodeURIComponent(text)}`)).json()).items,
  }));
});
