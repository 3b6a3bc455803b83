/** The page's words, in Swedish or English. A word that is missing is an error, found by the tests. */

import en from "../words/en.js";
import sv from "../words/sv.js";

const WORDS = { sv, en };
let chosen = "sv";

/** `sv` or `en`. */
export function language() {
  return chosen;
}

/** Speak another language from now on. */
export function speak(code) {
  chosen = code in WORDS ? code : "sv";
  document.documentElement.lang = chosen;
}

/** A text by its key (`map.title`); one that is a function is given the rest. */
export function t(key, ...given) {
  const found = find(key);
  if (found === undefined) throw new Error(`no word for ${key}`);
  return typeof found === "function" ? found(...given) : found;
}

/** The word for a code of the contract (`condition.red`); a code that is newer than this page is shown as it is. */
export function word(family, code) {
  const found = find(`${family}.${code}`);
  return typeof found === "string" ? found : String(code);
}

function find(key) {
  const [family, ...rest] = key.split(".");
  return WORDS[chosen][family]?.[rest.join(".")];
}
