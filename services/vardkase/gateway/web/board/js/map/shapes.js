/** The areas: filled by condition, hatched by doubt; over them borders, and what can be pressed. */

import { attr, keyed, svg } from "../lib/dom.js";

const HATCHES = ["", "some", "much", "silent"];

/** The ground of each kommun: made once, coloured again and again. */
export class Shapes {
  constructor(outlines) {
    this.outlines = outlines;
    this.kommuner = new Map();
    const ground = svg("g", { class: "ground" });
    const doubt = svg("g", { class: "doubt" });
    for (const kommun of outlines.kommuner.values()) {
      const d = outlines.path(kommun);
      const shape = svg("path", { d, class: "kommun" });
      const hatch = svg("path", { d, class: "hatch", display: "none" });
      this.kommuner.set(kommun.code, { shape, hatch, d });
      ground.append(shape);
      doubt.append(hatch);
    }
    this.selected = svg("path", { class: "border selected" });
    this.links = svg("g", { class: "links" });
    this.node = svg(
      "g",
      {},
      ground,
      doubt,
      svg("path", { class: "border lan", d: outlines.borders() }),
      this.selected,
      this.links,
    );
  }

  /** Colour all kommuner. `look(code)`: `{ fill, hatch }`, or `null` where nothing is shown. */
  colour(look, inside) {
    for (const [code, { shape, hatch }] of this.kommuner) {
      const found = look(code);
      const fill = found === null ? "blank" : found.fill;
      attr(shape, "class", `kommun f-${fill}${inside.has(code) ? "" : " outside"}`);
      const mark = found === null || !inside.has(code) ? "" : HATCHES[found.hatch];
      attr(hatch, "display", mark === "" ? "none" : null);
      attr(hatch, "class", `hatch h-${mark}`);
    }
  }

  /** Draw around the kommuner of an area. */
  outline(area) {
    if (area.level === "kommun") attr(this.selected, "d", this.kommuner.get(area.code).d);
    else if (area.level === "lan") attr(this.selected, "d", this.outlines.borders(area.code));
    else attr(this.selected, "d", "");
  }

  /** What can be pressed: areas as `{ code, href, label }`, with the kommuner that each covers. */
  link(targets) {
    keyed(
      this.links,
      targets,
      (each) => each.code,
      (first) => {
        const d = first.kommuner.map((code) => this.kommuner.get(code).d).join("");
        const edge = first.kommuner.length === 1 ? d : this.outlines.borders(first.code);
        const node = svg(
          "a",
          { "data-area": first.code, tabindex: "-1" },
          svg("path", { d }),
          svg("path", { d: edge, class: "edge" }),
        );
        return {
          node,
          update({ href, label }) {
            attr(node, "href", href);
            attr(node, "aria-label", label);
          },
        };
      },
    );
  }
}

/** Patterns that areas are filled and hatched with; `scale` keeps them alike however near the map is. */
export class Patterns {
  constructor() {
    const lines = (id, size, ...paths) =>
      svg(
        "pattern",
        { id, width: size, height: size, patternUnits: "userSpaceOnUse", class: id },
        paths.map((d) => svg("path", { d })),
      );
    this.patterns = [
      lines("p-some", 9, "M-1 10L10 -1M-1 1L1 -1M8 10L10 8"),
      lines("p-much", 5, "M-1 6L6 -1M-1 1L1 -1M4 6L6 4"),
      lines("p-silent", 6, "M-1 7L7 -1M-1 1L1 -1M5 7L7 5", "M-1 -1L7 7M-1 5L1 7M5 -1L7 1"),
      this.ground("p-unknown", 7, svg("circle", { cx: 3.5, cy: 3.5, r: 1.1 })),
      this.ground("p-critical", 6, svg("path", { d: "M1.5 3h3M3 1.5v3" })),
    ];
    this.node = svg("defs", {}, this.patterns);
  }

  ground(id, size, mark) {
    return svg(
      "pattern",
      { id, width: size, height: size, patternUnits: "userSpaceOnUse", class: id },
      svg("rect", { width: size, height: size }),
      mark,
    );
  }

  scale(k) {
    for (const pattern of this.patterns) attr(pattern, "patternTransform", `scale(${1 / k})`);
  }
}
