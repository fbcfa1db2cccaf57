// What every page shares: theme, drawer, shortcuts, copying, dialogs, popovers, the guard of unsaved changes.
// Everything here only adds comfort: each page works without it.

const root = document.documentElement;
const status = document.getElementById("live");

/** Tell people who cannot see the change. */
export function announce(text) {
  if (!status) return;
  status.textContent = "";
  requestAnimationFrame(() => { status.textContent = text; });
}

const THEMES = { auto: "light", light: "dark", dark: "auto" };
const THEME_WORDS = { auto: "Theme: as the system", light: "Theme: light", dark: "Theme: dark" };

function bindTheme() {
  const button = document.querySelector("[data-theme-toggle]");
  if (!button) return;
  const name = () => {
    const words = THEME_WORDS[root.dataset.theme] || THEME_WORDS.auto;
    button.setAttribute("aria-label", words);
    button.title = words;
    return words;
  };
  name();
  const choices = document.querySelectorAll("[data-theme-choice] input");
  const tick = () => choices.forEach((choice) => { choice.checked = choice.value === (root.dataset.theme || "auto"); });
  const set = (theme) => {
    root.dataset.theme = theme;
    tick();
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* private window: the choice lasts for this page */ }
    announce(name());
  };
  tick();
  choices.forEach((choice) => choice.addEventListener("change", () => set(choice.value)));
  button.addEventListener("click", () => set(THEMES[root.dataset.theme] || "light"));
}

function bindDrawer() {
  const drawer = document.getElementById("menu");
  const opener = document.querySelector(".menu-open");
  if (!drawer || !opener) return;
  opener.setAttribute("aria-expanded", "false");
  opener.setAttribute("role", "button");
  const show = (open) => {
    drawer.classList.toggle("open", open);
    opener.setAttribute("aria-expanded", String(open));
    if (open) drawer.querySelector("a, button")?.focus();
    else opener.focus();
  };
  opener.addEventListener("click", (event) => { event.preventDefault(); show(true); });
  document.querySelectorAll(".menu-close, .menu-scrim").forEach((element) =>
    element.addEventListener("click", (event) => { event.preventDefault(); show(false); }));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && drawer.classList.contains("open")) show(false);
  });
}

const typing = (target) => target.closest("input, textarea, select, [contenteditable]") !== null;

function bindShortcuts() {
  const search = document.querySelector("[data-search]");
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || !search) return;
    event.preventDefault();
    search.focus();
    search.select();
  });
}

function bindCopy() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    event.preventDefault();
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      announce("Copied");
      button.title = "Copied";
    } catch {
      announce("Could not copy");
    }
  });
}

function bindDialogs() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) {
      const dialog = document.getElementById(opener.dataset.dialog);
      if (dialog?.showModal) { event.preventDefault(); dialog.showModal(); }
    }
    if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
    if (event.target.nodeName === "DIALOG") event.target.close();
  });
}

function bindPopovers() {
  const close = (except) => document.querySelectorAll("details.popover[open]").forEach((popover) => {
    if (popover !== except) popover.open = false;
  });
  document.addEventListener("click", (event) => close(event.target.closest("details.popover")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = event.target.closest("details.popover[open]");
    close(null);
    open?.querySelector("summary")?.focus();
  });
}

function bindForms() {
  let changed = false;
  document.querySelectorAll("form[data-guard]").forEach((form) => {
    form.addEventListener("input", () => { changed = true; });
    form.addEventListener("submit", () => { changed = false; });
  });
  addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
  document.querySelectorAll("form[data-submit-on-change]").forEach((form) =>
    form.addEventListener("change", () => form.requestSubmit()));
  // A form is sent once: the second click of a double click finds the button resting.
  document.querySelectorAll('form[method="post"]').forEach((form) => {
    const rest = (on) => form.querySelectorAll('[type="submit"]').forEach((button) => { button.disabled = on; });
    form.addEventListener("submit", () => setTimeout(() => { rest(true); addEventListener("pageshow", () => rest(false)); }));
  });
  document.querySelectorAll("[data-show-when]").forEach((part) => {
    const [name, wanted] = part.dataset.showWhen.split("=");
    const form = part.closest("form");
    const refresh = () => {
      const field = form.elements[name];
      const value = field?.type === "checkbox" ? (field.checked ? "on" : "") : field?.value;
      part.hidden = !wanted.split("|").includes(value ?? "");
    };
    form.addEventListener("change", refresh);
    refresh();
  });
  document.querySelector("[data-take-focus]")?.focus();
}

function bindDrop() {
  document.querySelectorAll("[data-drop]").forEach((zone) => {
    const input = zone.querySelector('input[type="file"]');
    const over = (on) => (event) => { event.preventDefault(); zone.classList.toggle("over", on); };
    zone.addEventListener("dragover", over(true));
    zone.addEventListener("dragleave", over(false));
    zone.addEventListener("drop", (event) => {
      over(false)(event);
      if (!event.dataTransfer.files.length) return;
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
  });
}

bindTheme();
bindDrawer();
bindShortcuts();
bindCopy();
bindDialogs();
bindPopovers();
bindForms();
bindDrop();
