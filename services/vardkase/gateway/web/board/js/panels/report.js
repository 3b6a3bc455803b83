/** The situation report, under the five headings of 2022:524 22 §. Made for A4; it is what every print shows. */

import { attr, fill, h, icon, show } from "../lib/dom.js";
import { clockTime, duration, fullTime, number } from "../lib/format.js";
import { now } from "../lib/clock.js";
import { language, t, word } from "../lib/i18n.js";
import { CONDITIONS, href } from "../lib/url.js";
import { LEVELS, alertsOf, judged } from "../model/looks.js";
import { nameOf } from "../model/points.js";
import { coverageWords, missingWords } from "./coverage.js";
import { eventText, eventsOf, subjectOf } from "./events.js";
import { sayingOf } from "./alerts.js";

const EVENTS = 25;
const ALERTS = 25;
const SHORT = 20;
const NEEDS = 20;

export class Report {
  constructor() {
    this.node = h("article", { class: "report" });
    this.said = "";
  }

  /** Make it anew. It is made when it is looked at and when the page is printed, not with every change. */
  render(view) {
    const { picture, area, reality } = view;
    attr(this.node, "aria-label", t("report.title"));
    show(this.node, picture !== null);
    if (picture === null) return;
    const said = `${picture.version}${picture.as_of}${view.alerts.rows.length}${language()}${view.short.rows.length}${picture.adopted?.at}${picture.notes?.[0]?.id}`;
    if (said === this.said) return;
    this.said = said;
    fill(
      this.node,
      h(
        "p",
        { class: "reportbar" },
        h("a", { class: "tool", href: href({ view: "" }) }, icon("board"), t("report.back")),
        h(
          "button",
          { type: "button", class: "primary", onclick: () => window.print() },
          icon("print"),
          t("report.print"),
        ),
      ),
      reality !== "act" &&
        h("p", { class: "stamp" }, `${word("reality", reality).toLocaleUpperCase("sv")}: ${t(`banner.${reality}`)}`),
      h(
        "header",
        {},
        h("h1", {}, t("report.of", area.name)),
        h("p", { class: "when" }, t("report.at", fullTime(picture.as_of))),
        h(
          "p",
          { class: "made" },
          picture.adopted === null
            ? h("strong", {}, t("report.automatic"))
            : t(
                picture.adopted.version === picture.version ? "report.adopted" : "report.adoptedThen",
                fullTime(picture.adopted.at),
                word("role", picture.adopted.by.role),
              ),
        ),
        h("p", { class: "basis" }, `${basisOf(view)}.`),
      ),
      picture.notes?.length > 0 &&
        h(
          "section",
          { class: "notes" },
          h("p", {}, h("strong", {}, t("report.notes"))),
          h(
            "ul",
            {},
            picture.notes.map((each) =>
              h("li", {}, `${clockTime(each.at)}, ${word("role", each.by.role)}: ${each.note}`),
            ),
          ),
        ),
      this.part(1, "events", this.events(view)),
      this.part(2, "condition", this.condition(view)),
      this.part(3, "forecast", this.forecast(view)),
      this.part(4, "resources", this.resources(view)),
      this.part(5, "measures", this.measures(view)),
      h(
        "footer",
        {},
        h("p", {}, t("report.restricted")),
        h("p", {}, t("report.version", picture.version.slice(0, 16), clockTime(new Date(now()).toISOString()))),
      ),
    );
  }

  part(at, name, body) {
    return h("section", {}, h("h2", {}, `${at}. ${t(`report.${name}`)}`), body);
  }

  events(view) {
    const events = eventsOf(view.picture).slice(0, EVENTS);
    if (events.length === 0) return h("p", {}, t("events.none"));
    return table(
      [t("report.time"), t("report.event")],
      events.map((each) => [
        clockTime(each.at),
        `${subjectOf(each, view)}${each.point !== null && each.kommun !== null ? ` (${view.kommunName(each.kommun)})` : ""}: ${eventText(each)}`,
      ]),
      "events",
    );
  }

  condition(view) {
    const { condition, alerts } = view.picture;
    const { lifecycle, occupancy, activation } = condition;
    const told = CONDITIONS.map((each) => [each, condition.condition[each]]).filter(
      ([each, count]) => count > 0 && each !== "not_applicable",
    );
    const lives = Object.entries(lifecycle).filter(([, count]) => count > 0);
    const lines = [
      h(
        "p",
        {},
        h("strong", {}, t("report.openPoints", number(judged(condition.condition)))),
        " ",
        told.map(([each, count]) => `${number(count)} ${word("conditions", each)}`).join(", ") || "–",
        ".",
      ),
      h(
        "p",
        {},
        t("report.lives"),
        " ",
        lives.map(([each, count]) => `${number(count)} ${word("lives", each)}`).join(", "),
        ".",
      ),
      h("p", {}, t("report.visitors", number(occupancy.sum), number(occupancy.points), number(occupancy.of))),
      h(
        "p",
        {},
        t("report.alerts"),
        " ",
        LEVELS.map((each) => `${number(alertsOf(alerts, each))} ${word("levels", each)}`).join(", "),
        ".",
      ),
    ];
    const active = Object.entries(activation.counts).filter(([, count]) => count > 0);
    if (view.area.level !== "kommun")
      lines.push(
        h(
          "p",
          {},
          t("report.activation"),
          " ",
          active.map(([each, count]) => `${number(count)} ${word("activations", each)}`).join(", "),
          ".",
        ),
      );
    const worst = view.alerts.rows
      .filter(({ alert, quiet }) => alert.level !== "yellow" && quiet !== "inhibited")
      .slice(0, ALERTS);
    if (worst.length > 0) {
      lines.push(
        table(
          [t("report.level"), t("report.what"), t("report.since"), t("report.taken")],
          worst.map(({ alert }) => [
            word("level", alert.level),
            `${alert.point?.name ?? alert.point?.id ?? alert.area.name}${alert.point === null ? "" : ` (${view.kommunName(alert.point.id.slice(0, 4))})`}: ${sayingOf(alert)}`,
            clockTime(alert.raised_at),
            alert.acks
              .map((each) => `${word("role", each.role)} ${each.code}${each.note ? `: ${each.note}` : ""}`)
              .join("; ") || "–",
          ]),
          "alerts",
        ),
      );
    }
    return lines;
  }

