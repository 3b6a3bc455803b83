/** All points that the filters let through, as a table. */

import { attr, fill, h, icon, keyed, show, text } from "../lib/dom.js";
import { number } from "../lib/format.js";
import { t, word } from "../lib/i18n.js";
import { ageOf, countdown, retime } from "../lib/ticking.js";
import { address, href } from "../lib/url.js";
import { CONDITION_RANK, pointMark } from "../model/looks.js";
import { nameOf } from "../model/points.js";
import { marksOf, useIcon } from "./pieces.js";

const FIRST = 100;
const STEP = 200;

export class Points {
  constructor() {
    this.limit = FIRST;
    this.head = h("tr");
    this.body = h("tbody");
    this.caption = h("caption", { class: "unseen" });
    this.none = h("p", { class: "none" });
    this.table = h("table", { class: "points" }, this.caption, h("thead", {}, this.head), this.body);
    this.more = h("button", { type: "button", class: "more", onclick: () => this.further() });
    this.node = h("div", { class: "scroll", tabindex: "0", role: "group" }, this.none, this.table, this.more);
  }

  render(view) {
    this.view = view;
    attr(this.node, "aria-label", t("points.title"));
    text(this.caption, t("points.title"));
    if (this.head.dataset.said !== t("points.name")) {
      this.head.dataset.said = t("points.name");
      const columns = ["name", "state", "visitors", "out", "heard"];
      fill(
        this.head,
        columns.map((each) => h("th", { scope: "col", class: each }, t(`points.${each}`))),
      );
    }
    const rows = [...(view.found ?? [])].sort((a, b) => CONDITION_RANK[a.condition] - CONDITION_RANK[b.condition]);
    text(this.none, this.nothing());
    show(this.none, rows.length === 0);
    show(this.table, rows.length > 0);
    keyed(
      this.body,
      rows.slice(0, this.limit),
      (each) => each.id,
      () => this.row(),
    );
    show(this.more, rows.length > this.limit);
    if (rows.length > this.limit) text(this.more, t("more", number(rows.length - this.limit)));
  }

  nothing() {
    const { view } = this;
    if (view.points !== null) return view.situation.whole ? t("points.none") : t("loading");
    const { condition, freshness } = address();
    if (condition.length + freshness.length === 0) return t("points.tooMany");
    return view.situation.found === null ? t("loading") : t("points.none");
  }

  further() {
    const first = this.limit;
    this.limit += STEP;
    this.render(this.view);
    this.body.children[first]?.querySelector("a").focus();
  }

  row() {
    const mark = icon("unknown", "mark");
    const link = h("a", { class: "name" });
    const where = h("span", { class: "where" });
    const marks = h("span", { class: "marks" });
    const state = h("td");
    const visitors = h("td", { class: "number" });
    const left = countdown("2000-01-01T00:00:00Z");
    const dark = h("span", { class: "tag dark" });
    const heard = ageOf("2000-01-01T00:00:00Z");
    const never = h("span");
    const node = h(
      "tr",
      { class: "row" },
      h("th", { scope: "row" }, mark, link, h("div", { class: "beside" }, where, marks)),
      state,
      visitors,
      h("td", { class: "number" }, left, dark),
      h("td", { class: "number" }, heard, never),
    );
    const update = (point) => {
      const { view } = this;
      useIcon(mark, pointMark(point), word("condition", point.condition));
      attr(node, "class", `row m-${pointMark(point)}${address().point === point.id ? " selected" : ""}`);
      text(link, nameOf(point));
      attr(link, "href", href({ point: point.id, alert: null }));
      text(where, view.area.level === "kommun" ? "" : view.kommunName(point.kommun));
      marksOf(marks, point);
      const life = word("lifecycle", point.lifecycle ?? "unknown");
      text(state, point.condition === "not_applicable" ? life : `${life}, ${word("condition", point.condition)}`);
      text(visitors, number(point.occupancy));
      show(dark, point.dark);
      text(dark, t("short.isDark"));
      const timed = !point.dark && point.runs_out_at !== null;
      show(left, timed);
      if (timed) retime(left, point.runs_out_at);
      show(heard, point.content !== null);
      if (point.content !== null) retime(heard, point.content);
      show(never, point.content === null);
      text(never, t("points.never"));
    };
    return { node, update };
  }
}
