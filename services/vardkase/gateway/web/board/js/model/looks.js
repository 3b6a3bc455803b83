/**
 * How a point or an area is shown: by its condition, and by how much of that is known. What is not known never looks
 * like what is good.
 */

/** Worst first. */
export const LEVELS = ["critical", "red", "yellow"];
export const LEVEL_RANK = { critical: 0, red: 1, yellow: 2 };
export const CONDITION_RANK = { critical: 0, red: 1, unknown: 2, yellow: 3, green: 4, not_applicable: 5 };

/** Shares of the open points of which little is known, from which an area is hatched sparsely and densely. */
const SOME = 0.1;
const MUCH = 0.33;

/** Points whose condition counts. */
export function judged(counts) {
  return counts.critical + counts.red + counts.yellow + counts.green + counts.unknown;
}

/**
 * An area's look, from its summary in a picture.
 *
 * `fill`: the worst condition among its points; `unknown` when nothing worse is known and some points are not;
 * `closed`: no point is open; `void`: it has no points. `hatch`: 0 known, 1 some and 2 much unknown or stale, 3 silent.
 */
export function areaLook(summary) {
  const { level, condition, coverage, freshness, lifecycle, alerts } = summary;
  const open = judged(condition);
  if (coverage.expected + coverage.unregistered === 0) return { fill: "void", hatch: 0, open };
  const silent = (level === "kommun" && "area.silent" in alerts) || (coverage.expected > 0 && coverage.reporting === 0);
  const staleOpen = Math.min(freshness.stale + freshness.silent, open);
  const doubt = open === 0 ? 0 : Math.max(condition.unknown, staleOpen) / open;
  let fill = "closed";
  if (condition.critical > 0) fill = "critical";
  else if (condition.red > 0) fill = "red";
  else if (condition.yellow > 0) fill = "yellow";
  else if (condition.unknown > 0) fill = "unknown";
  else if (condition.green > 0) fill = "green";
  else if (lifecycle.establishing > 0) fill = "establishing";
  if (silent) return { fill: fill === "green" ? "unknown" : fill, hatch: 3, open };
  if (doubt >= MUCH) return { fill, hatch: 2, open };
  if (doubt >= SOME || (fill === "green" && doubt > 0)) return { fill, hatch: 1, open };
  return { fill, hatch: 0, open };
}

/** The mark of a point: its condition while it counts, else where it is in its life. */
export function pointMark(point) {
  if (point.condition !== "not_applicable") return point.condition;
  if (point.lifecycle === "establishing" || point.lifecycle === "closing") return "changing";
  return "closed";
}

/** How many open alerts of a level a summary or picture counts. */
export function alertsOf(alerts, level) {
  return Object.values(alerts).reduce((sum, levels) => sum + (levels[level] ?? 0), 0);
}
