/** The areas inside the one that is shown: the map as a table, worst first. */

import { attr, fill, h, icon, keyed, show, svg, text } from "../lib/dom.js";
import { number, percent } from "../lib/format.js";
import { t, word } from "../lib/i18n.js";
import { ageOf, retime } from "../lib/ticking.js";
import { href } from "../lib/url.js";
import { areaLook, CONDITION_RANK, judged } from "../model/looks.js";

export class Areas {
  constructor() {
    this.head = h("tr");
    this.body = h("tbody");
    this.caption = h("caption", { class: "unseen" });
    this.none = h("p", { class: "none" });
    this.table = h("table", { class: "areas" }, this.caption, h("thead", {}, this.head), this.body);
    this.node = h("div", { class: "scroll", tabindex: "0", role: "group" }, this.none, this.table);
  }

  render(view) {
    this.view = view;
    attr(this.node, "aria-label", t("areas.title"));
    text(this.caption, t("areas.title"));
    const columns = ["name", "condition", "open", "coverage", "oldest"];
    if (this.head.dataset.said !== t("areas.name")) {
      this.head.dataset.said = t("areas.name");
      fill(
        this.head,
        columns.map((each) => h("th", { scope: "col", class: each }, t(`areas.${each}`))),
      );
    }
    const rows = [...(view.picture?.areas ?? [])].sort(worstFirst);
    text(this.none, t(view.picture === null ? "loading" : "areas.none"));
    show(this.none, rows.length === 0);
    show(this.table, rows.length > 0);
    keyed(
      this.body,
      rows,
      (each) => each.code,
      () => this.row(),
    );
  }

  row() {
    const link = h("a", { class: "name" });
    const activation = h("span", { class: "where" });
    const bar = new Bar();
    const open = h("td", { class: "number" });
    const coverage = h("td", { class: "number" });
    const silent = h("span", { class: "tag silent" });
    const oldest = ageOf("2000-01-01T00:00:00Z");
    const unknown = h("span", {}, "–");
    const node = h(
      "tr",
      { class: "row" },
      h("th", { scope: "row" }, link, " ", activation, silent),
      h("td", {}, bar.node),
      open,
      coverage,
      h("td", { class: "number" }, oldest, unknown),
    );
    const update = (area) => {
      const { view } = this;
      text(link, area.name);
      attr(link, "href", href({ area: area.code, point: null }));
      const said = view.picture.condition.activation.kommuner[area.code];
      text(
        activation,
        area.level === "kommun" && said !== undefined && said !== "unknown" ? word("activation", said) : "",
      );
      bar.render(area.condition);
      text(open, `${number(area.lifecycle.open)} / ${number(area.coverage.expected + area.coverage.unregistered)}`);
      text(coverage, percent(area.coverage.on_time, area.coverage.expected));
      const look = areaLook(area);
      show(silent, look.hatch === 3);
      text(silent, t("areas.silent"));
      show(oldest, area.coverage.oldest !== null);
      show(unknown, area.coverage.oldest === null);
      if (area.coverage.oldest !== null) retime(oldest, area.coverage.oldest);
    };
    return { node, update };
  }
}

/** Worst first: by the fill, then by how many of it, then by name. */
function worstFirst(a, b) {
  const [one, other] = [areaLook(a), areaLook(b)];
  const rank = (look) => (look.hatch === 3 ? -1 : 0) + (CONDITION_RANK[look.fill] ?? 9);
  return (
    rank(one) - rank(other) ||
    (b.condition[other.fill] ?? 0) - (a.condition[one.fill] ?? 0) ||
    a.name.localeCompare(b.name, "sv")
  );
}

const ORDER = ["critical", "red", "yellow", "unknown", "green"];

/** How the open points of an area are, as a bar and in numbers. */
export class Bar {
  constructor() {
    this.parts = ORDER.map((mark) => svg("rect", { class: `kommun f-${mark}`, height: "100%" }));
    this.bar = svg("svg", { class: "bar", "aria-hidden": "true" }, this.parts);
    this.counts = h("span", { class: "counts" });
    this.node = h("div", { class: "barred" }, this.bar, this.counts);
    this.said = "";
  }

  render(condition) {
    const total = judged(condition);
    const said = [...ORDER.map((mark) => condition[mark]), document.documentElement.lang].join();
    if (said === this.said) return;
    this.said = said;
    let x = 0;
    ORDER.forEach((mark, at) => {
      const width = total > 0 ? (100 * condition[mark]) / total : 0;
      attr(this.parts[at], "x", `${x}%`);
      attr(this.parts[at], "width", `${width}%`);
      x += width;
    });
    fill(
      this.counts,
      ORDER.filter((mark) => condition[mark] > 0).map((mark) =>
        h(
          "span",
          { class: `m-${mark}` },
          icon(mark, `mark m-${mark}`),
          number(condition[mark]),
          h("span", { class: "unseen" }, ` ${word("conditions", mark)} `),
        ),
      ),
      total === 0 && h("span", { class: "where" }, t("areas.noneOpen")),
    );
  }
}
