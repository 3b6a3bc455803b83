/** A point: how it is, what it runs on and for how long, what it gives, who said so and when. */

import { fill, h, icon } from "../lib/dom.js";
import { clockTime, number, sentence } from "../lib/format.js";
import { t, word } from "../lib/i18n.js";
import { ageOf, countdown } from "../lib/ticking.js";
import { href } from "../lib/url.js";
import { LEVEL_RANK, pointMark } from "../model/looks.js";
import { nameOf, pointOf } from "../model/points.js";
import { aspectName, need, reading } from "../model/readings.js";
import { foreseenOf } from "./foreseen.js";
import { saying } from "./pieces.js";

const ASPECTS = ["power", "refill", "staff", "next_shift", "water", "heat", "comms", "occupancy", "availability"];
const STATES = ["stopped", "limited", "planned", "available"];

export class PointDetail {
  constructor(id) {
    this.id = id;
    this.node = h("article", { class: "pointdetail" });
    this.said = "";
  }

  path({ reality }) {
    return `/v1/points/${this.id}?reality=${reality}`;
  }

  foreseen({ reality }) {
    return `/v1/points/${this.id}/forecast?reality=${reality}`;
  }

  version(view) {
    const point = view.points?.get(this.id);
    return point === undefined ? (view.picture?.as_of ?? "") : `${point.state.version}${point.state.as_of}`;
  }

  title(view, { document }) {
    const point = this.point(view, document);
    return point === null ? (view.namesOfPoints.get(this.id) ?? this.id) : nameOf(point);
  }

  point(view, document) {
    return view.points?.get(this.id) ?? (document === null ? null : pointOf(document));
  }

  render(view, { document, failed, foreseen }) {
    const point = this.point(view, document);
    const said = JSON.stringify([point?.state ?? null, failed?.status, documentLanguage(), nearestOf(document), foreseen?.forecasts]);
    if (said === this.said) return;
    this.said = said;
    if (point === null) {
      fill(
        this.node,
        h(
          "p",
          { class: "none" },
          failed === null ? t("loading") : failed.status === 404 ? t("detail.gone") : failed.message,
        ),
      );
      return;
    }
    const facts = point.state.facts ?? {};
    fill(
      this.node,
      this.head(view, point, facts),
      this.power(point, facts),
      foreseenOf(foreseen),
      this.alerts(point),
      this.conflicts(point),
      this.readings(facts),
      this.services(facts),
      this.needs(facts),
      this.texts(facts),
      this.source(point, facts),
    );
  }

  head(view, point, facts) {
    const profile = facts.profile?.value ?? {};
    const mark = pointMark(point);
    const life = word("lifecycle", point.lifecycle ?? "unknown");
    const kommun = view.outlines.kommuner.get(point.kommun);
    return h(
      "div",
      { class: `lead m-${mark}` },
      h(
        "p",
        { class: "state" },
        icon(mark, `mark m-${mark}`),
        h(
          "strong",
          {},
          sentence(point.condition === "not_applicable" ? life : `${life}, ${word("condition", point.condition)}`),
        ),
        point.freshness !== null &&
          point.freshness !== "fresh" &&
          h("span", { class: `tag ${point.freshness}` }, word("freshness", point.freshness)),
      ),
      h(
        "p",
        { class: "where" },
        [profile.kind && word("kind", profile.kind), profile.address, kommun?.name].filter(Boolean).join(" · "),
      ),
      h(
        "p",
        { class: "heard" },
        point.content === null ? t("points.never") : ageOf(point.content, "detail.heard"),
        point.link !== "unknown" && ` · ${word("link", point.link)}`,
      ),
      (point.medical_charging || point.overnight || !point.registered) &&
        h(
          "p",
          { class: "marks" },
          point.medical_charging && h("span", { class: "tag" }, icon("medical"), t("mark.medical")),
          point.overnight && h("span", { class: "tag" }, icon("overnight"), t("mark.overnight")),
          !point.registered && h("span", { class: "tag" }, t("detail.unregistered")),
        ),
    );
  }

  power(point, facts) {
    if (!point.dark && point.endurance_known !== false && point.runs_out_at === null) return null;
    const big = point.dark
      ? h("p", { class: "big dark" }, icon("dark"), sentence(t("short.isDark")))
      : point.runs_out_at === null
        ? h("p", { class: "big unknown" }, sentence(t("short.isUnknown")))
        : h(
            "p",
            { class: "big" },
            countdown(point.runs_out_at),
            h("span", { class: "at" }, t("short.at", clockTime(point.runs_out_at))),
          );
    const profile = facts.profile?.value ?? {};
    const lead = profile.refill_lead_h;
    return h(
      "section",
      { class: "endurance" },
      h("h3", {}, t("detail.endurance")),
      big,
      h(
        "p",
        { class: "where" },
        [
          facts.power && `${reading("power", facts.power.value)} (${clockTime(facts.power.observed_at)})`,
          lead && t("detail.lead", number(lead)),
          profile.fuel_priority && t("detail.priority", number(profile.fuel_priority)),
        ]
          .filter(Boolean)
          .join(" · "),
      ),
    );
  }

