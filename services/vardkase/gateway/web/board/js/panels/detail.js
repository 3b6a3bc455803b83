/** The pane beside the lists: one point or one alert, with all that is known of it. */

import { get, Refused } from "../lib/api.js";
import { fill, h, icon, show, text } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { address, go } from "../lib/url.js";
import { AlertDetail } from "./alert-detail.js";
import { PointDetail } from "./point-detail.js";

/** Least ms between two questions for what only the gateway knows (the nearest alternative). */
const LEAST = 10_000;

export class Detail {
  constructor() {
    this.title = h("h2", { tabindex: "-1" });
    this.close = h("button", { type: "button", class: "close", onclick: () => this.shut() }, icon("close"));
    this.body = h("div", { class: "scroll", tabindex: "0", role: "group" });
    this.node = h(
      "section",
      { class: "panel detail", hidden: true },
      h("header", {}, this.title, this.close),
      this.body,
    );
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.shown !== null && this.node.isConnected && !event.defaultPrevented)
        this.shut();
    });
    this.shown = null;
    this.part = null;
    this.opener = null;
  }

  shut() {
    go({ point: null, alert: null });
  }

  render(view) {
    const { alert, point } = address();
    const wanted = alert === null ? (point === null ? null : `point/${point}`) : `alert/${alert}`;
    if (wanted !== this.shown) this.turn(wanted, alert, point);
    if (this.part === null) return;
    this.close.setAttribute("aria-label", t("detail.close"));
    this.close.title = t("detail.close");
    this.body.setAttribute("aria-label", t("detail.title"));
    this.ask(view);
    text(this.title, this.part.title(view, this.more));
    this.part.render(view, this.more);
  }

  turn(wanted, alert, point) {
    if (this.shown === null) this.opener = document.activeElement;
    this.shown = wanted;
    this.more = { document: null, failed: null, foreseen: null };
    this.asked = { at: -Infinity, version: null, under: false };
    show(this.node, wanted !== null);
    document.body.classList.toggle("detailed", wanted !== null);
    if (wanted === null) {
      this.part = null;
      fill(this.body);
      if (this.opener?.isConnected) this.opener.focus({ preventScroll: true });
      return;
    }
    this.part = alert === null ? new PointDetail(point) : new AlertDetail(alert);
    fill(this.body, this.part.node);
    this.body.scrollTop = 0;
    this.title.focus({ preventScroll: true });
  }

  /** Ask the gateway, when it has changed since and was not asked just now. */
  async ask(view) {
    const { asked, part } = this;
    const version = part.version(view);
    if (asked.under || asked.version === version || performance.now() - asked.at < (asked.version === null ? 0 : LEAST))
      return;
    asked.under = true;
    const more = { ...this.more, failed: null };
    try {
      more.document = await get(part.path(view));
      if (part.foreseen) more.foreseen = await get(part.foreseen(view));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      more.failed = error;
    }
    Object.assign(asked, { under: false, at: performance.now(), version });
    if (this.part !== part) return;
    this.more = more;
    this.render(view);
  }
}
