/** What is shown stands in the address: it can be kept, sent and gone back from. */

export const CONDITIONS = ["critical", "red", "yellow", "green", "unknown", "not_applicable"];
export const FRESHNESSES = ["fresh", "ageing", "stale", "silent"];
export const MARKS = ["dark", "medical", "overnight", "conflict"];
const REALITIES = ["act", "exe", "tst"];
export const TABS = ["omraden", "punkter", "behov", "handelser", "atgarder"];
/** The parts that a telephone shows one of. */
export const PARTS = ["karta", "slut", "larm", "mer"];
const VIEWS = ["", "vagg", "rapport"];

/** By field: its name in the address, and what it may be. */
const FIELDS = {
  area: { name: "omrade", take: (said) => (/^(?:SE|[a-z]{1,20}|\d{2}|\d{4})$/.test(said) ? said : null) },
  reality: { name: "lage", take: (said) => oneOf(REALITIES, said), otherwise: "act" },
  condition: { name: "tillstand", take: (said) => someOf(CONDITIONS, said), otherwise: [] },
  freshness: { name: "farskhet", take: (said) => someOf(FRESHNESSES, said), otherwise: [] },
  mark: { name: "marke", take: (said) => someOf(MARKS, said), otherwise: [] },
  search: { name: "sok", take: (said) => said.slice(0, 80), otherwise: "" },
  point: { name: "punkt", take: (said) => (/^\d{4}-[a-z0-9_-]{1,40}$/.test(said) ? said : null) },
  alert: { name: "larm", take: (said) => (/^[a-z0-9._]{1,64}\/[A-Za-z0-9_-]{1,64}$/.test(said) ? said : null) },
  tab: { name: "flik", take: (said) => oneOf(TABS, said) },
  part: { name: "del", take: (said) => oneOf(PARTS, said), otherwise: "karta" },
  view: { name: "vy", take: (said) => oneOf(VIEWS, said), otherwise: "" },
  language: { name: "sprak", take: (said) => oneOf(["sv", "en"], said) },
  theme: { name: "tema", take: (said) => oneOf(["ljust", "morkt"], said) },
};

const listeners = [];
let current = parse(window.location.search);

/** What the address says. */
export function address() {
  return current;
}

/** The address with some fields changed, as a link. */
export function href(changes = {}) {
  const query = new URLSearchParams();
  for (const [field, value] of Object.entries({ ...current, ...changes })) {
    const { name, otherwise = null } = FIELDS[field];
    const said = Array.isArray(value) ? value.join(",") : value;
    const left = Array.isArray(otherwise) ? otherwise.join(",") : otherwise;
    if (said !== null && said !== undefined && said !== "" && said !== left) query.set(name, said);
  }
  const text = query.toString().replaceAll("%2C", ",").replaceAll("%2F", "/");
  return text === "" ? "/" : `/?${text}`;
}

/** Change the address. `replace`: not a step to go back to, as while something is typed. */
export function go(changes, { replace = false } = {}) {
  const target = href(changes);
  if (replace) window.history.replaceState(null, "", target);
  else if (target !== `${window.location.pathname}${window.location.search}`)
    window.history.pushState(null, "", target);
  changed();
}

/** Be told when the address has changed. */
export function onAddress(listener) {
  listeners.push(listener);
}

/** Follow the page's own links without loading it anew; the browser's ways to open them elsewhere are its own. */
export function followLinks() {
  document.addEventListener("click", (event) => {
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return;
    const link = event.target.closest?.("a[href^='/?'], a[href='/']");
    if (!link || link.hasAttribute("target")) return;
    event.preventDefault();
    window.history.pushState(null, "", link.getAttribute("href"));
    changed();
  });
  window.addEventListener("popstate", changed);
}

function changed() {
  current = parse(window.location.search);
  for (const listener of listeners) listener(current);
}

function parse(search) {
  const query = new URLSearchParams(search);
  return Object.fromEntries(
    Object.entries(FIELDS).map(([field, { name, take, otherwise = null }]) => {
      const said = query.get(name);
      return [field, said === null ? otherwise : (take(said) ?? otherwise)];
    }),
  );
}

function oneOf(words, said) {
  return words.includes(said) ? said : null;
}

function someOf(words, said) {
  const given = said.split(",");
  return words.filter((each) => given.includes(each));
}
