/** What the stream of a large area does not bring: pictures of the län, what runs short, needs. Asked for now and then. */

import { features, get, Refused } from "../lib/api.js";
import { pointOf } from "./points.js";
import { changed } from "./store.js";

/** Least ms between two questions for the same. */
const LEAST = { lan: 15_000, short: 5_000, needs: 20_000, found: 15_000, forecasts: 30_000 };
/** Questions at once. */
const AT_ONCE = 2;
const MOST_FOUND = 500;

export class Around {
  /** @param outlines see map/outlines.js. @param mayRead whether an area is open to the reader. */
  constructor(situation, outlines, mayRead) {
    this.situation = situation;
    this.asked = new Map();
    this.waiting = [];
    this.under = 0;
    this.abort = new AbortController();
    this.filter = "";
    const { area } = situation;
    if (area.level === "kommun") this.lan = [outlines.lan.get(area.lan)].filter(mayRead);
    else if (area.level === "lan") this.lan = [];
    else this.lan = [...outlines.lan.values()].filter((each) => area.level === "nation" || each.civo === area.code);
  }

  end() {
    this.abort.abort();
  }

  /** Ask for what is old, and has changed since. Called whenever something was shown, and by the clock. */
  look(filter) {
    const { situation } = this;
    if (this.abort.signal.aborted) return;
    if (situation.points === null && situation.picture !== null) {
      const { as_of: version } = situation.picture;
      this.want("short", LEAST.short, version, async () => {
        situation.short = await this.get(`/v1/short?${this.query()}`);
      });
      this.want("needs", LEAST.needs, version, async () => {
        situation.needs = (await this.get(`/v1/needs?${this.query()}&limit=${MOST_FOUND}`)).needs;
      });
      this.find(filter);
    }
    if (situation.picture !== null) {
      this.want("forecasts", LEAST.forecasts, situation.picture.as_of, async () => {
        const query = `${this.query()}&what=power&status=foreseen&status=passed&limit=${MOST_FOUND}`;
        const { forecasts } = await this.get(`/v1/forecasts?${query}`);
        situation.forecasts = new Map(
          forecasts.filter((each) => each.basis === "trend").map((each) => [each.point, each]),
        );
      });
    }
    for (const { code } of this.lan) {
      const summary = situation.picture?.areas.find((each) => each.code === code);
      // Of a län without points there is nothing more to say than the nation's picture does.
      if (situation.area.level !== "kommun" && !(summary?.coverage.expected + summary?.coverage.unregistered > 0))
        continue;
      this.want(`lan/${code}`, LEAST.lan, JSON.stringify(summary ?? null), async (path) => {
        situation.lan.set(code, await this.get(`/v1/pictures/${path}`));
      });
    }
  }

  /** Points of a large area, by a filter that the gateway knows. */
  find({ condition, freshness }) {
    const { situation } = this;
    const query = this.query();
    for (const each of condition) query.append("condition", each);
    for (const each of freshness) query.append("freshness", each);
    const filter = condition.length + freshness.length === 0 ? "" : query.toString();
    if (filter !== this.filter) {
      situation.found = null;
      this.asked.delete("found");
      this.filter = filter;
    }
    if (filter === "") return;
    this.want("found", LEAST.found, situation.picture.as_of, async () => {
      const found = await features(`/v1/points?${filter}`, { signal: this.abort.signal, most: MOST_FOUND });
      if (filter === this.filter) situation.found = found.map(pointOf);
    });
  }

  query() {
    const { reality, area } = this.situation;
    return new URLSearchParams({ reality, code: area.code });
  }

  get(path) {
    const { reality } = this.situation;
    const whole = path.includes("reality=") ? path : `${path}?reality=${reality}`;
    return get(whole, { signal: this.abort.signal });
  }

  /** Ask, unless it was asked lately, or nothing has changed since. */
  want(what, least, version, ask) {
    const before = this.asked.get(what);
    if (before !== undefined) {
      if (before.under || performance.now() - before.at < least || before.version === version) return;
    }
    const entry = { at: performance.now(), version, under: true };
    this.asked.set(what, entry);
    this.waiting.push(async () => {
      try {
        await ask(what);
      } catch (error) {
        if (!(error instanceof Refused) && !this.abort.signal.aborted) throw error;
        entry.version = null; // asked again when it may be
      } finally {
        entry.under = false;
        entry.at = performance.now();
      }
      changed();
    });
    this.next();
  }

  async next() {
    if (this.under >= AT_ONCE || this.waiting.length === 0 || this.abort.signal.aborted) return;
    this.under += 1;
    try {
      await this.waiting.shift()();
    } finally {
      this.under -= 1;
      this.next();
    }
  }
}
