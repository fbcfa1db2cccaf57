// Two columns for one field are marked at once, and Preview waits until they are apart.

document.querySelectorAll("form[data-mapping]").forEach((form) => {
  const menus = [...form.querySelectorAll("select[data-header]")];
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
    submit.disabled = clash;
  };

  form.addEventListener("change", check);
  check();
});
