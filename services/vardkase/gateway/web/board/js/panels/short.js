/** What runs short: without power first, then of unknown endurance, then by when, counting down. */

import { attr, fill, h, icon, keyed, show, text } from "../lib/dom.js";
import { instant } from "../lib/clock.js";
import { clockTime, number } from "../lib/format.js";
import { t, word } from "../lib/i18n.js";
import { ageOf, countdown, retime } from "../lib/ticking.js";
import { address, href } from "../lib/url.js";
import { pointMark } from "../model/looks.js";
import { nameOf, shortageRank } from "../model/points.js";
import { isEmpty } from "./coverage.js";
import { interval } from "./foreseen.js";
import { marksOf, useIcon } from "./pieces.js";

/** How many of each kind are listed before one asks for all. */
const FIRST = [8, 5, 40];
/** The same on the wall, where nobody scrolls. */
const WALL = [4, 2, 12];
/** A trend that says the same within so many ms is not told. */
const DIFFERENT = 15 * 60_000;
const KINDS = ["dark", "unknown", "timed"];
const ICONS = ["dark", "unknown", "clock"];

export class ShortList {
  constructor() {
    this.all = [false, false, false];
    this.parts = KINDS.map((kind, rank) => this.part(kind, rank));
    this.jumps = h(
      "div",
      { class: "levels", role: "group" },
      this.parts.map(({ jump }) => jump),
    );
    this.none = h("p", { class: "none" });
    this.node = h(
      "div",
      { class: "scroll", tabindex: "0", role: "group" },
      this.none,
      this.parts.map((each) => each.node),
    );
  }

  render(view) {
    this.view = view;
    attr(this.node, "aria-label", t("short.title"));
    attr(this.jumps, "aria-label", t("short.jump"));
    const { rows } = view.short;
    const totals = view.filtered ? null : [view.short.dark, view.short.unknown, view.short.timed];
    text(this.none, t(nothing(view)));
    show(this.none, rows.length === 0);
    this.parts.forEach(({ node, title, count, list, more, jump, jumpCount }, rank) => {
      const own = rows.filter((each) => shortageRank(each) === rank);
      show(node, own.length > 0);
      text(title, t(`short.${KINDS[rank]}`));
      text(count, number(totals?.[rank] ?? own.length));
      show(jump, own.length > 0);
      attr(jump, "aria-label", `${t(`short.${KINDS[rank]}`)}: ${count.textContent}`);
      attr(jump, "title", t(`short.${KINDS[rank]}`));
      text(jumpCount, count.textContent);
      const first = (address().view === "vagg" ? WALL : FIRST)[rank];
      const shown = this.all[rank] && first === FIRST[rank] ? own : own.slice(0, first);
      keyed(
        list,
        shown,
        (each) => each.id,
        () => this.row(rank),
      );
      show(more, shown.length < own.length);
      if (shown.length < own.length) text(more, t("more", number(own.length - shown.length)));
    });
  }

  part(kind, rank) {
    const title = h("span");
    const count = h("span", { class: "count" });
    const list = h("ol", { class: "rows" });
    const more = h("button", { type: "button", class: "more" });
    more.addEventListener("click", () => {
      this.all[rank] = true;
      this.render(this.view);
      list.children[FIRST[rank]]?.querySelector("a").focus();
    });
    const heading = h("h3", {}, icon(ICONS[rank]), title, count);
    const node = h("section", { class: `shortpart ${kind}` }, heading, list, more);
    const jumpCount = h("span");
    const jump = h("button", { type: "button", class: `jump ${kind}` }, icon(ICONS[rank]), jumpCount);
    jump.addEventListener("click", () => {
      this.node.scrollTo({ top: node.offsetTop - this.node.offsetTop, behavior: "smooth" });
      list.querySelector("a")?.focus({ preventScroll: true });
    });
    return { node, title, count, list, more, jump, jumpCount };
  }

  row(rank) {
    const mark = icon("unknown", "mark");
    const name = h("a", { class: "name" });
    const where = h("span", { class: "where" });
    const marks = h("span", { class: "marks" });
    const left = rank === 2 ? countdown("2000-01-01T00:00:00Z") : h("span", { class: "word" });
    const at = h("span", { class: "at" });
    const trend = h("span", { class: "at trend", hidden: true });
    const node = h(
      "li",
      { class: "row" },
      mark,
      h("div", { class: "what" }, name, h("div", { class: "beside" }, where, marks)),
      h("div", { class: "when" }, left, at, trend),
    );
    let since = null;
    const update = (point) => {
      const { view } = this;
      useIcon(mark, pointMark(point), word("condition", point.condition));
      attr(node, "class", `row m-${pointMark(point)}${address().point === point.id ? " selected" : ""}`);
      text(name, nameOf(point));
      attr(name, "href", href({ point: point.id, alert: null }));
      text(where, view.kommunName(point.kommun));
      marksOf(marks, point);
      if (rank === 2) {
        retime(left, point.runs_out_at);
        text(at, refillOf(point) ?? t("short.at", clockTime(point.runs_out_at)));
        const told = trendOf(view, point);
        show(trend, told !== null);
        text(trend, told ?? "");
        return;
      }
      text(left, t(rank === 0 ? "short.isDark" : "short.isUnknown"));
      const began = rank === 0 ? darkSince(view, point) : null;
      if (began === null) {
        fill(at);
        since = null;
      } else if (since === null) {
        since = ageOf(began, "short.since");
        fill(at, since);
      } else {
        retime(since, began);
      }
    };
    return { node, update };
  }
}

/** Why there is nothing in the list: that nothing is known of is not that nothing is short. */
function nothing({ picture, filtered }) {
  if (picture === null) return "loading";
  if (isEmpty(picture)) return "coverage.none";
  return filtered ? "short.noneFiltered" : "short.none";
}

/** Since when the rules have found it without power. */
function darkSince({ situation }, { id }) {
  const alert = situation.alerts.get(`power.lost/${id}`) ?? situation.alerts.get(`power.not_connected/${id}`);
  return alert?.raised_at ?? null;
}

/** When it runs out by the trend of its readings, where that is another time than what was reported. */
function trendOf({ situation }, { id, runs_out_at: reported }) {
  const found = situation.forecasts.get(id);
  if (found === undefined || Math.abs(instant(found.at) - instant(reported)) < DIFFERENT) return null;
  return interval(found);
}

/** A refill that is on its way, where it is known. */
function refillOf({ refill }) {
  if (!refill?.eta) return null;
  return t(refill.confirmed ? "short.refill" : "short.refillMaybe", clockTime(refill.eta));
}
