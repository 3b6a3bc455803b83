/** Alerts: worst first; what somebody has taken in, or a larger alert says already, stands apart. */

import { attr, fill, h, icon, keyed, show, text } from "../lib/dom.js";
import { clockTime, number } from "../lib/format.js";
import { language, t, word } from "../lib/i18n.js";
import { ageOf, countdown, retime } from "../lib/ticking.js";
import { address, href } from "../lib/url.js";
import { stepsOf, whoOf } from "../model/escalation.js";
import { LEVELS } from "../model/looks.js";
import { useIcon } from "./pieces.js";

const FIRST = 40;
const STEP = 60;

export class AlertList {
  constructor() {
    this.limit = FIRST;
    this.counts = h("span", { class: "levels" });
    this.none = h("p", { class: "none" });
    this.open = h("ol", { class: "rows" });
    this.more = h("button", { type: "button", class: "more", onclick: () => this.further() });
    this.quiet = this.folded();
    this.ended = this.folded();
    this.node = h(
      "div",
      { class: "scroll", tabindex: "0", role: "group" },
      this.none,
      this.open,
      this.more,
      this.quiet.node,
      this.ended.node,
    );
  }

  render(view) {
    this.view = view;
    attr(this.node, "aria-label", t("alerts.title"));
    const { rows } = view.alerts;
    const open = rows.filter((each) => each.quiet === null);
    const quiet = rows.filter((each) => each.quiet !== null);
    this.count(rows);
    text(this.none, view.situation.whole ? t(view.filtered ? "alerts.noneFiltered" : "alerts.none") : t("loading"));
    show(this.none, open.length === 0);
    keyed(
      this.open,
      open.slice(0, this.limit),
      (each) => each.alert.key,
      () => this.row(),
    );
    show(this.more, open.length > this.limit);
    if (open.length > this.limit) text(this.more, t("more", number(open.length - this.limit)));
    this.fold(this.quiet, quiet, "alerts.quiet");
    const ended = view.filtered
      ? []
      : [...view.situation.cleared.values()].reverse().map((alert) => ({ alert, quiet: "cleared" }));
    this.fold(this.ended, ended, "alerts.ended");
  }

  further() {
    const first = this.limit;
    this.limit += STEP;
    this.render(this.view);
    this.open.children[first]?.querySelector("a").focus();
  }

  count(rows) {
    const counts = LEVELS.map(
      (level) => rows.filter((each) => each.alert.level === level && each.quiet === null).length,
    );
    const said = [...counts, language()].join();
    if (this.counts.dataset.said === said) return;
    this.counts.dataset.said = said;
    fill(
      this.counts,
      LEVELS.map((level, at) =>
        h(
          "span",
          { class: `level m-${level}` },
          icon(level, `mark m-${level}`),
          number(counts[at]),
          h("span", { class: "unseen" }, ` ${word("levels", level)}`),
        ),
      ),
    );
  }

  folded() {
    const title = h("span");
    const count = h("span", { class: "count" });
    const list = h("ol", { class: "rows quiet" });
    const node = h("details", { class: "folded" }, h("summary", {}, title, count), list);
    node.addEventListener("toggle", () => this.render(this.view));
    return { node, title, count, list };
  }

  fold({ node, title, count, list }, rows, name) {
    show(node, rows.length > 0);
    text(title, t(name));
    text(count, number(rows.length));
    keyed(
      list,
      node.open ? rows.slice(0, 200) : [],
      (each) => each.alert.key,
      () => this.row(),
    );
  }

  row() {
    const mark = icon("unknown", "mark");
    const name = h("span", { class: "who" });
    const where = h("span", { class: "where" });
    const says = h("span", { class: "says" });
    const link = h("a", { class: "name" }, name, " ", where, " ", says);
    const tags = h("span", { class: "tags" });
    const since = ageOf("2000-01-01T00:00:00Z", null);
    const left = countdown("2000-01-01T00:00:00Z");
    const node = h(
      "li",
      { class: "row alert" },
      mark,
      h("div", { class: "what" }, link, tags),
      h("div", { class: "when" }, left, h("span", { class: "at" }, since)),
    );
    const update = ({ alert, quiet }) => {
      const { view } = this;
      useIcon(mark, alert.level, word("level", alert.level));
      attr(
        node,
        "class",
        `row alert m-${alert.level}${quiet === null ? "" : ` ${quiet}`}${address().alert === alert.key ? " selected" : ""}`,
      );
      text(says, sayingOf(alert));
      text(name, alert.point?.name ?? alert.point?.id ?? alert.area.name);
      attr(link, "href", href({ alert: alert.key, point: null }));
      text(where, alert.point === null ? "" : view.kommunName(alert.point.id.slice(0, 4)));
      attr(since, "data-say", alert.status === "firing" ? "alerts.since" : "alerts.endedAgo");
      retime(since, alert.status === "firing" ? alert.raised_at : alert.changed_at);
      const timed = alert.runs_out_at !== null && alert.status === "firing" && alert.rule !== "power.lost";
      show(left, timed);
      if (timed) retime(left, alert.runs_out_at);
      tagsOf(tags, alert, quiet);
    };
    return { node, update };
  }
}

/** What an alert says, without the level and the name that stand beside it. */
export function sayingOf(alert) {
  const said = alert.text[language()] ?? alert.text.sv;
  const name = alert.point?.name ?? alert.point?.id ?? alert.area.name;
  const at = said.indexOf(`: ${name}: `);
  const rest = at < 0 ? said : said.slice(at + name.length + 4);
  return rest.charAt(0).toLocaleUpperCase(language()) + rest.slice(1);
}

function tagsOf(parent, alert, quiet) {
  const tags = [];
  if (alert.status === "cleared") tags.push(word("cleared", alert.cleared_reason));
  if (quiet === "ack") tags.push(t("alerts.acked"));
  else if (alert.acks.length > 0) tags.push(t("alerts.ackedBy", alert.acks.map((each) => each.code).join(", ")));
  if (alert.inhibited_by !== null) tags.push(t("alerts.inhibited"));
  if (quiet === "silenced") tags.push(t("alerts.silenced"));
  if (alert.derived) tags.push(t("alerts.derived"));
  if (alert.evidence_lost) tags.push(t("alerts.lost"));
  const told = stepsOf(alert)
    .filter((each) => each.reached)
    .at(-1);
  const escalated = told === undefined ? null : t("alerts.escalated", whoOf(told), clockTime(told.at));
  const said = [...tags, escalated].join("|");
  if (parent.dataset.said === said) return;
  parent.dataset.said = said;
  fill(
    parent,
    escalated !== null && h("span", { class: "tag escalated" }, escalated),
    tags.map((each) => h("span", { class: "tag" }, each)),
  );
}
