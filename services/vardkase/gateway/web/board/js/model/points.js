/** Points, from their features: what the lists and the map look at. */

import { instant } from "../lib/clock.js";

const GIVEN = new Set(["available", "limited"]);

/** A point from a feature of `/v1/points`, or a state of the stream. */
export function pointOf(feature) {
  const state = feature.properties ?? feature;
  const facts = state.facts ?? {};
  const profile = facts.profile?.value ?? {};
  const services = facts.services ?? {};
  const charging = services.medical_device_charging?.value ?? null;
  const planned = profile.planned_services ?? [];
  return {
    id: state.id,
    kommun: state.kommun,
    lan: state.lan,
    name: profile.name ?? null,
    place: profile.position ? [profile.position.lon, profile.position.lat] : null,
    retired: state.retired,
    registered: state.registered,
    lifecycle: facts.lifecycle?.value ?? null,
    condition: state.condition,
    freshness: state.freshness,
    link: state.link,
    dark: state.dark,
    endurance_known: state.endurance_known,
    runs_out_at: state.runs_out_at,
    medical_charging: GIVEN.has(charging) || (charging === null && planned.includes("medical_device_charging")),
    overnight: GIVEN.has(services.overnight?.value),
    conflict: state.conflict?.length ?? 0,
    occupancy: facts.occupancy?.value ?? null,
    refill: facts.refill?.value ?? null,
    content: state.last?.content ?? null,
    state,
  };
}

/** Whether a state is of a kommun itself. */
export function isKommun(state) {
  return state.id.endsWith("-_");
}

/** A point's name, or its id where it is not registered. */
export function nameOf(point) {
  return point.name ?? point.id ?? point.point;
}

/** Whether it is without power, or will be: what belongs to the list of what runs short. */
export function runsShort(point) {
  return !point.retired && (point.dark || point.endurance_known === false || point.runs_out_at !== null);
}

/** Dark first, then unknown endurance, then by when; then those with medical charging or guests, then by id. */
export function shortageOrder(a, b) {
  return (
    shortageRank(a) - shortageRank(b) ||
    (instant(a.runs_out_at) ?? 0) - (instant(b.runs_out_at) ?? 0) ||
    Number(b.medical_charging) - Number(a.medical_charging) ||
    Number(b.overnight) - Number(a.overnight) ||
    (a.id < b.id ? -1 : 1)
  );
}

/** 0 dark, 1 of unknown endurance, 2 timed. */
export function shortageRank(point) {
  if (point.dark) return 0;
  return point.runs_out_at === null ? 1 : 2;
}

/** Whether any filter is set. */
export function filtered({ condition, freshness, mark, search }) {
  return condition.length > 0 || freshness.length > 0 || mark.length > 0 || search.trim() !== "";
}

/** What lets a point through that all filters do. `kommunName`: of a code, so that it can be searched for. */
export function filterOf({ condition, freshness, mark, search }, kommunName) {
  const words = search.trim().toLocaleLowerCase("sv").split(/\s+/).filter(Boolean);
  return (point) => {
    if (condition.length > 0 && !condition.includes(point.condition)) return false;
    if (freshness.length > 0 && !freshness.includes(point.freshness)) return false;
    if (mark.includes("dark") && !point.dark) return false;
    if (mark.includes("medical") && !point.medical_charging) return false;
    if (mark.includes("overnight") && !point.overnight) return false;
    if (mark.includes("conflict") && !point.conflict) return false;
    if (words.length === 0) return true;
    const said = `${nameOf(point)} ${point.id} ${kommunName(point.kommun)}`.toLocaleLowerCase("sv");
    return words.every((each) => said.includes(each));
  };
}
