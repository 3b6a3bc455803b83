/**
 * Server-sent events, over fetch: unlike `EventSource` it knows when nothing is heard any more (heartbeats are comments,
 * which that one does not show), why it was refused, and when it will try again.
 */

const SILENCE = 40_000;
const WAITS = [300, 600, 1_200, 2_500, 5_000];

export class Stream {
  /**
   * @param url what to follow.
   * @param told `{ event(name, data), state(state) }`: each event; and each change of the connection: `{ name }` with
   *   `connecting`, `open`, `lost`, or `refused` with the `status`.
   */
  constructor(url, told) {
    this.url = url;
    this.told = told;
    this.id = null;
    this.failures = 0;
    this.ended = false;
    this.heard = performance.now();
    this.run();
  }

  /** Follow it no longer. */
  end() {
    this.ended = true;
    this.abort?.abort();
    window.clearTimeout(this.timer);
  }

  /** Try again now, rather than when the wait is over. */
  hurry() {
    this.wake?.();
  }

  async run() {
    while (!this.ended) {
      this.told.state({ name: "connecting" });
      const refused = await this.once();
      if (this.ended) return;
      if (refused === 401 || refused === 403 || refused === 404) {
        this.told.state({ name: "refused", status: refused });
        return;
      }
      this.told.state({ name: "lost" });
      const wait = WAITS[Math.min(this.failures, WAITS.length - 1)] * (0.75 + Math.random() / 2);
      this.failures += 1;
      await new Promise((resolve) => {
        this.wake = resolve;
        this.timer = window.setTimeout(resolve, wait);
      });
      window.clearTimeout(this.timer);
    }
  }

  /** One connection, to its end. The status when it was refused, else `null`. */
  async once() {
    this.abort = new AbortController();
    this.heard = performance.now();
    const watch = window.setInterval(() => {
      if (performance.now() - this.heard > SILENCE) this.abort.abort();
    }, 1_000);
    try {
      const headers = { accept: "text/event-stream" };
      if (this.id !== null) headers["last-event-id"] = this.id;
      const answer = await fetch(this.url, {
        headers,
        signal: this.abort.signal,
        cache: "no-store",
        credentials: "same-origin",
      });
      if (!answer.ok) return answer.status;
      this.told.state({ name: "open" });
      await this.read(answer.body.pipeThrough(new TextDecoderStream()).getReader());
    } catch {
      // The connection is gone, or was given up: told as `lost` by `run`.
    } finally {
      window.clearInterval(watch);
    }
    return null;
  }

  async read(reader) {
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done || this.ended) return;
      this.heard = performance.now();
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) this.take(block);
    }
  }

  take(block) {
    let name = "message";
    let id = null;
    const data = [];
    for (const line of block.split("\n")) {
      if (line.startsWith("data: ")) data.push(line.slice(6));
      else if (line.startsWith("event: ")) name = line.slice(7);
      else if (line.startsWith("id: ")) id = line.slice(4);
    }
    if (data.length === 0) return;
    this.told.event(name, JSON.parse(data.join("\n")));
    // After it was taken: what failed is asked for again.
    if (id !== null) this.id = id;
    if (name === "live") this.failures = 0;
  }
}
