/** An alert: what it says and since when, what it rests on, who has taken it in, and where else people could go. */

import { fill, h, icon } from "../lib/dom.js";
import { clockTime, fullTime, number } from "../lib/format.js";
import { t, word } from "../lib/i18n.js";
import { ageOf, countdown } from "../lib/ticking.js";
import { href } from "../lib/url.js";
import { stepsOf, whoOf } from "../model/escalation.js";
import { aspectName, reading } from "../model/readings.js";
import { AckForm } from "./ack.js";
import { sayingOf } from "./alerts.js";

export class AlertDetail {
  constructor(key) {
    this.key = key;
    this.parts = h("div");
    this.form = new AckForm(key);
    this.rest = h("div");
    this.node = h("article", { class: "alertdetail" }, this.parts, this.form.node, this.rest);
    this.said = "";
  }

  path({ reality }) {
    return `/v1/alerts/${this.key}?reality=${reality}`;
  }

  version(view) {
    const alert = this.held(view);
    return alert === undefined ? "" : `${alert.alert_id}${alert.changed_at}${alert.level}`;
  }

  held(view) {
    return view.situation.alerts.get(this.key) ?? view.situation.cleared.get(this.key);
  }

  title(view, { document }) {
    const alert = this.held(view) ?? document;
    if (!alert) return word("rule", this.key.split("/")[0]);
    return alert.point?.name ?? alert.point?.id ?? alert.area.name;
  }

  render(view, { document: asked, failed }) {
    const alert = this.held(view) ?? asked;
    const nearest = asked?.nearest ?? null;
    this.form.render(view, alert ?? null);
    // What the stream tells is the newest; an alert that it does not hold was asked for.
    const rungs = alert ? stepsOf({ ...alert, escalation: (this.held(view) ?? asked)?.escalation }) : [];
    const said = JSON.stringify([alert ?? null, nearest, rungs, failed?.status, document.documentElement.lang]);
    if (said === this.said) return;
    this.said = said;
    if (!alert) {
      fill(
        this.parts,
        h(
          "p",
          { class: "none" },
          failed === null ? t("loading") : failed.status === 404 ? t("detail.gone") : failed.message,
        ),
      );
      fill(this.rest);
      return;
    }
    fill(this.parts, this.head(view, alert), this.evidence(alert));
    fill(
      this.rest,
      this.acks(view, alert),
      this.escalation(rungs),
      this.nearest(view, alert, nearest, failed),
      this.about(alert),
    );
  }

  head(view, alert) {
    const firing = alert.status === "firing";
    const kommun = alert.point === null ? null : alert.point.id.slice(0, 4);
    const timed = firing && alert.runs_out_at !== null && alert.rule !== "power.lost";
    return h(
      "div",
      { class: `lead m-${alert.level}${firing ? "" : " cleared"}` },
      h(
        "p",
        { class: "state" },
        icon(alert.level, `mark m-${alert.level}`),
        h("strong", {}, `${word("level", alert.level)}: ${sayingOf(alert)}`),
      ),
      h(
        "p",
        { class: "where" },
        kommun === null && [
          h("a", { href: href({ area: alert.area.code, alert: null, point: null }) }, t("alert.toArea")),
          " · ",
        ],
        kommun !== null && [
          h("a", { href: href({ point: alert.point.id, alert: null }) }, t("alert.toPoint")),
          ` · ${view.kommunName(kommun)} · `,
        ],
        word("rule", alert.rule),
      ),
      timed &&
        h(
          "p",
          { class: "big" },
          countdown(alert.runs_out_at),
          h("span", { class: "at" }, t("short.at", clockTime(alert.runs_out_at))),
        ),
      h(
        "p",
        { class: "heard" },
        firing
          ? [ageOf(alert.raised_at, "alert.since"), ` (${clockTime(alert.raised_at)})`]
          : [t("alert.ended", clockTime(alert.changed_at), word("cleared", alert.cleared_reason))],
      ),
      alert.derived && h("p", { class: "explain" }, t("alert.derived")),
      alert.evidence_lost && h("p", { class: "explain" }, t("alert.lost")),
      alert.inhibited_by !== null &&
        h(
          "p",
          { class: "explain" },
          t("alert.inhibited"),
          " ",
          h(
            "a",
            { href: href({ alert: alert.inhibited_by, point: null }) },
            word("rule", alert.inhibited_by.split("/")[0]),
          ),
        ),
      alert.silences.map((each) =>
        h(
          "p",
          { class: "explain" },
          t("alert.silenced", view.outlines.area(each.code)?.name ?? each.code, clockTime(each.until)),
          each.ends_soon && [" ", h("strong", {}, t("alert.endsSoon"))],
          each.note && `: ${each.note}`,
        ),
      ),
    );
  }