  forecast(view) {
    const { forecast } = view.picture;
    const { "6h": six, "12h": twelve, "24h": day } = forecast.out_within;
    const rows = view.short.rows.slice(0, SHORT);
    return [
      h(
        "p",
        {},
        t(
          "report.out",
          number(forecast.dark),
          number(forecast.endurance_unknown),
          number(six),
          number(twelve),
          number(day),
        ),
      ),
      rows.length > 0 &&
        table(
          [t("report.point"), t("report.kommun"), t("report.runsOut"), t("report.marks")],
          rows.map((each) => [
            nameOf(each),
            view.kommunName(each.kommun),
            each.dark
              ? t("short.isDark")
              : each.runs_out_at === null
                ? t("short.isUnknown")
                : clockTime(each.runs_out_at),
            [
              each.medical_charging && t("mark.medical"),
              each.overnight && t("mark.overnight"),
              each.freshness !== "fresh" && each.freshness && word("freshness", each.freshness),
            ]
              .filter(Boolean)
              .join(", "),
          ]),
          "short",
        ),
    ];
  }

  resources(view) {
    const { resources, condition } = view.picture;
    const { staff, power, free_capacity: room, surplus } = resources;
    const powers = Object.entries(power).filter(([, count]) => count > 0);
    const services = Object.entries(condition.services).filter(([, counts]) => counts.stopped + counts.limited > 0);
    const offers = Object.entries(surplus);
    return [
      h("p", {}, t("report.room", number(room.sum), number(room.points), number(room.of))),
      h(
        "p",
        {},
        t(
          "report.staff",
          number(staff.present),
          number(staff.required),
          number(staff.short),
          number(staff.points),
          number(staff.of),
        ),
      ),
      h(
        "p",
        {},
        t("report.power"),
        " ",
        powers.map(([each, count]) => `${word("power", each)} ${number(count)}`).join(", ") || "–",
        ".",
      ),
      services.length > 0 &&
        table(
          [t("report.service"), t("report.stopped"), t("report.limited"), t("report.available")],
          services.map(([each, counts]) => [
            word("service", each),
            number(counts.stopped),
            number(counts.limited),
            number(counts.available),
          ]),
          "services",
        ),
      h(
        "p",
        {},
        t("report.surplus"),
        " ",
        offers.length === 0
          ? t("report.none")
          : offers
              .map(
                ([each, { count, quantities }]) =>
                  `${word("need", each)}: ${
                    Object.entries(quantities)
                      .map(([unit, sum]) => `${number(sum)} ${unit}`)
                      .join(", ") || number(count)
                  }`,
              )
              .join("; "),
        ".",
      ),
    ];
  }

  measures(view) {
    const { needs, overdue } = view.picture.measures;
    const rows = Object.entries(needs).filter(([, states]) => Object.values(states).some((count) => count > 0));
    const acks = view.alerts.rows.filter(({ alert }) => alert.acks.length > 0);
    const pressing = view.needs?.needs.slice(0, NEEDS) ?? [];
    return [
      rows.length === 0
        ? h("p", {}, t("needs.none"))
        : table(
            [
              t("report.need"),
              ...["requested", "assigned", "under_way", "delivered"].map((each) => word("needStates", each)),
            ],
            rows.map(([each, states]) => [
              word("need", each),
              number(states.requested),
              number(states.assigned),
              number(states.under_way),
              number(states.delivered),
            ]),
            "needs",
          ),
      h("p", {}, t("report.overdue", number(overdue))),
      pressing.length > 0 &&
        table(
          [t("report.pressing"), t("report.point"), t("report.by"), t("report.state")],
          pressing.map((each) => [
            `${word("need", each.kind ?? "unknown")} ${each.quantity === null || each.quantity === undefined ? "" : `${number(each.quantity)} ${each.unit ?? ""}`}`.trim(),
            `${each.name ?? each.point} (${view.kommunName(each.kommun)})`,
            each.needed_by ? clockTime(each.needed_by) : "–",
            word("needState", each.state),
          ]),
          "pressing",
        ),
      h("p", {}, t("report.acks", number(acks.length), number(view.alerts.all))),
    ];
  }
}

/** What the report rests on, in a sentence. */
function basisOf(view) {
  const { as_of, coverage } = view.picture;
  const oldest =
    coverage.oldest === null ? [] : [t("coverage.oldest", duration(Date.parse(as_of) - Date.parse(coverage.oldest)))];
  return [coverageWords(view), ...oldest, ...missingWords(view)].join(", ");
}

function table(head, rows, name) {
  return h(
    "table",
    { class: name },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        head.map((each) => h("th", { scope: "col" }, each)),
      ),
    ),
    h(
      "tbody",
      {},
      rows.map((cells) =>
        h(
          "tr",
          {},
          cells.map((each) => h("td", {}, each)),
        ),
      ),
    ),
  );
}
