/** Following an area: the stream of its picture, alerts and states into the store, without what it no longer has. */

import { Stream } from "../lib/stream.js";
import { isKommun, pointOf } from "./points.js";
import { changed, Situation, store } from "./store.js";

const CLEARED_MOST = 100;

export class Feed {
  constructor(reality, area, refused) {
    this.situation = new Situation(reality, area);
    const states = this.situation.points !== null;
    const query = new URLSearchParams({ reality, area: area.code, kinds: `picture,alert${states ? ",state" : ""}` });
    this.refused = refused;
    this.begin();
    this.stream = new Stream(`/v1/stream?${query}`, {
      event: (name, data) => this.take(name, data),
      state: (state) => this.connection(state),
    });
  }

  end() {
    this.stream.end();
  }

  hurry() {
    this.stream.hurry();
  }

  /** Seconds since anything was heard of the gateway. */
  get silent() {
    return (performance.now() - this.stream.heard) / 1000;
  }

  begin() {
    this.seen = { alerts: new Set(), points: new Set() };
  }

  take(name, data) {
    const { situation, seen } = this;
    if (name === "reset") {
      this.begin();
    } else if (name === "live") {
      this.settle();
    } else if (name === "picture") {
      if (data.code === situation.area.code) situation.picture = data;
    } else if (name === "alert") {
      seen?.alerts.add(data.key);
      this.takeAlert(data);
    } else if (name === "state") {
      seen?.points.add(data.id);
      if (isKommun(data)) situation.kommuner.set(data.kommun, data);
      else if (situation.points !== null) situation.points.set(data.id, pointOf(data));
    }
    changed();
  }

  takeAlert(told) {
    const { alerts, cleared } = this.situation;
    const alert = { ...told, silences: told.silences ?? [] };
    if (alert.status === "firing") {
      alerts.set(alert.key, alert);
      cleared.delete(alert.key);
      return;
    }
    alerts.delete(alert.key);
    cleared.delete(alert.key);
    cleared.set(alert.key, alert);
    if (cleared.size > CLEARED_MOST) cleared.delete(cleared.keys().next().value);
  }

  /** Everything there is has come. After a beginning anew, what did not come again is gone. */
  settle() {
    const { situation, seen } = this;
    if (seen !== null) {
      for (const key of situation.alerts.keys()) if (!seen.alerts.has(key)) situation.alerts.delete(key);
      for (const id of situation.points?.keys() ?? []) if (!seen.points.has(id)) situation.points.delete(id);
    }
    this.seen = null;
    situation.whole = true;
  }

  connection(state) {
    if (state.name === "refused") this.refused(state.status);
    const before = store.connection;
    // From `lost` to `connecting` and back is one long loss to who looks.
    const name = state.name === "connecting" && before.name === "lost" ? "lost" : state.name;
    store.connection = { name, since: name === before.name ? before.since : performance.now() };
    changed({ now: true });
  }
}

/** Real alerts while an exercise is shown: they break through. */
export class RealFeed {
  constructor(area) {
    this.alerts = new Map();
    this.seen = new Set();
    store.real = { alerts: this.alerts, heard: false, refused: false, since: performance.now() };
    const query = new URLSearchParams({ reality: "act", area: area.code, kinds: "alert" });
    this.stream = new Stream(`/v1/stream?${query}`, {
      event: (name, data) => this.take(name, data),
      state: ({ name }) => {
        const heard = name === "open";
        const since = store.real.heard && !heard ? performance.now() : store.real.since;
        store.real = { ...store.real, heard, refused: name === "refused", since };
        changed({ now: true });
      },
    });
  }

  end() {
    this.stream.end();
    store.real = null;
  }

  take(name, data) {
    if (name === "reset") this.seen = new Set();
    else if (name === "live") {
      if (this.seen !== null) for (const key of this.alerts.keys()) if (!this.seen.has(key)) this.alerts.delete(key);
      this.seen = null;
    } else if (name === "alert") {
      this.seen?.add(data.key);
      if (data.status === "firing") this.alerts.set(data.key, data);
      else this.alerts.delete(data.key);
    }
    changed();
  }
}
