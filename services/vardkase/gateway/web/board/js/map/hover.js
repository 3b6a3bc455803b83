/** A little card beside what the pointer is over, or what has the focus. The same is in the link's own label. */

import { fill, h, icon, show } from "../lib/dom.js";
import { number } from "../lib/format.js";
import { CONDITION_RANK } from "../model/looks.js";

const AWAY = 14;

export class Hover {
  /** @param told what to say of a link: `{ title, lines, condition? }`, or `null`. */
  constructor(element, told) {
    this.element = element;
    this.told = told;
    this.over = null;
    this.node = h("div", { class: "hovercard", "aria-hidden": "true", hidden: true });
    element.addEventListener("pointermove", (event) => {
      if (event.pointerType === "touch") return;
      this.at(event.target.closest("a"), event.clientX, event.clientY);
    });
    element.addEventListener("pointerleave", () => this.hide());
    element.addEventListener("focusin", (event) => {
      const link = event.target.closest("a");
      if (link === null || !link.matches(":focus-visible")) return;
      const { left, top, width, height } = link.getBoundingClientRect();
      this.at(link, left + width / 2, top + height / 2);
    });
    element.addEventListener("focusout", () => this.hide());
  }

  hide() {
    this.over = null;
    show(this.node, false);
  }

  /** What it says may have changed. */
  refresh() {
    if (this.over !== null && this.over.isConnected) this.say(this.over);
    else this.hide();
  }

  at(link, clientX, clientY) {
    if (link === null) {
      this.hide();
      return;
    }
    if (link !== this.over) {
      this.over = link;
      this.say(link);
    }
    const frame = this.element.getBoundingClientRect();
    const [x, y] = [clientX - frame.left, clientY - frame.top];
    const { offsetWidth: width, offsetHeight: height } = this.node;
    this.node.style.left = `${x + AWAY + width > frame.width ? Math.max(4, x - AWAY - width) : x + AWAY}px`;
    this.node.style.top = `${Math.min(Math.max(4, y - height / 2), Math.max(4, frame.height - height - 4))}px`;
  }

  say(link) {
    const said = this.told(link);
    show(this.node, said !== null);
    if (said === null) return;
    const counts = Object.keys(CONDITION_RANK)
      .map((mark) => [mark, said.condition?.[mark] ?? 0])
      .filter(([mark, count]) => count > 0 && mark !== "not_applicable");
    fill(
      this.node,
      h("strong", {}, said.title),
      said.lines.map((line) => h("span", {}, line)),
      counts.length > 0 &&
        h(
          "span",
          { class: "counts" },
          counts.map(([mark, count]) => h("span", {}, icon(mark, `mark m-${mark}`), number(count))),
        ),
    );
  }
}
