// Metadata: typing a value sets the state; broken JSON is told while it is typed, with its place when it is saved.

document.forms.metadata.addEventListener("input", ({ target: { form, name, value } }) => {
  const [what, number] = name.split("-");
  if (what === "value") form[`state-${number}`].value = what;
  if (what !== "json") return;
  const note = document.getElementById("problem");
  note.textContent = "";
  try { JSON.parse(value); } catch (error) { note.textContent = error.message; }
  note.hidden = !note.textContent;
});
