/** Exercises: that one was aborted, for all to see; that one goes on, in a line; what the spelledning says, in övning. */

import { attr, fill, h, icon, show } from "../lib/dom.js";
import { clockTime } from "../lib/format.js";
import { language, t } from "../lib/i18n.js";

const NAMED = 4;
const MESSAGES = 3;
/** ms that an abort is shown outside of övning. */
const SHOWN = 24 * 3_600_000;

export class Exercises {
  constructor() {
    this.aborted = h("div", { class: "banner aborted", role: "alert", hidden: true });
    this.line = h("p", { class: "banner going-on", hidden: true });
    this.messages = h("ul", { class: "banner spelledning", hidden: true });
    this.nodes = [this.line, this.messages];
    this.said = "";
    /** Whether none goes on any more in what is looked at, and one was aborted. */
    this.isAborted = false;
  }

  render({ reality, kommunName, area }, { exercises }, now) {
    const aborted = abortsOf(exercises, reality, now);
    const running = (exercises?.exercises ?? []).filter((each) => each.running.length > 0);
    this.isAborted = aborted.length > 0 && running.length === 0;
    const messages = reality === "exe" ? (exercises?.messages ?? []).slice(0, MESSAGES) : [];
    const said = JSON.stringify([aborted, running, messages, reality, area.code, language()]);
    if (said === this.said) return;
    this.said = said;
    show(this.aborted, aborted.length > 0);
    fill(this.aborted, aborted.length > 0 && sayAborted(aborted, reality, area, kommunName));
    show(this.line, running.length > 0 && reality !== "tst");
    fill(this.line, running.length > 0 && t("exercise.running", running.map((each) => sayRunning(each, area, kommunName))));
    show(this.messages, messages.length > 0);
    attr(this.messages, "aria-label", t("exercise.messages"));
    fill(
      this.messages,
      messages.map((each) => h("li", {}, h("time", { datetime: each.at }, clockTime(each.at)), ` ${each.text}`)),
    );
  }
}

/** Where exercises were aborted, as far as it is to be shown: in övning for as long as it holds. */
function abortsOf(exercises, reality, now) {
  return (exercises?.exercises ?? [])
    .map((each) => ({
      ...each,
      aborted: each.aborted.filter(({ at }) => reality === "exe" || now - Date.parse(at) < SHOWN),
    }))
    .filter((each) => each.aborted.length > 0);
}

function sayAborted(aborted, reality, area, kommunName) {
  return [
    h("p", {}, icon("warning"), h("strong", {}, "ÖVNING AVBRUTEN – SKARPT LÄGE")),
    aborted.map((each) =>
      h("p", {}, t("exercise.aborted", each.name, clockTime(each.aborted[0].at), where(each, area, kommunName))),
    ),
    reality === "exe" && h("p", {}, t("exercise.refused")),
  ];
}

/** Where it was aborted; nothing where that is all of what is looked at. */
function where({ aborted, running }, area, kommunName) {
  if (area.level === "kommun" || running.length === 0) return null;
  return named(
    aborted.map((each) => each.kommun),
    kommunName,
  );
}

function sayRunning(each, area, kommunName) {
  return area.level === "kommun" || each.areas.includes(area.code) ? each.name : `${each.name} (${named(each.running, kommunName)})`;
}

function named(codes, kommunName) {
  const names = codes.slice(0, NAMED).map(kommunName);
  return codes.length > NAMED ? t("exercise.more", names.join(", "), codes.length - NAMED) : names.join(", ");
}