  evidence({ evidence, rule }) {
    return h(
      "section",
      {},
      h("h3", {}, t("alert.evidence")),
      evidence.length === 0
        ? h("p", { class: "where" }, t(rule === "area.red_share" ? "alert.shareEvidence" : "alert.noEvidence"))
        : h(
            "dl",
            { class: "readings" },
            evidence.map((each) => [
              h("dt", {}, aspectName(each.aspect)),
              h(
                "dd",
                {},
                h("span", { class: "value" }, reading(each.aspect, each.value)),
                h(
                  "span",
                  { class: "where" },
                  each.observed_at === null
                    ? t("alert.neverSaid")
                    : [clockTime(each.observed_at), " · ", ageOf(each.observed_at, "alert.ago")],
                ),
              ),
            ]),
          ),
    );
  }

  acks(view, { acks }) {
    if (acks.length === 0) return null;
    return h(
      "section",
      {},
      h("h3", {}, t("alert.acks")),
      h(
        "ul",
        { class: "plain acks" },
        acks.map((each) =>
          h(
            "li",
            {},
            icon("check"),
            h(
              "span",
              {},
              h("strong", {}, `${word("role", each.role)}, ${view.outlines.area(each.code)?.name ?? each.code}`),
              h("span", { class: "where" }, ` ${t("alert.ackTime", clockTime(each.at), clockTime(each.until))}`),
              each.note && h("span", { class: "note" }, each.note),
            ),
          ),
        ),
      ),
    );
  }

  escalation(rungs) {
    if (rungs.length === 0) return null;
    return h(
      "section",
      { class: "escalation" },
      h("h3", {}, t("alert.escalation")),
      h(
        "ul",
        { class: "plain" },
        rungs.map((each) => {
          const said = t(each.reached ? "alert.told" : "alert.willTell", whoOf(each), clockTime(each.at));
          return h("li", {}, each.reached ? h("strong", {}, said) : said);
        }),
      ),
    );
  }

  nearest(view, alert, nearest, failed) {
    if (alert.point === null || alert.status !== "firing") return null;
    const section = (...body) => h("section", { class: "nearest" }, h("h3", {}, t("alert.nearest")), body);
    if (failed !== null) return section(h("p", { class: "where" }, t("alert.nearestFailed")));
    if (nearest === null) return section(h("p", { class: "where" }, t("alert.noNearest")));
    const { id, name, kommun, km, room, power } = nearest;
    return section(
      h(
        "p",
        {},
        h("a", { class: "name", href: href({ point: id, alert: null }) }, name ?? id),
        " ",
        h(
          "span",
          { class: "where" },
          [
            view.kommunName(kommun),
            t("alert.km", number(km)),
            t("alert.room", number(room)),
            word("power", power ?? "unknown"),
          ].join(" · "),
        ),
      ),
      h("p", { class: "explain" }, t("alert.nearestHow")),
    );
  }

  about(alert) {
    return h(
      "footer",
      { class: "where" },
      h("p", {}, t("alert.about", alert.key, alert.rules_version)),
      h("p", {}, t("alert.changed", fullTime(alert.changed_at))),
    );
  }
}
