/** What the board knows. Feeds write here; what is shown is made from it, at most a few times a second. */

const LEAST_BETWEEN = 250;

/** Of one reality and area, as the stream told it. */
export class Situation {
  constructor(reality, area) {
    this.reality = reality;
    this.area = area;
    this.picture = null;
    /** Points by id; `null` where there are too many to follow each (a civilområde, the nation). */
    this.points = area.level === "lan" || area.level === "kommun" ? new Map() : null;
    /** States of the kommuner themselves, by their code. */
    this.kommuner = new Map();
    /** Firing alerts by key. */
    this.alerts = new Map();
    /** Alerts that were cleared lately, by key. */
    this.cleared = new Map();
    /** Pictures of län around or inside, by code: what the map is coloured by. */
    this.lan = new Map();
    /** What runs short, where the points are not followed. */
    this.short = null;
    /** Needs, where the points are not followed. */
    this.needs = null;
    /** What is foreseen of the power of points by the trend of their readings, by point. */
    this.forecasts = new Map();
    /** Points that a filter found, where they are not followed. */
    this.found = null;
    /** Whether everything that there is has come. */
    this.whole = false;
  }
}

const listeners = [];
let scheduled = false;
let shownAt = -Infinity;

export const store = {
  /** Who looks: what `/v1/me` says; `null` before it is known. */
  me: null,
  situation: null,
  /** Real alerts that break through an exercise, by key; `null` where there is no exercise, or they may not be read. */
  real: null,
  connection: { name: "connecting", since: performance.now(), heard: null },
  /** How the node's links are, and of which area; `null` before it is known, or when it cannot be. */
  links: null,
  /** Exercises that concern the area, and what the spelledning says; `null` before it is known. */
  exercises: null,
  /** What the node says of itself when it is not ready; `null`: it is. */
  unready: null,
};

/** Something has changed: it will be shown. */
export function changed({ now = false } = {}) {
  if (now) shownAt = -Infinity;
  if (scheduled) return;
  scheduled = true;
  const wait = Math.max(0, shownAt + LEAST_BETWEEN - performance.now());
  window.setTimeout(() => {
    scheduled = false;
    shownAt = performance.now();
    for (const listener of listeners) listener();
  }, wait);
}

/** Be told when it is time to show what there is. */
export function onChange(listener) {
  listeners.push(listener);
}
