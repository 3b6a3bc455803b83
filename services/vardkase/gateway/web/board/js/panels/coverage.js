/** How complete and how old the picture is. It stands before every number: they rest on it. */

import { attr, fill, h, icon, show, svg, text } from "../lib/dom.js";
import { clockTime, number } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { ageOf, retime } from "../lib/ticking.js";
import { LinkLine } from "./links.js";

const PARTS = ["on_time", "stale", "silent"];

export class Coverage {
  constructor() {
    this.words = h("span", { class: "words" });
    this.oldest = ageOf("2000-01-01T00:00:00Z", "coverage.oldest");
    this.sentence = h("p", { class: "sentence" }, this.words, this.oldest);
    this.rects = PARTS.map((each) => svg("rect", { class: `cover ${each}`, height: "100%" }));
    this.bar = svg("svg", { class: "bar", role: "img" }, this.rects);
    this.missing = h("p", { class: "missing" });
    this.made = h("p", { class: "made" });
    this.links = new LinkLine();
    this.node = h("section", { class: "coverage" }, this.sentence, this.bar, this.missing, this.links.node, this.made);
  }

  render(view, store) {
    const { picture } = view;
    this.links.render(store);
    attr(this.node, "aria-label", t("coverage.title"));
    show(this.node, picture !== null);
    if (picture === null) return;
    const { coverage } = picture;
    text(this.words, `${coverageWords(view)}${coverage.oldest === null ? "" : ", "}`);
    show(this.oldest, coverage.oldest !== null);
    if (coverage.oldest !== null) retime(this.oldest, coverage.oldest);
    let x = 0;
    PARTS.forEach((each, at) => {
      const width = coverage.expected > 0 ? (100 * coverage[each]) / coverage.expected : 0;
      attr(this.rects[at], "x", `${x}%`);
      attr(this.rects[at], "width", `${width}%`);
      x += width;
    });
    attr(
      this.bar,
      "aria-label",
      t("coverage.bar", number(coverage.on_time), number(coverage.stale), number(coverage.silent)),
    );
    const missing = missingWords(view);
    fill(
      this.missing,
      missing.length === 0
        ? []
        : [icon("warning"), missing.join(" · ")].map((each) => (typeof each === "string" ? h("span", {}, each) : each)),
    );
    show(this.missing, missing.length > 0);
    const { adopted: by, version } = picture;
    const adopted =
      by === null
        ? t("coverage.automatic")
        : t(by.version === version ? "coverage.adopted" : "coverage.adoptedThen", clockTime(by.at));
    text(this.made, `${adopted}, ${t("coverage.made", clockTime(picture.as_of))}`);
  }
}

/** "17 av 26 kommuner aktuella, 120 av 128 punkter"; of a kommun its points alone. */
export function coverageWords(view) {
  const { picture, area } = view;
  const { coverage } = picture;
  if (isEmpty(picture)) return t("coverage.none");
  const points = t("coverage.points", number(coverage.on_time), number(coverage.expected));
  if (area.level === "kommun") return points;
  const current = currentKommuner(view);
  const kommuner =
    current === null
      ? t("coverage.heard", number(coverage.kommuner.reporting), number(coverage.kommuner.with_points))
      : t("coverage.kommuner", number(current), number(coverage.kommuner.with_points));
  return `${kommuner}, ${points}`;
}

/** Whether nothing at all is known of any point: that is not the same as nothing being wrong. */
export function isEmpty({ coverage }) {
  return coverage.expected + coverage.unregistered === 0;
}

/** Kommuner heard of, not silent, and with nothing stale among their points; `null` before all of them are known. */
function currentKommuner({ area, summaries, outlines }) {
  let current = 0;
  for (const { code } of outlines.kommunerOf(area)) {
    const summary = summaries.get(code);
    if (summary === undefined) return null;
    const { coverage, alerts } = summary;
    if (coverage.expected > 0 && coverage.on_time === coverage.expected && !("area.silent" in alerts)) current += 1;
  }
  return current;
}

/** What the picture lacks, in words. */
export function missingWords(view) {
  const { coverage } = view.picture;
  const words = [];
  if (coverage.stale > 0) words.push(t("coverage.stale", number(coverage.stale)));
  if (coverage.silent > 0) words.push(t("coverage.silent", number(coverage.silent)));
  if (coverage.kommuner.silent > 0)
    words.push(t("coverage.silentKommuner", number(coverage.kommuner.silent), silentNames(view)));
  if (coverage.incident_silent.length > 0) {
    words.push(t("coverage.incident", number(coverage.incident_silent.length), names(view, coverage.incident_silent)));
  }
  if (coverage.unregistered > 0) words.push(t("coverage.unregistered", number(coverage.unregistered)));
  return words;
}

function silentNames(view) {
  const codes = [...view.situation.alerts.values()]
    .filter((each) => each.rule === "area.silent")
    .map((each) => each.area.code);
  return names(view, codes);
}

function names({ kommunName }, codes) {
  const shown = codes.slice(0, 3).map(kommunName).join(", ");
  return codes.length > 3 ? `${shown} …` : shown;
}
