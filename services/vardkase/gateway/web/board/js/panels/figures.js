/** The situation in some numbers. Each says what it rests on: what is not known is neither nought nor good. */

import { attr, h, icon, show, text } from "../lib/dom.js";
import { number } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { Bar } from "./areas.js";
import { isEmpty } from "./coverage.js";

/** By name: what it says of a picture: `value`, `more`, and a `mark` when it is bad. */
const FIGURES = {
  open({ condition, coverage }) {
    const { establishing, open } = condition.lifecycle;
    const more = [t("figures.of", number(coverage.expected + coverage.unregistered))];
    if (establishing > 0) more.push(t("figures.establishing", number(establishing)));
    return { value: number(open), more: more.join(", ") };
  },
  dark: ({ forecast }) => ({
    value: number(forecast.dark),
    more: t("figures.now"),
    mark: forecast.dark > 0 ? "critical" : null,
  }),
  unknown: ({ forecast }) => ({
    value: number(forecast.endurance_unknown),
    more: t("figures.onBackup"),
    mark: forecast.endurance_unknown > 0 ? "unknown" : null,
  }),
  out({ forecast }) {
    const { "6h": six, "12h": twelve, "24h": day } = forecast.out_within;
    return { value: number(six), more: t("figures.later", number(twelve), number(day)), mark: six > 0 ? "red" : null };
  },
  visitors({ condition }) {
    const { sum, points, of } = condition.occupancy;
    return {
      value: points === 0 && of > 0 ? "–" : number(sum),
      more: t("figures.fromPoints", number(points), number(of)),
    };
  },
  room({ resources }) {
    const { sum, points, of } = resources.free_capacity;
    return {
      value: points === 0 && of > 0 ? "–" : number(sum),
      more: t("figures.fromPoints", number(points), number(of)),
    };
  },
  staff({ resources }) {
    const { present, points, of, short } = resources.staff;
    const value = points === 0 && of > 0 ? "–" : number(present);
    return {
      value,
      more: short > 0 ? t("figures.short", number(short)) : t("figures.fromPoints", number(points), number(of)),
      mark: short > 0 ? "yellow" : null,
    };
  },
  needs({ measures }) {
    const open = Object.values(measures.needs).reduce(
      (sum, each) => sum + each.requested + each.assigned + each.under_way,
      0,
    );
    return {
      value: number(open),
      more: measures.overdue > 0 ? t("figures.overdue", number(measures.overdue)) : t("figures.notOverdue"),
      mark: measures.overdue > 0 ? "red" : null,
    };
  },
};

export class Figures {
  constructor() {
    this.bar = new Bar();
    this.conditionLabel = h("dt");
    this.figures = Object.keys(FIGURES).map((name) => {
      const label = h("span");
      const mark = icon("warning", "mark");
      const value = h("span", { class: "value" });
      const more = h("span", { class: "rests" });
      const node = h(
        "div",
        { class: `figure ${name}` },
        h("dt", {}, label),
        h("dd", {}, h("span", { class: "amount" }, mark, value), more),
      );
      return { name, node, label, mark, value, more };
    });
    this.list = h(
      "dl",
      {},
      h("div", { class: "figure condition" }, this.conditionLabel, h("dd", {}, this.bar.node)),
      this.figures.map((each) => each.node),
    );
    this.node = h("section", { class: "figures" }, this.list);
  }

  render({ picture }) {
    attr(this.node, "aria-label", t("figures.title"));
    const some = picture !== null && !isEmpty(picture);
    show(this.list, some);
    if (!some) return;
    text(this.conditionLabel, t("figures.condition"));
    this.bar.render(picture.condition.condition);
    for (const { name, node, label, mark, value, more } of this.figures) {
      const said = FIGURES[name](picture);
      text(label, t(`figures.${name}`));
      text(value, said.value);
      text(more, said.more);
      attr(node, "class", `figure ${name}${said.mark ? ` m-${said.mark}` : ""}`);
      show(mark, Boolean(said.mark));
      if (said.mark) attr(mark.firstChild, "href", `#i-${said.mark}`);
      attr(mark, "display", said.mark ? null : "none");
    }
  }
}
