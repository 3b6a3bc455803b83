// The points, as the public stream tells of them: the whole first, then every change. Knows nothing of the page.

const UNCONFIRMED_AFTER = 8 * 3600 * 1000;

// What time alone makes of a point: after `valid_until` only that it is open counts, eight hours later not even that.
export function asRead(properties, at) {
  if (!properties.valid_until) return properties;
  const until = Date.parse(properties.valid_until);
  if (at < until) return properties;
  const services = Object.fromEntries(Object.keys(properties.services || {}).map((code) => [code, "unknown"]));
  const read = { ...properties, availability: "unknown", crowding: "unknown", services };
  return at < until + UNCONFIRMED_AFTER ? read : { ...read, status: "unconfirmed" };
}

// Kilometres as the crow flies.
export function distance([lon1, lat1], [lon2, lat2]) {
  const rad = Math.PI / 180;
  const a =
    Math.sin(((lat2 - lat1) * rad) / 2) ** 2 +
    Math.cos(lat1 * rad) * Math.cos(lat2 * rad) * Math.sin(((lon2 - lon1) * rad) / 2) ** 2;
  return 12742 * Math.asin(Math.sqrt(Math.min(1, a)));
}

// The time of the node. A phone's clock may be wrong, and an exercise may have a clock of its own.
const clock = { ahead: 0 };

export function setClock(now) {
  const ahead = Date.parse(now) - Date.now();
  clock.ahead = Math.abs(ahead) > 3 * 60000 ? ahead : 0;
}

export function now() {
  return Date.now() + clock.ahead;
}

export class Points {
  // code: a kommun, or "" for all. Own position is never told to anybody: all points are fetched, and sorted here.
  constructor(code, changed) {
    this.query = code ? `code=${encodeURIComponent(code)}` : "";
    this.changed = changed;
    this.features = new Map();
    this.kommuner = new Set();
    this.live = false;
    this.connected = false;
    this.heardAt = 0;
    this.closed = false;
    this.source = null;
    this.timer = 0;
  }

  async open() {
    try {
      const last = await this.load();
      if (!this.closed) this.follow(last);
    } catch {
      if (this.closed) return;
      this.connected = false;
      this.changed();
      this.timer = setTimeout(() => this.open(), 5000 + Math.random() * 5000);
    }
  }

  async load() {
    const features = new Map();
    let url = `/public/v1/points?${this.query}`;
    let last = null;
    let answer;
    while (url) {
      const response = await fetch(url, { credentials: "omit" });
      if (!response.ok) throw new Error(String(response.status));
      answer = await response.json();
      last ??= answer.last_event_id;
      for (const feature of answer.features) features.set(feature.id, feature);
      const next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get("Link") || "");
      url = next ? next[1] : null;
    }
    this.features = features;
    this.kommuner = new Set(answer.kommuner);
    this.live = answer.live;
    this.heard();
    return last;
  }

  follow(last) {
    const query = `${this.query}${this.query ? "&" : ""}last_event_id=${encodeURIComponent(last)}`;
    const source = (this.source = new EventSource(`/public/v1/stream?${query}`));
    const on = (kind, act) =>
      source.addEventListener(kind, (event) => {
        act(JSON.parse(event.data));
        this.heard();
      });
    source.addEventListener("open", () => this.heard());
    on("point", (feature) => this.features.set(feature.id, feature));
    on("gone", ({ id }) => this.features.delete(id));
    on("kommun", ({ kommun, takes_part: takesPart }) =>
      takesPart ? this.kommuner.add(kommun) : this.kommuner.delete(kommun),
    );
    on("reset", () => {
      this.features = new Map();
      this.kommuner = new Set();
    });
    on("live", ({ live, now: told }) => {
      this.live = live;
      setClock(told);
    });
    source.addEventListener("error", () => {
      this.connected = false;
      this.changed();
      // A browser tries again by itself, unless it was refused.
      if (source.readyState === EventSource.CLOSED && !this.closed) {
        this.timer = setTimeout(() => this.open(), 5000 + Math.random() * 5000);
      }
    });
  }

  heard() {
    this.connected = true;
    this.heardAt = now();
    this.changed();
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    this.source?.close();
  }
}
