/** Small parts that several panels are made of. */

import { attr, fill, h, icon, svg } from "../lib/dom.js";
import { t, word } from "../lib/i18n.js";

/** Set which icon an icon shows, and what it says to who hears the page read. */
export function useIcon(node, name, label = null) {
  attr(node.firstChild, "href", `#i-${name}`);
  attr(node, "class", `mark m-${name}`);
  attr(node, "role", label === null ? null : "img");
  attr(node, "aria-label", label);
  attr(node, "aria-hidden", label === null ? "true" : null);
}

/** An icon that says something. */
export function saying(name, label, className = "icon") {
  return svg(
    "svg",
    { class: className, role: "img", "aria-label": label, focusable: "false" },
    svg("title", {}, label),
    svg("use", { href: `#i-${name}` }),
  );
}

/** What a point is marked with: age of its word, medical charging, guests, a conflict. Left alone when it is the same. */
export function marksOf(parent, point) {
  const wanted = [
    point.freshness !== null && point.freshness !== "fresh" ? point.freshness : "",
    point.medical_charging,
    point.overnight,
    Boolean(point.conflict),
    document.documentElement.lang,
  ].join();
  if (parent.dataset.marks === wanted) return;
  parent.dataset.marks = wanted;
  fill(
    parent,
    point.freshness !== null &&
      point.freshness !== "fresh" &&
      h("span", { class: `tag ${point.freshness}` }, word("freshness", point.freshness)),
    point.medical_charging && saying("medical", t("mark.medical"), "icon badge medical"),
    point.overnight && saying("overnight", t("mark.overnight"), "icon badge overnight"),
    point.conflict ? saying("conflict", t("mark.conflict"), "icon badge conflict") : null,
  );
}

/** A titled part of the page. `aside`: what stands to the right of the title. */
export class Panel {
  constructor(id, body, aside = null) {
    this.title = h("h2", { id: `${id}-title` });
    this.node = h(
      "section",
      { id, class: "panel", "aria-labelledby": `${id}-title` },
      h("header", {}, this.title, aside),
      body,
    );
  }
}
