/** What has happened, newest first: opened and closed, alerts raised and ended, and what people did. */

import { attr, h, icon, keyed, show, text } from "../lib/dom.js";
import { instant } from "../lib/clock.js";
import { clockTime } from "../lib/format.js";
import { t, word } from "../lib/i18n.js";
import { href } from "../lib/url.js";
import { useIcon } from "./pieces.js";

const ICONS = { opened: "opened", closed: "closed", cleared: "cleared", adopted: "check" };
/** What people did, and what became due of it. */
const ACTS = ["adopted", "noted", "requested", "reminded", "overdue"];

export class Events {
  constructor() {
    this.none = h("p", { class: "none" });
    this.list = h("ol", { class: "rows" });
    this.node = h("div", { class: "scroll", tabindex: "0", role: "group" }, this.none, this.list);
  }

  render(view) {
    this.view = view;
    attr(this.node, "aria-label", t("events.title"));
    const events = eventsOf(view.picture);
    text(this.none, t(view.picture === null ? "loading" : "events.none"));
    show(this.none, events.length === 0);
    keyed(this.list, events, keyOf, () => this.row());
  }

  row() {
    const time = h("time", { class: "at" });
    const mark = icon("clock", "mark");
    const link = h("a", { class: "name" });
    const says = h("span");
    const where = h("span", { class: "where" });
    const node = h("li", { class: "row event" }, time, mark, h("div", { class: "what" }, link, " ", says, " ", where));
    const update = (event) => {
      const { view } = this;
      attr(time, "datetime", event.at);
      text(time, clockTime(event.at));
      useIcon(mark, event.kind === "raised" ? event.level : (ICONS[event.kind] ?? "clock"));
      text(link, subjectOf(event, view));
      attr(link, "href", linkOf(event));
      text(says, eventText(event));
      text(where, event.point !== null && event.kommun !== null ? view.kommunName(event.kommun) : "");
    };
    return { node, update };
  }
}

/** What happened and what people did, newest first. */
export function eventsOf(picture) {
  if (picture === null) return [];
  const acts = (picture.acts ?? []).map((each) => ({ ...each, point: null, kommun: null, key: null }));
  return [...picture.events, ...acts].sort((a, b) => instant(b.at) - instant(a.at));
}

/** What an event is about, by name where it is known. */
export function subjectOf(event, view) {
  if (event.point !== null && !event.point.endsWith("-_")) {
    const alert = event.key === null ? undefined : view.situation.alerts.get(event.key);
    return (
      view.points?.get(event.point)?.name ?? alert?.point?.name ?? view.namesOfPoints.get(event.point) ?? event.point
    );
  }
  if (event.kommun !== null) return view.kommunName(event.kommun);
  return view.outlines.area(event.key?.split("/")[1] ?? "")?.name ?? view.area.name;
}

/** What happened, without the name. */
export function eventText(event) {
  if (event.kind === "opened" || event.kind === "closed") return t(`events.${event.kind}`);
  if (ACTS.includes(event.kind)) {
    const who = event.by ? ` (${word("role", event.by.role)})` : "";
    return `${t(`events.${event.kind}`)}${who}`;
  }
  if (event.kind !== "raised" && event.kind !== "cleared") return t("events.other");
  if (event.kind === "raised") return t("events.raised", word("rule", event.rule), word("level", event.level));
  return t("events.cleared", word("rule", event.rule), event.reason === null ? "" : word("cleared", event.reason));
}

function linkOf(event) {
  if (ACTS.includes(event.kind)) return href({ tab: "atgarder", part: "mer" });
  if (event.kind === "raised" && event.key !== null) return href({ alert: event.key, point: null });
  if (event.point !== null && !event.point.endsWith("-_")) return href({ point: event.point, alert: null });
  return event.kommun === null ? href({}) : href({ area: event.kommun });
}

function keyOf({ at, kind, point, kommun, key, order = "" }) {
  return [at, kind, point, kommun, key, order].join("|");
}