  alerts({ state }) {
    if (state.alerts.length === 0) return null;
    const worst = [...state.alerts].sort((a, b) => LEVEL_RANK[a.level] - LEVEL_RANK[b.level]);
    return h(
      "section",
      {},
      h("h3", {}, t("alerts.title")),
      h(
        "ul",
        { class: "rows" },
        worst.map((each) =>
          h(
            "li",
            { class: `row m-${each.level}${each.inhibited_by === null ? "" : " inhibited"}` },
            saying(each.level, word("level", each.level), `mark m-${each.level}`),
            h(
              "a",
              { class: "name", href: href({ alert: each.key, point: null }) },
              word("rule", each.key.split("/")[0]),
            ),
            each.inhibited_by !== null && h("span", { class: "tag" }, t("alerts.inhibited")),
          ),
        ),
      ),
    );
  }

  conflicts({ state }) {
    if (state.conflict.length === 0) return null;
    return h(
      "section",
      { class: "conflicts" },
      h("h3", {}, icon("conflict"), t("detail.conflict")),
      state.conflict.map(({ aspect, values }) =>
        h(
          "dl",
          {},
          h("dt", {}, aspectName(aspect)),
          values.map((each) =>
            h(
              "dd",
              {},
              `${reading(aspect, each.value)} `,
              h("span", { class: "where" }, `${clockTime(each.observed_at)}, ${sourceOf(each.source)}`),
            ),
          ),
        ),
      ),
    );
  }

  readings(facts) {
    const profile = facts.profile?.value ?? {};
    const rows = ASPECTS.filter((each) => facts[each] !== undefined).map((each) => [
      aspectName(each),
      reading(each, facts[each].value),
      facts[each],
    ]);
    const capacity = [
      ["capacity_day", "detail.day"],
      ["capacity_night", "detail.night"],
    ]
      .map(([name, label]) => [facts[name]?.value ?? profile[name], label])
      .filter(([value]) => value !== null && value !== undefined)
      .map(([value, label]) => t(label, number(value)));
    if (capacity.length > 0) rows.push([word("aspect", "capacity"), capacity.join(", "), null]);
    if (rows.length === 0) return null;
    return h(
      "section",
      {},
      h("h3", {}, t("detail.readings")),
      h(
        "dl",
        { class: "readings" },
        rows.map(([name, value, fact]) => [
          h("dt", {}, name),
          h(
            "dd",
            {},
            h("span", { class: "value" }, value),
            fact !== null && h("span", { class: "where" }, clockTime(fact.observed_at), quality(fact)),
          ),
        ]),
      ),
    );
  }

  services(facts) {
    const services = Object.entries(facts.services ?? {}).filter(([, fact]) => fact.value !== null);
    if (services.length === 0) return null;
    const groups = STATES.map((state) => [state, services.filter(([, fact]) => fact.value === state)]).filter(
      ([, each]) => each.length > 0,
    );
    return h(
      "section",
      {},
      h("h3", {}, t("detail.services")),
      h(
        "dl",
        { class: "services" },
        groups.map(([state, each]) => [
          h("dt", { class: state }, word("serviceState", state)),
          h(
            "dd",
            {},
            each
              .map(([code]) => word("service", code))
              .sort((a, b) => a.localeCompare(b, "sv"))
              .join(", "),
          ),
        ]),
      ),
    );
  }

  needs(facts) {
    const needs = Object.values(facts.needs ?? {})
      .map((fact) => fact.value)
      .filter((each) => each && each.state !== "delivered" && each.state !== "cancelled");
    if (needs.length === 0) return null;
    return h(
      "section",
      {},
      h("h3", {}, t("needs.title")),
      h(
        "ul",
        { class: "plain" },
        needs.map((each) =>
          h(
            "li",
            {},
            each.direction === "surplus" ? `${t("detail.surplus")}: ` : "",
            need(each),
            each.note && h("p", { class: "note" }, each.note),
          ),
        ),
      ),
    );
  }

  texts(facts) {
    const message = facts.message?.value;
    const note = facts.note?.value;
    const said = message?.[documentLanguage()] ?? message?.sv ?? Object.values(message ?? {})[0];
    if (!said && !note) return null;
    return h(
      "section",
      {},
      said && [h("h3", {}, t("detail.message")), h("p", { class: "note" }, said)],
      note && [h("h3", {}, t("detail.note")), h("p", { class: "note" }, note)],
    );
  }

  source(point, facts) {
    const newest = Object.values(facts)
      .filter((fact) => fact?.observed_at)
      .sort((a, b) => (a.observed_at < b.observed_at ? 1 : -1))[0];
    const { contact } = point.state.last;
    return h(
      "footer",
      { class: "where" },
      h(
        "p",
        {},
        point.id,
        newest && ` · ${t("detail.lastBy", sourceOf(newest.source), clockTime(newest.observed_at))}`,
      ),
      contact && h("p", {}, t("detail.contact", word("contact", contact.value), clockTime(contact.observed_at))),
    );
  }
}

/** Who said something, from its source: the kommun, and the reporter's own name for itself. */
function sourceOf(source) {
  const [, , , , reporter] = source.split(":");
  return reporter ?? t("detail.kommun");
}

function quality({ quality: how, clock_adjusted: adjusted }) {
  const said = [how && how !== "observed" ? word("quality", how) : null, adjusted ? t("detail.adjusted") : null].filter(
    Boolean,
  );
  return said.length === 0 ? "" : ` (${said.join(", ")})`;
}

function nearestOf(document) {
  return document?.properties?.nearest ?? null;
}

function documentLanguage() {
  return document.documentElement.lang;
}
