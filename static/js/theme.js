// Blocking, in <head>: the chosen theme stands before the first paint.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  try { root.dataset.theme = localStorage.getItem("theme") || "auto"; } catch { root.dataset.theme = "auto"; }
})();
