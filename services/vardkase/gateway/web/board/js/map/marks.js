/** What stands on the map in the size of the screen: points, names and numbers. */

import { attr, keyed, svg, text } from "../lib/dom.js";
import { CONDITION_RANK, pointMark } from "../model/looks.js";

/** From how many px a cell (100 m) is wide, points are drawn larger, and named. */
const NEAR = 0.55;
const NAMED = 1.1;

export class Marks {
  constructor() {
    this.names = svg("g", { class: "names", "aria-hidden": "true" });
    this.points = svg("g", { class: "points" });
    this.node = svg("g", {}, this.names, this.points);
    this.shown = [];
    this.labels = [];
    this.view = { k: 1, x: 0, y: 0 };
  }

  /** Names and numbers: `{ key, x, y, name, count, mark, room }`; `room`: how many cells wide it may be. */
  label(labels) {
    this.labels = labels;
    keyed(
      this.names,
      labels,
      (each) => each.key,
      (first) => {
        const name = svg("text", { class: "name" });
        const count = svg("g", { class: "count" });
        const number = svg("text", { x: 2, y: 3.6 });
        const use = svg("use", { x: -13, y: -6, width: 12, height: 12 });
        count.append(svg("rect", { class: "pill", height: 17, y: -8.5, rx: 8.5 }), use, number);
        const node = svg("g", { class: `label ${first.kind}` }, name, count);
        return {
          node,
          update(label) {
            text(name, label.name ?? "");
            attr(count, "display", label.count ? null : "none");
            if (!label.count) return;
            text(number, label.count);
            attr(use, "href", `#i-${label.mark}`);
            const wide = 22 + 6.4 * String(label.count).length;
            attr(count, "class", `count m-${label.mark}`);
            attr(count.firstChild, "width", wide);
            attr(count.firstChild, "x", -17);
            attr(count, "transform", `translate(${17 - wide / 2} ${label.name ? 15 : 0})`);
          },
        };
      },
    );
    this.move(this.view);
  }

  /** Points: `{ id, at: [x, y], point, href, label, selected }`. The worst lie on top. */
  place(points) {
    this.shown = [...points].sort(
      (a, b) =>
        Number(a.selected) - Number(b.selected) ||
        CONDITION_RANK[b.point.condition] - CONDITION_RANK[a.point.condition] ||
        (a.id < b.id ? -1 : 1),
    );
    keyed(
      this.points,
      this.shown,
      (each) => each.id,
      (first) => {
        const use = svg("use", { x: -8, y: -8, width: 16, height: 16 });
        const ring = svg("circle", { class: "ring", r: 11 });
        const badge = svg("use", { class: "badge", x: 3.5, y: -11.5, width: 9, height: 9 });
        const name = svg("text", { class: "pointname", x: 12, y: 4 });
        const scaled = svg("g", { class: "scaled" }, ring, use, badge);
        const node = svg(
          "a",
          { "data-point": first.id, tabindex: "-1" },
          svg("circle", { class: "touch", r: 13 }),
          scaled,
          name,
        );
        return {
          node,
          update({ point, href, label, selected }) {
            attr(node, "href", href);
            attr(node, "aria-label", label);
            const old = point.freshness === "stale" || point.freshness === "silent" ? ` ${point.freshness}` : "";
            attr(
              node,
              "class",
              `point m-${pointMark(point)}${old}${point.dark ? " dark" : ""}${selected ? " selected" : ""}`,
            );
            attr(use, "href", `#i-${pointMark(point)}`);
            attr(badge, "href", point.dark ? "#i-dark" : point.medical_charging ? "#i-medical" : "#i-overnight");
            attr(badge, "display", point.dark || point.medical_charging || point.overnight ? null : "none");
            text(name, label.split(",")[0]);
          },
        };
      },
    );
    this.move(this.view);
  }

  /** Of names that would lie over each other, those of the worst points stay. */
  clear({ k, x, y }) {
    if (k < NAMED) return;
    const taken = [];
    [...this.points.children].reverse().forEach((node, place) => {
      const { at, label } = this.shown[this.shown.length - 1 - place];
      const [left, top] = [at[0] * k + x + 12, at[1] * k + y - 7];
      const box = [left, top, left + 6.4 * label.split(",")[0].length, top + 14];
      const free = taken.every((each) => box[0] > each[2] || box[2] < each[0] || box[1] > each[3] || box[3] < each[1]);
      if (free) taken.push(box);
      attr(node.lastChild, "visibility", free ? null : "hidden");
    });
  }

  move(view) {
    this.view = view;
    const { k, x, y } = view;
    [...this.names.children].forEach((node, at) => {
      const label = this.labels[at];
      attr(node, "transform", `translate(${(label.x * k + x).toFixed(1)} ${(label.y * k + y).toFixed(1)})`);
      attr(node, "display", label.room * k < 7 * (label.name?.length ?? 3) ? "none" : null);
    });
    this.clear(view);
    const near = k >= NEAR;
    attr(this.points, "class", `points${near ? " near" : ""}${k >= NAMED ? " named" : ""}`);
    [...this.points.children].forEach((node, at) => {
      const [u, v] = this.shown[at].at;
      attr(node, "transform", `translate(${(u * k + x).toFixed(1)} ${(v * k + y).toFixed(1)})`);
    });
  }
}
