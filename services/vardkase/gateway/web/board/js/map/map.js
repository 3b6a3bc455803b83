/** The map: where it is bad, where it is not known, and the way from the nation to a point. */

import { attr, fill, h, icon, svg, text } from "../lib/dom.js";
import { t, word } from "../lib/i18n.js";
import { number } from "../lib/format.js";
import { address, href } from "../lib/url.js";
import { areaLook, judged } from "../model/looks.js";
import { nameOf } from "../model/points.js";
import { byArrows, keepOneStop } from "./arrows.js";
import { Hover } from "./hover.js";
import { Marks } from "./marks.js";
import { Patterns, Shapes } from "./shapes.js";
import { Zoom } from "./zoom.js";

export class CountryMap {
  /** @param outlines see outlines.js. @param mayRead whether an area is open to the reader. */
  constructor(outlines, mayRead) {
    this.outlines = outlines;
    this.mayRead = mayRead;
    this.shapes = new Shapes(outlines);
    this.patterns = new Patterns();
    this.marks = new Marks();
    this.land = svg("g", { class: "land" }, this.shapes.node);
    this.svg = svg("svg", { class: "map", role: "group" }, this.patterns.node, this.land, this.marks.node);
    this.hover = new Hover(this.svg, (link) => this.told(link));
    this.buttons = h("div", { class: "mapbuttons" });
    this.credit = h("p", { class: "credit" });
    this.node = h("div", { class: "mapframe" }, this.svg, this.hover.node, this.buttons, this.credit);
    this.zoom = new Zoom(this.svg, (view) => this.moved(view));
    this.fitted = null;
    byArrows(this.shapes.links);
    byArrows(this.marks.points);
    this.speak();
  }

  /** Say everything anew, in the language that is spoken now. */
  speak() {
    attr(this.svg, "aria-label", t("map.title"));
    text(this.credit, t("map.credit", this.outlines.credit));
    const button = (name, label, act) =>
      h("button", { type: "button", "aria-label": label, title: label, onclick: act }, icon(name));
    fill(
      this.buttons,
      button("plus", t("map.closer"), () => this.zoom.by(1.6)),
      button("minus", t("map.farther"), () => this.zoom.by(1 / 1.6)),
      button("home", t("map.whole"), () => this.zoom.reset()),
    );
  }

  /** Show what is known. `view`: see model/view.js. */
  render(view) {
    const { area, summaries, points, passes } = view;
    this.view = view;
    const kommuner = this.outlines.kommunerOf(area);
    const inside = new Set(kommuner.map((each) => each.code));
    this.shapes.colour((code) => this.look(code), inside);
    attr(this.svg, "class", `map at-${area.level}${points === null ? "" : " pointed"}`);
    this.shapes.outline(area);
    this.shapes.link(this.targets());
    this.marks.label(this.labels(summaries));
    this.marks.place(
      points === null ? [] : this.placed([...points.values()].filter((each) => !each.retired && passes(each))),
    );
    keepOneStop(this.shapes.links);
    keepOneStop(this.marks.points);
    this.hover.refresh();
    if (this.fitted !== area.code) {
      const first = this.fitted === null;
      this.fitted = area.code;
      this.zoom.fit(this.outlines.box(kommuner), { glide: !first });
    }
  }

  moved(view) {
    attr(this.land, "transform", `translate(${view.x.toFixed(2)} ${view.y.toFixed(2)}) scale(${view.k.toFixed(5)})`);
    this.patterns.scale(view.k);
    this.marks.move(view);
    this.hover.hide();
  }

  /** A kommun's look by its own summary, or before it has come by its län's. */
  look(code) {
    const { summaries } = this.view;
    const summary = summaries.get(code) ?? summaries.get(this.outlines.kommuner.get(code).lan);
    return summary === undefined ? null : areaLook(summary);
  }

  /** What can be pressed: the kommuner of the län that is shown, and the other län. */
  targets() {
    const { area } = this.view;
    const here = area.level === "kommun" ? area.lan : area.level === "lan" ? area.code : null;
    const targets = [];
    for (const lan of this.outlines.lan.values()) {
      const kommuner = this.outlines.kommunerOf(lan);
      if (lan.code === here) targets.push(...kommuner.filter((each) => each.code !== area.code));
      else targets.push(lan);
    }
    return targets
      .filter((each) => this.mayRead(each))
      .map((each) => ({
        code: each.code,
        kommuner: each.level === "lan" ? this.outlines.kommunerOf(each).map((kommun) => kommun.code) : [each.code],
        href: href({ area: each.code, point: null }),
        label: this.said(each),
      }));
  }

