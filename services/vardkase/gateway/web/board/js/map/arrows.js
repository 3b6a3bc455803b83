/** Going about the map by the keyboard: one stop of Tab, and arrows to the nearest thing in their direction. */

const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Of a group's links one takes Tab; arrows move on. */
export function byArrows(group) {
  group.addEventListener("keydown", (event) => {
    const way = WAYS[event.key];
    const from = event.target.closest("a");
    if (way === undefined || from === null || event.altKey || event.ctrlKey || event.metaKey) return;
    const next = nearest(from, links(group), way);
    event.preventDefault();
    if (next === null) return;
    choose(group, next);
    next.focus({ preventScroll: true });
  });
  group.addEventListener("focusin", (event) => {
    const link = event.target.closest("a");
    if (link !== null) choose(group, link);
  });
}

/** After the links changed: see that one of them takes Tab. */
export function keepOneStop(group) {
  const all = links(group);
  if (all.length > 0 && !all.some((each) => each.getAttribute("tabindex") === "0"))
    all[0].setAttribute("tabindex", "0");
}

function choose(group, link) {
  for (const each of links(group)) {
    const wanted = each === link ? "0" : "-1";
    if (each.getAttribute("tabindex") !== wanted) each.setAttribute("tabindex", wanted);
  }
}

function links(group) {
  return [...group.querySelectorAll("a")];
}

function nearest(from, all, [dx, dy]) {
  const [x, y] = middle(from);
  let best = null;
  let least = Infinity;
  for (const each of all) {
    if (each === from) continue;
    const [u, v] = middle(each);
    const along = (u - x) * dx + (v - y) * dy;
    const aside = Math.abs((u - x) * dy) + Math.abs((v - y) * dx);
    if (along <= 1 || aside > 2.5 * along) continue;
    const cost = along + 2 * aside;
    if (cost < least) [best, least] = [each, cost];
  }
  return best;
}

function middle(element) {
  const { left, top, width, height } = element.getBoundingClientRect();
  return [left + width / 2, top + height / 2];
}
