/** What is shown, made from what is known and from the address: one value that all panels read. */

import { address } from "../lib/url.js";
import { filtered, filterOf, nameOf, runsShort, shortageOrder } from "./points.js";
import { LEVEL_RANK } from "./looks.js";

/** Make the view. `outlines`: see map/outlines.js. */
export function viewOf(store, outlines) {
  const { situation } = store;
  const { area, picture, points, reality } = situation;
  const chosen = address();
  const kommunName = (code) => outlines.kommuner.get(code)?.name ?? code;
  const passes = filterOf(chosen, kommunName);
  const isFiltered = filtered(chosen);
  const found = points !== null ? [...points.values()].filter((each) => !each.retired) : situation.found;
  const short = shortOf(situation);
  return {
    me: store.me,
    situation,
    area,
    reality,
    picture,
    points,
    passes,
    filtered: isFiltered,
    kommunName,
    outlines,
    summaries: summariesOf(situation),
    found: found === null ? null : found.filter(passes).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)),
    short: { ...short, rows: short.rows.filter(passes), all: short.rows.length },
    alerts: alertsOf(situation, store.me, passes, isFiltered, chosen),
    namesOfPoints: namesOf(situation, short.rows),
    needs: needsOf(situation, passes, isFiltered),
  };
}

/** Summaries of areas by code: the children of the picture, those of the län around or inside, and the area's own. */
function summariesOf({ picture, lan }) {
  const summaries = new Map();
  for (const each of lan.values()) {
    summaries.set(each.code, summaryOf(each));
    for (const child of each.areas) summaries.set(child.code, child);
  }
  if (picture !== null) {
    summaries.set(picture.code, summaryOf(picture));
    for (const child of picture.areas) summaries.set(child.code, child);
  }
  return summaries;
}

function summaryOf(picture) {
  const { level, code, name, coverage, alerts } = picture;
  const { lifecycle, condition, freshness } = picture.condition;
  return { level, code, name, lifecycle, condition, freshness, coverage, alerts };
}

/** What runs short, in order; `dark`, `unknown` and `timed`: how many there are, also beyond the rows. */
function shortOf({ points, short, picture }) {
  if (points !== null) {
    const rows = [...points.values()].filter(runsShort).sort(shortageOrder);
    return { rows, ...countsOf(rows) };
  }
  if (short !== null) {
    const rows = short.points.map((each) => ({ ...each, id: each.point })).sort(shortageOrder);
    return { rows, dark: short.dark, unknown: short.endurance_unknown, timed: short.timed };
  }
  const rows = (picture?.forecast.next ?? [])
    .map((each) => ({ ...each, id: each.point, endurance_known: each.dark || each.runs_out_at !== null }))
    .sort(shortageOrder);
  return { rows, ...countsOf(rows) };
}

function countsOf(rows) {
  const dark = rows.filter((each) => each.dark).length;
  const timed = rows.filter((each) => !each.dark && each.runs_out_at !== null).length;
  return { dark, unknown: rows.length - dark - timed, timed };
}

/** Alerts, worst first; what nobody has acknowledged before what somebody has; the newest first. */
function alertsOf({ alerts, points }, { area }, passes, isFiltered, { search, condition }) {
  const words = search.trim().toLocaleLowerCase("sv");
  const lets = (alert) => {
    if (!isFiltered) return true;
    const point = alert.point === null ? null : points?.get(alert.point.id);
    if (point) return passes(point);
    if (condition.length > 0 && !condition.includes(alert.level)) return false;
    return `${alert.point?.name ?? ""} ${alert.point?.id ?? ""} ${alert.area.name}`
      .toLocaleLowerCase("sv")
      .includes(words);
  };
  const all = [...alerts.values()];
  const rows = all.filter(lets).map((alert) => ({ alert, quiet: quietOf(alert, area) }));
  rows.sort(
    (a, b) =>
      Number(a.quiet !== null) - Number(b.quiet !== null) ||
      LEVEL_RANK[a.alert.level] - LEVEL_RANK[b.alert.level] ||
      (a.alert.raised_at < b.alert.raised_at ? 1 : -1),
  );
  return { rows, all: all.length };
}

/** Names of points, as far as anything that has come tells them. */
function namesOf({ alerts, cleared }, rows) {
  const names = new Map();
  for (const { point } of [...cleared.values(), ...alerts.values()]) if (point?.name) names.set(point.id, point.name);
  for (const { id, name } of rows) if (name) names.set(id, name);
  return names;
}

/** Why an alert stands back for who looks: `ack`, `inhibited` or `silenced` for their own area; `null`: it does not. */
function quietOf(alert, area) {
  if (alert.acks.some((each) => each.code === area.code)) return "ack";
  if (alert.inhibited_by !== null) return "inhibited";
  if (alert.silences.some((each) => each.code === area.code)) return "silenced";
  return null;
}

const PRIORITIES = ["urgent", "high", "normal", "low"];

/** Open needs and surplus: the most pressing first, then by when. */
function needsOf({ points, kommuner, needs }, passes, isFiltered) {
  let all = needs;
  if (points !== null) {
    all = [];
    for (const point of points.values()) {
      if (isFiltered && !passes(point)) continue;
      for (const fact of Object.values(point.state.facts?.needs ?? {}))
        all.push(needOf(point.id, point.name, point.kommun, fact));
    }
    for (const [kommun, state] of kommuner) {
      for (const fact of Object.values(state.facts?.needs ?? {})) all.push(needOf(state.id, null, kommun, fact));
    }
  }
  if (all === null) return null;
  const rank = (need) => {
    const at = PRIORITIES.indexOf(need.priority);
    return at < 0 ? PRIORITIES.length : at;
  };
  const open = all.filter((need) => need.state !== "delivered" && need.state !== "cancelled");
  open.sort(
    (a, b) =>
      rank(a) - rank(b) || ((a.needed_by ?? "9") < (b.needed_by ?? "9") ? -1 : 1) || (a.point < b.point ? -1 : 1),
  );
  return {
    needs: open.filter((need) => need.direction !== "surplus"),
    surplus: open.filter((need) => need.direction === "surplus"),
  };
}

function needOf(point, name, kommun, fact) {
  return { point, name, kommun, observed_at: fact.observed_at, ...fact.value };
}