  said(area) {
    const summary = this.view.summaries.get(area.code);
    if (summary === undefined) return area.name;
    const { condition, coverage, lifecycle } = summary;
    const look = areaLook(summary);
    const parts = [t("map.open", number(lifecycle.open), number(coverage.expected + coverage.unregistered))];
    for (const level of ["critical", "red", "yellow", "green", "unknown"]) {
      if (condition[level] > 0) parts.push(`${number(condition[level])} ${word("conditions", level)}`);
    }
    if (look.hatch > 0) parts.push(t(`map.hatch${look.hatch}`));
    return `${area.name}: ${parts.join(", ")}`;
  }

  /** At the nation: of each län how many are worst; at a län: its kommuner's names. */
  labels(summaries) {
    const { area } = this.view;
    const worst = (summary) => {
      if (summary === undefined) return { count: "", mark: "unknown" };
      const mark = ["critical", "red", "yellow", "unknown"].find((level) => summary.condition[level] > 0);
      return mark === undefined ? { count: "", mark: "green" } : { count: number(summary.condition[mark]), mark };
    };
    if (area.level === "lan") {
      return this.outlines.kommunerOf(area).map((each) => ({
        key: each.code,
        kind: "kommun",
        x: each.x,
        y: each.y,
        room: each.box[2] - each.box[0],
        name: each.name,
        count: "",
        mark: "green",
      }));
    }
    if (area.level === "kommun") return [];
    return [...this.outlines.lan.values()]
      .filter((each) => summaries.has(each.code))
      .map((each) => ({
        key: each.code,
        kind: "lan",
        x: each.x,
        y: each.y,
        room: Infinity,
        name: null,
        ...worst(summaries.get(each.code)),
      }));
  }

  placed(points) {
    const chosen = address().point;
    return points
      .filter((point) => point.place !== null)
      .map((point) => ({
        id: point.id,
        at: this.outlines.place(point.place),
        point,
        href: href({ point: point.id, alert: null }),
        label: `${nameOf(point)}, ${this.brief(point).join(", ")}`,
        selected: point.id === chosen,
      }));
  }

  brief(point) {
    const parts = [word("condition", point.condition)];
    if (point.condition === "not_applicable") parts[0] = word("lifecycle", point.lifecycle ?? "unknown");
    if (point.dark) parts.push(t("short.dark"));
    if (point.freshness !== null && point.freshness !== "fresh") parts.push(word("freshness", point.freshness));
    if (point.medical_charging) parts.push(t("mark.medical"));
    if (point.overnight) parts.push(t("mark.overnight"));
    return parts;
  }

  /** What the little card beside the pointer says. */
  told(link) {
    const code = link.getAttribute("data-area");
    if (code === null) {
      const point = this.view.points?.get(link.getAttribute("data-point"));
      return point === undefined ? null : { title: nameOf(point), lines: this.brief(point) };
    }
    const summary = this.view.summaries.get(code);
    const { name } = this.outlines.area(code);
    if (summary === undefined) return { title: name, lines: [] };
    const { condition, coverage, lifecycle } = summary;
    const look = areaLook(summary);
    const lines = [t("map.open", number(lifecycle.open), number(coverage.expected + coverage.unregistered))];
    if (look.hatch > 0) lines.push(t(`map.hatch${look.hatch}`));
    return { title: name, lines, condition, total: judged(condition) };
  }
}

/** What the colours and patterns mean. */
export function legend() {
  const swatch = (mark, label) =>
    h(
      "li",
      {},
      svg(
        "svg",
        { class: "swatch", "aria-hidden": "true" },
        svg("rect", { width: "100%", height: "100%", class: `kommun f-${mark}` }),
      ),
      icon(mark, `mark m-${mark}`),
      label,
    );
  const hatched = (mark, label) =>
    h(
      "li",
      {},
      svg(
        "svg",
        { class: "swatch", "aria-hidden": "true" },
        svg("rect", { width: "100%", height: "100%", class: "kommun f-closed" }),
        svg("rect", { width: "100%", height: "100%", class: `hatch h-${mark}` }),
      ),
      label,
    );
  return h(
    "ul",
    { class: "legend" },
    ["critical", "red", "yellow", "green", "unknown"].map((each) => swatch(each, word("condition", each))),
    swatch("closed", t("map.closed")),
    hatched("much", t("map.hatched")),
    hatched("silent", t("map.silent")),
  );
}
