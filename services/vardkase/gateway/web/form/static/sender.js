// Sends what waits, in its order, each until it is known to have arrived. The same id every time, so twice counts once.

import * as clock from "./clock.js";

const LOCK = "vardkase-outbox";
const PATIENCE = 15_000;
const FRESH = 60_000;
const WAITS = [2_000, 4_000, 8_000, 15_000, 30_000];

export class Sender {
  #store;
  #point;
  #told;
  #timer = 0;
  #tries = 0;
  #page = crypto.getRandomValues(new Uint32Array(1))[0];

  /** `told(what, entry)` hears of every change: "kept", "sending", "sent", "refused", "waiting", "closed". */
  constructor(store, point, told) {
    this.#store = store;
    this.#point = point;
    this.#told = told;
    addEventListener("online", () => this.soon(0));
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.soon(0);
    });
  }

  /** Keep a report, then send it. */
  async send(report) {
    const entry = {
      ...report,
      point: this.#point,
      at: Date.now(),
      ahead: clock.ahead(),
      started: performance.now(),
      page: this.#page,
      state: "waiting",
    };
    entry.n = await this.#store.put(entry);
    this.#told("kept", entry);
    this.#tries = 0;
    await this.flush();
  }

  /** The entries of this point. */
  async waiting() {
    return (await this.#store.all()).filter((entry) => entry.point === this.#point);
  }

  async drop(n) {
    await this.#store.remove(n);
  }

  /** Try again what was refused, or what waits. */
  async again(entry) {
    await this.#store.put({ ...entry, state: "waiting" });
    await this.flush();
  }

  soon(wait) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), wait);
  }

  /** Send all that waits. One page at a time, where the browser can tell. */
  async flush() {
    clearTimeout(this.#timer);
    const run = () => this.#run();
    await (navigator.locks ? navigator.locks.request(LOCK, run) : run());
  }

  async #run() {
    for (const entry of await this.waiting()) {
      if (entry.state === "refused") continue;
      this.#told("sending", entry);
      const came = await this.#one(entry);
      if (came.stop) {
        this.#told(came.stop, entry);
        const wait = Math.max(came.wait ?? 0, WAITS[Math.min(this.#tries++, WAITS.length - 1)]);
        this.soon(wait);
        return;
      }
      this.#tries = 0;
      if (came.refused) {
        const refused = { ...entry, state: "refused", said: came.refused };
        await this.#store.put(refused);
        this.#told("refused", refused);
      } else {
        await this.#store.remove(entry.n);
        this.#told("sent", { ...entry, duplicate: came.duplicate });
      }
    }
  }

  async #one(entry) {
    try {
      const old = entry.page !== this.#page || performance.now() - entry.started > FRESH;
      if (old) await this.#ask();
      const body = new URLSearchParams(entry.fields);
      body.set("age", String(Math.round(this.#age(entry))));
      const answer = await fetch("/rapportera", {
        method: "POST",
        body,
        headers: { accept: "application/json" },
        redirect: "error",
        signal: AbortSignal.timeout(PATIENCE),
      });
      return await this.#understand(answer);
    } catch {
      return { stop: "waiting" };
    }
  }

  async #understand(answer) {
    const said = await answer.json().catch(() => ({}));
    if (typeof said.now === "number") clock.heard(said.now);
    if (answer.ok) return said.stored ? { duplicate: said.duplicate === true } : { stop: "waiting" };
    if (answer.status === 401) return { stop: "closed" };
    if ([403, 409, 413, 415, 422].includes(answer.status)) {
      const errors = Object.values(said.errors ?? {});
      return { refused: errors.length ? errors.join(" ") : (said.detail ?? "Rapporten togs inte emot.") };
    }
    const wait = Number(answer.headers.get("retry-after"));
    return { stop: "waiting", wait: Number.isFinite(wait) ? Math.min(wait, 120) * 1000 : 0 };
  }

  /** How old a report is, in ms: by the server's time at both ends, else by our clocks. */
  #age(entry) {
    if (entry.page === this.#page && performance.now() - entry.started <= FRESH) return performance.now() - entry.started;
    const ahead = clock.ahead();
    const known = ahead !== null && entry.ahead !== null;
    return Math.max(0, Date.now() - entry.at + (known ? ahead - entry.ahead : 0));
  }

  /** What time it is, by the server; also whether there is a server at all. */
  async #ask() {
    const answer = await fetch("/rapportera/tid", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    const said = await answer.json();
    clock.heard(said.now);
  }
}
