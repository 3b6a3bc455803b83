/** What changes with time alone: countdowns and ages, once a second, in place. */

import { age, left } from "./format.js";
import { h, text } from "./dom.js";
import { t } from "./i18n.js";

const HALF = 500;

/** An age that goes on growing. `say`: the key of the sentence it stands in, else the age alone. */
export function ageOf(iso, say = null) {
  const node = h("time", { datetime: iso, "data-tick": "age", "data-say": say });
  tick(node);
  return node;
}

/** A countdown. */
export function countdown(iso) {
  const node = h("time", { datetime: iso, "data-tick": "left" }, h("span"), h("span", { class: "seconds" }));
  tick(node);
  return node;
}

/** Show another time in a node of this module's. */
export function retime(node, iso) {
  if (node.getAttribute("datetime") === iso) return;
  node.setAttribute("datetime", iso);
  tick(node);
}

function tick(node) {
  const iso = node.getAttribute("datetime");
  if (node.dataset.tick === "age") {
    const say = node.dataset.say;
    text(node, say ? t(say, age(iso)) : age(iso));
    return;
  }
  const { passed, long, short } = left(iso);
  node.classList.toggle("passed", passed);
  text(node.firstChild, passed ? t("short.passed", long) : long);
  text(node.lastChild, short);
}

/** Begin to tick. `also` is called each time too. */
export function startTicking(also) {
  window.setInterval(() => {
    if (document.hidden) return;
    for (const node of document.querySelectorAll("[data-tick]")) tick(node);
    also();
  }, HALF);
}
