// What every page shares: theme, drawer, shortcuts, copying, dialogs, popovers, the guard of unsaved changes.
// Everything here only adds comfort: each page works without it.

const root = document.documentElement;
const status = document.getElementById("live");
export const all = (selector, each) => document.querySelectorAll(selector).forEach(each);
export const on = (name, listener, where = document) => where.addEventListener(name, listener);

/** Tell people who cannot see the change. */
export function announce(text) {
  if (!status) return;
  status.textContent = "";
  requestAnimationFrame(() => { status.textContent = text; });
}

const THEMES = { auto: ["light", "as the system"], light: ["dark", "light"], dark: ["auto", "dark"] };

function bindTheme() {
  const button = document.querySelector("[data-theme-toggle]");
  if (!button) return;
  const current = () => THEMES[root.dataset.theme] || THEMES.auto;
  const tick = () => {
    button.ariaLabel = button.title = `Theme: ${current()[1]}`;
    all("[data-theme-choice] input", (choice) => { choice.checked = choice.value === (root.dataset.theme || "auto"); });
  };
  const set = (theme) => {
    root.dataset.theme = theme;
    tick();
    try { localStorage.setItem("theme", theme); } catch { /* private window: the choice lasts for this page */ }
    announce(button.title);
  };
  tick();
  all("[data-theme-choice] input", (choice) => on("change", () => set(choice.value), choice));
  on("click", () => set(current()[0]), button);
}

function bindDrawer() {
  const drawer = document.getElementById("menu");
  const opener = document.querySelector(".menu-open");
  if (!drawer || !opener) return;
  opener.ariaExpanded = false;
  opener.role = "button";
  const show = (open) => {
    drawer.classList.toggle("open", open);
    opener.ariaExpanded = open;
    (open ? drawer.querySelector("a, button") : opener).focus();
  };
  all(".menu-open, .menu-close, .menu-scrim", (element) =>
    on("click", (event) => { event.preventDefault(); show(element === opener); }, element));
  on("keydown", (event) => {
    if (event.key === "Escape" && drawer.classList.contains("open")) show(false);
  });
}

const typing = (target) => target.closest("input, textarea, select, [contenteditable]");

// Shortcuts: / looks for something.
on("keydown", (event) => {
  const search = [...document.querySelectorAll("[data-search]")].find((field) => field.checkVisibility({ visibilityProperty: true }));
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || !search) return;
  event.preventDefault();
  search.focus();
  search.select();
});

// Copy buttons.
on("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  event.preventDefault();
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.title = "Copied";
  } catch {
    button.title = "Could not copy";
  }
  announce(button.title);
});

// Dialogs: an opener, closers, and the space around.
on("click", (event) => {
  const { target } = event;
  const opener = target.closest("[data-dialog]");
  if (opener) {
    event.preventDefault();
    document.getElementById(opener.dataset.dialog)?.showModal();
  }
  if (target.closest("[data-close]") || target.nodeName === "DIALOG") target.closest("dialog").close();
});

function bindPopovers() {
  const close = (except) => all("details.popover[open]", (popover) => {
    if (popover !== except) popover.open = false;
  });
  on("click", ({ target }) => close(target.closest("details.popover")));
  on("keydown", ({ key, target }) => {
    if (key !== "Escape") return;
    const open = target.closest("details.popover[open]");
    close();
    open?.querySelector("summary")?.focus();
  });
}

function bindForms() {
  let changed = false;
  all("form[data-guard]", (form) => {
    on("input", () => { changed = true; }, form);
    on("submit", () => { changed = false; }, form);
  });
  on("beforeunload", (event) => { if (changed) event.preventDefault(); }, window);
  all("form[data-submit-on-change]", (form) => on("change", () => form.requestSubmit(), form));
  // A form is sent once: the second click of a double click finds the button resting.
  all('form[method="post"]', (form) => {
    const rest = (disabled) => form.querySelectorAll('button[type="submit"]').forEach((button) => { button.disabled = disabled; });
    on("submit", (event) => setTimeout(() => rest(!event.defaultPrevented)), form);
    on("pageshow", () => rest(false), window);
  });
  all("[data-show-when]", (part) => {
    const [name, wanted] = part.dataset.showWhen.split("=");
    const form = part.closest("form");
    const refresh = () => {
      const field = form.elements[name];
      const value = field?.type === "checkbox" ? (field.checked ? "on" : "") : field?.value;
      part.hidden = !wanted.split("|").includes(value ?? "");
    };
    on("change", refresh, form);
    refresh();
  });
  document.querySelector("[data-take-focus]")?.focus();
}

// Files can be dropped.
all("[data-drop]", (zone) => {
  const input = zone.querySelector('input[type="file"]');
  const over = (inside) => (event) => { event.preventDefault(); zone.classList.toggle("over", inside); };
  on("dragover", over(true), zone);
  on("dragleave", over(false), zone);
  on("drop", (event) => {
    over(false)(event);
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }, zone);
});

bindTheme();
bindDrawer();
bindPopovers();
bindForms();
