/** What is needed, the most pressing first, and what there is to spare. */

import { attr, h, keyed, show, text } from "../lib/dom.js";
import { clockTime, number } from "../lib/format.js";
import { t, word } from "../lib/i18n.js";
import { instant, now } from "../lib/clock.js";
import { href } from "../lib/url.js";
import { Proposals } from "./proposals.js";

const MOST = 200;

export class Needs {
  constructor() {
    this.none = h("p", { class: "none" });
    this.needs = this.part();
    this.surplus = this.part();
    this.proposals = new Proposals();
    this.node = h(
      "div",
      { class: "scroll", tabindex: "0", role: "group" },
      this.none,
      this.needs.node,
      this.surplus.node,
      this.proposals.node,
    );
  }

  part() {
    const title = h("h3");
    const list = h("ol", { class: "rows" });
    return { node: h("section", {}, title, list), title, list };
  }

  render(view) {
    this.view = view;
    attr(this.node, "aria-label", t("needs.title"));
    const { needs: both } = view;
    this.proposals.render(view);
    show(this.proposals.node, both !== null && both.surplus.length > 0);
    text(this.none, both === null ? t("loading") : t("needs.none"));
    show(this.none, both === null || both.needs.length + both.surplus.length === 0);
    for (const [part, name] of [
      [this.needs, "needs"],
      [this.surplus, "surplus"],
    ]) {
      const rows = both?.[name] ?? [];
      show(part.node, rows.length > 0);
      text(part.title, t(`needs.${name}`, number(rows.length)));
      keyed(
        part.list,
        rows.slice(0, MOST),
        (each) => `${each.point}/${each.need_id}`,
        () => this.row(),
      );
    }
  }

  row() {
    const what = h("strong");
    const link = h("a", { class: "name" });
    const where = h("span", { class: "where" });
    const state = h("span", { class: "tag" });
    const by = h("span", { class: "word" });
    const priority = h("span", { class: "at" });
    const note = h("p", { class: "note" });
    const node = h(
      "li",
      { class: "row need" },
      h("div", { class: "what" }, what, h("div", { class: "beside" }, link, where, state), note),
      h("div", { class: "when" }, by, priority),
    );
    const update = (need) => {
      const { view } = this;
      const late =
        need.needed_by !== null &&
        need.needed_by !== undefined &&
        instant(need.needed_by) < now() &&
        need.direction !== "surplus";
      attr(node, "class", `row need p-${need.priority ?? "normal"}${late ? " late" : ""}`);
      const much =
        need.quantity === null || need.quantity === undefined ? "" : ` ${number(need.quantity)} ${need.unit ?? ""}`;
      text(what, `${word("need", need.kind ?? "unknown")}${much}`);
      const kommun = need.point.endsWith("-_");
      text(link, kommun ? view.kommunName(need.kommun) : (need.name ?? need.point));
      attr(link, "href", kommun ? href({ area: need.kommun }) : href({ point: need.point, alert: null }));
      text(where, kommun ? "" : view.kommunName(need.kommun));
      text(state, word("needState", need.state));
      text(by, need.needed_by ? t(late ? "needs.late" : "needs.by", clockTime(need.needed_by)) : "");
      text(priority, need.priority ? word("priority", need.priority) : "");
      text(note, need.note ?? "");
      show(note, Boolean(need.note));
    };
    return { node, update };
  }
}
