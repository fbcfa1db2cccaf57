// Two columns for one field and a missing key are told at once; Preview waits until both are mended.

document.querySelectorAll("form[data-mapping]").forEach((form) => {
  const menus = [...form.querySelectorAll("select[data-header]")];
  const problem = form.querySelector("[data-mapping-problem]");
  const submit = form.querySelector('button[type="submit"]');

  const check = () => {
    let clash = false;
    for (const menu of menus) {
      const others = menus.filter((other) => other !== menu && menu.value && other.value === menu.value);
      const note = menu.parentElement.querySelector(".field-error");
      note.hidden = !others.length;
      note.textContent = `Also chosen for ${others.map((other) => other.dataset.header).join(", ")}`;
      menu.setAttribute("aria-invalid", String(!note.hidden));
      menu.closest("tr").classList.toggle("left-out", !menu.value);
      clash ||= !note.hidden;
    }
    const keyless = !menus.some(({ value }) => value === "source_id" || value === "id");
    problem.textContent = keyless ? "Choose the column with the source id or the id: it tells who a row is about." : "";
    problem.hidden = !keyless;
    submit.disabled = clash || keyless;
  };

  form.addEventListener("change", check);
  check();
});
