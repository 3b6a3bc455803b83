/* Before anything is painted: light or dark, so that the page does not flash. The rest is lib/theming.js. */
(() => {
  const asked = new URLSearchParams(window.location.search).get("tema");
  let kept = null;
  try {
    kept = window.localStorage.getItem("vardkase.tema");
  } catch {
    // storage is turned off: then as the system is
  }
  const dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
  const theme = [asked, kept].find((each) => each === "ljust" || each === "morkt") ?? (dark ? "morkt" : "ljust");
  document.documentElement.dataset.theme = theme === "morkt" ? "dark" : "light";
})();
