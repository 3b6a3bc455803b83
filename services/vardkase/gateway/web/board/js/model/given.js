/** The orders that were given in an area: asked for while somebody looks at them, and what of them is in force. */

import { get, Refused } from "../lib/api.js";
import { instant, now } from "../lib/clock.js";
import { changed } from "./store.js";

const MOST = 100;
/** Least ms between two questions. */
const LEAST = 15_000;

export class Given {
  constructor() {
    this.of = "";
    this.orders = null;
    this.complete = true;
    this.failed = false;
    this.at = -Infinity;
    this.under = false;
  }

  /** Ask, when it is time; `hurry`: something was given just now. */
  async ask({ area, reality }, { hurry = false } = {}) {
    const of = `${area.code} ${reality}`;
    if (this.of !== of) Object.assign(this, { of, orders: null, at: -Infinity, under: false, failed: false });
    if (this.under || (!hurry && performance.now() - this.at < LEAST)) return;
    Object.assign(this, { under: true, at: performance.now() });
    const query = new URLSearchParams({ code: area.code, reality, limit: MOST });
    let found = null;
    try {
      found = await get(`/v1/orders?${query}`);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
    if (this.of !== of) return;
    this.under = false;
    this.failed = found === null;
    if (found !== null) Object.assign(this, { orders: found.orders, complete: found.complete });
    changed();
  }
}

/** Silences and incidents of an area that are in force or to come, as they were last ordered. */
export function inForce(orders, kind, code) {
  const latest = new Map();
  for (const order of orders) {
    if (order.type !== `se.trygghetspunkt.order.${kind}.v1` || order.data.by.code !== code) continue;
    if (instant(order.time) > now()) continue;
    const name = order.data.id ?? order.id;
    const held = latest.get(name);
    if (held === undefined || later(order, held)) latest.set(name, order);
  }
  return [...latest.values()].filter(({ data }) => {
    const until = data.until ? instant(data.until) : Infinity;
    return until > Math.max(now(), instant(data.from));
  });
}

export function kindOf(order) {
  return order.type.split(".")[3];
}

function later(one, other) {
  const [a, b] = [instant(one.time), instant(other.time)];
  return a > b || (a === b && one.id > other.id);
}
