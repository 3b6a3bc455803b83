/** What can be done from the board: of each act its fields, the order that they make, and when it is seen to be done. */

import { h } from "../lib/dom.js";
import { now } from "../lib/clock.js";
import { fullTime, number } from "../lib/format.js";
import { t, word } from "../lib/i18n.js";
import { choice, words, areas } from "./act-fields.js";
import sv from "../words/codes.sv.js";

const HOUR = 3_600_000;
const LASTS = [1, 2, 4, 8, 12, 24];

const hours = (more = []) => [...LASTS.map((each) => [String(each), t("act.hours", each)]), ...more];
const after = (count) => new Date(now() + Number(count) * HOUR).toISOString();

/** By name: the `kind` of order; `fields(view, given)`; `order(values, view, given)`; `seen(view, id, given)`. */
export const ACTS = {
  adopt: {
    kind: "adopt",
    may: (view) => view.picture !== null && (view.area.code === view.me.area.code || view.me.role === "admin"),
    /** The picture that is adopted is the one that was there when the form was opened, and not what came meanwhile. */
    given: (view) => ({ picture: view.picture }),
    lead: (view, { picture }) => [
      h("p", {}, t("act.adoptWhat", fullTime(picture.as_of), picture.version.slice(0, 12))),
      h("p", { class: "where" }, figures(picture)),
    ],
    fields: () => ({ note: words("act.comment") }),
    order: (_, view, { picture }) => ({
      area: picture.code,
      data: { level: picture.level, code: picture.code, version: picture.version },
    }),
    seen: (view, id, { picture }, since) =>
      view.picture?.adopted?.version === picture.version && Date.parse(view.picture.adopted.at) >= since,
  },
  request: {
    kind: "report_request",
    may: () => true,
    fields: (view) => ({
      areas: areas("act.areas", view.area, inside(view)),
      questions: words("act.questions", { rows: 3, most: 4000 }),
      deadline: choice("act.deadline", hours(), "2"),
      note: words("act.comment"),
    }),
    order: (values, view, given, id) => ({
      area: view.area.code,
      data: {
        id,
        areas: values.areas,
        questions: lines(values.questions),
        deadline: after(values.deadline),
      },
    }),
    seen: (view, id) => view.picture?.requests?.some((each) => each.id === id),
  },
  note: {
    kind: "note",
    may: () => true,
    fields: () => ({ note: words("act.text", { rows: 3, most: 2000, required: true }) }),
    order: (_, view) => ({ area: view.area.code, data: {} }),
    seen: (view, id) => view.picture?.notes?.some((each) => each.id === id),
  },
  silence: {
    kind: "silence",
    may: () => true,
    fields: () => ({
      rule: choice("act.rule", [["", t("acts.allAlerts")], ...Object.keys(sv.rule).map((each) => [each, word("rule", each)])]),
      point: words("act.point", { rows: 1, most: 45, hint: null }),
      lasts: choice("act.lasts", hours(), "4"),
      note: words("act.reason", { required: true }),
    }),
    order: (values, view, given, id) => ({
      area: values.point === "" ? view.area.code : values.point.slice(0, 4),
      data: {
        id,
        matcher: {
          ...(values.rule === "" ? {} : { rule: values.rule }),
          ...(values.point === "" ? { area: view.area.code } : { point: values.point }),
        },
        from: new Date(now()).toISOString(),
        until: after(values.lasts),
      },
    }),
    seen: null,
  },
  incident: {
    kind: "incident",
    may: () => true,
    fields: (view) => ({
      name: words("act.name", { rows: 1, most: 120, hint: null, required: true }),
      areas: areas("act.areasIncident", view.area, inside(view)),
      lasts: choice("act.lasts", hours([["", t("act.noEnd")]]), ""),
      note: words("act.comment"),
    }),
    order: (values, view, given, id) => ({
      area: view.area.code,
      data: {
        id,
        name: values.name,
        areas: values.areas,
        from: new Date(now()).toISOString(),
        ...(values.lasts === "" ? {} : { until: after(values.lasts) }),
      },
    }),
    seen: null,
  },
  /** Another end, other areas, another name: the same incident, by its id. Its beginning stays. */
  change: {
    kind: "incident",
    may: () => true,
    fields: (view, { order: { data } }) => ({
      name: words("act.name", { rows: 1, most: 120, hint: null, required: true, begin: data.name }),
      areas: areas("act.areasIncident", view.area, alsoOf(view, data.areas), data.areas),
      lasts: choice("act.lastsFrom", [["same", sameEnd(data)], ...hours(data.until ? [["", t("act.noEnd")]] : [])], "same"),
      note: words("act.comment"),
    }),
    order: (values, view, { order: { subject, data } }) => ({
      area: subject,
      data: {
        id: data.id,
        name: values.name,
        areas: values.areas,
        from: data.from,
        ...endOf(values.lasts, data),
      },
    }),
    seen: null,
  },
  answer: {
    kind: "note",
    may: () => true,
    lead: (_, { request }) => request.note && h("p", {}, request.note),
    fields: (_, { request }) => ({
      ...Object.fromEntries(
        request.questions.map((_, at) => [`q${at}`, words("act.answerText", { hint: null, most: 2000 })]),
      ),
      note: words("act.text", { required: true, most: 2000 }),
    }),
    order: (values, view, { request }) => ({
      area: view.me.area.code,
      data: { request: request.id, answers: request.questions.map((_, at) => values[`q${at}`]) },
    }),
    seen: (view, id, { request }) =>
      view.picture?.requests?.some((each) => each.id === request.id && !each.missing.includes(view.me.area.code)),
  },
};

/** Those that stand at what they are about, and not among the others. */
const BESIDE = ["answer", "change"];

/** Which acts somebody may do here. */
export function offered(view) {
  return Object.entries(ACTS)
    .filter(([name, { kind, may }]) => !BESIDE.includes(name) && view.me.may.orders.includes(kind) && may(view))
    .map(([name]) => name);
}

function figures({ condition, coverage, alerts }) {
  const open = Object.values(alerts).flatMap((each) => Object.values(each));
  return t(
    "act.adoptFigures",
    number(condition.lifecycle.open),
    `${number(coverage.kommuner.reporting)}/${number(coverage.kommuner.total)}`,
    number(open.reduce((sum, each) => sum + each, 0)),
  );
}

function inside(view) {
  return view.picture?.areas ?? [];
}

/** The areas in the one that is looked at, and those that were chosen though they are not directly in it. */
function alsoOf(view, chosen) {
  const found = inside(view);
  const known = new Set([view.area.code, ...found.map((each) => each.code)]);
  const more = chosen.filter((code) => !known.has(code));
  return [...found, ...more.map((code) => ({ code, name: view.outlines.area(code)?.name ?? code }))];
}

function sameEnd({ until }) {
  return until ? t("act.endsAt", fullTime(until)) : t("act.noEnd");
}

function endOf(lasts, { until }) {
  if (lasts === "same") return until ? { until } : {};
  return lasts === "" ? {} : { until: after(lasts) };
}

function lines(said) {
  return said
    .split("\n")
    .map((each) => each.trim().slice(0, 120))
    .filter((each) => each !== "")
    .slice(0, 50);
}
