/** Light or dark: by the address, else what was chosen here last, else as the system is. */

import { address } from "./url.js";

const KEY = "vardkase.tema";
const system = window.matchMedia("(prefers-color-scheme: dark)");

/** `ljust` or `morkt`: what is shown. */
export function theme() {
  return address().theme ?? kept() ?? (system.matches ? "morkt" : "ljust");
}

/** The one that is not shown. */
export function otherTheme() {
  return theme() === "morkt" ? "ljust" : "morkt";
}

/** Show it; what the address chooses is kept for the next time. */
export function applyTheme() {
  const { theme: chosen } = address();
  if (chosen !== null) keep(chosen);
  document.documentElement.dataset.theme = theme() === "morkt" ? "dark" : "light";
}

/** Be told when the system changes between day and night. */
export function onSystemTheme(listener) {
  system.addEventListener("change", listener);
}

function kept() {
  const found = read(KEY);
  return found === "ljust" || found === "morkt" ? found : null;
}

/** What this browser remembers; nothing where it is not allowed to. */
export function read(key) {
  try {
    return window.localStorage.getItem(key);
  } catch {
    return null; // storage is turned off: a preference is then not kept, and nothing else is lost
  }
}

/** Let this browser remember. */
export function keep(value, key = KEY) {
  try {
    window.localStorage.setItem(key, value);
  } catch {
    // as above
  }
}
