/**
 * The node's time. The computer that shows the board may be wrong, and a demonstration runs days in minutes: ages and
 * countdowns are by the clock of the node that judged.
 */

let told = { node: Date.now(), real: Date.now(), speed: 1, at: performance.now() };

/** What the node said its time was, and how fast it goes. `halfWay`: ms that the answer was under way. */
export function synchronise({ now, real, speed }, halfWay = 0) {
  told = {
    node: Date.parse(now) + halfWay * speed,
    real: Date.parse(real) + halfWay,
    speed,
    at: performance.now(),
  };
}

/** ms since the epoch at the node. A driven clock goes at its own speed until it meets real time. */
export function now() {
  const passed = performance.now() - told.at;
  const driven = told.node + passed * told.speed;
  const real = told.real + passed;
  if (told.speed === 1) return driven;
  return told.node <= told.real ? Math.min(driven, real) : Math.max(told.node, real);
}

/** Whether the node's clock is driven, and still away from real time. */
export function driven() {
  return told.speed !== 1 && Math.abs(now() - (told.real + performance.now() - told.at)) > 60_000;
}

/** A time of the wire as ms; `null` stays `null`. */
export function instant(iso) {
  return iso === null || iso === undefined ? null : Date.parse(iso);
}
