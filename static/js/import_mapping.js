// Two columns for one field and a missing key are told at once; Preview waits until both are mended.

document.querySelectorAll("form[data-mapping]").forEach((form) => {
  const menus = [...form.querySelectorAll("select[data-header]")];
  const problem = form.querySelector("[data-mapping-problem]");
  const submit = form.querySelector('button[type="submit"]');

  const check = () => {
    const taken = new Map();
    for (const menu of menus) if (menu.value) taken.set(menu.value, [...(taken.get(menu.value) || []), menu]);
    let clash = false;
    for (const menu of menus) {
      const others = (taken.get(menu.value) || []).filter((other) => other !== menu);
      const note = menu.parentElement.querySelector(".field-error");
      note.hidden = !menu.value || others.length === 0;
      note.textContent = note.hidden ? "" : `Also chosen for ${others.map((other) => other.dataset.header).join(", ")}`;
      menu.setAttribute("aria-invalid", String(!note.hidden));
      menu.closest("tr").classList.toggle("left-out", !menu.value);
      clash ||= !note.hidden;
    }
    const keyless = !taken.has("source_id") && !taken.has("id");
    problem.textContent = keyless ? "Choose the column that holds the source id or the id: it tells who a row is about." : "";
    problem.hidden = !keyless;
    submit.disabled = clash || keyless;
  };

  form.addEventListener("change", check);
  check();
});
