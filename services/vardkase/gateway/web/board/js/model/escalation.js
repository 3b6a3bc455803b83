/** To whom an alert that nobody takes in is told: planned by the node, reached by its clock. */

import { t } from "../lib/i18n.js";
import { instant, now } from "../lib/clock.js";

/** The steps of a firing alert, with whether it has come to each. */
export function stepsOf({ status, escalation }) {
  if (status !== "firing") return [];
  return (escalation ?? []).map((each) => ({ ...each, reached: instant(each.at) <= now() }));
}

/** Who is told, in words. */
export function whoOf({ step, name }) {
  return step === "sideways" ? t("alert.sideways", name) : name;
}
