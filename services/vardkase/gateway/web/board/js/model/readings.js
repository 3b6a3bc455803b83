/** Readings in words: what a point said of its power, staff, water and the rest. */

import { t, word } from "../lib/i18n.js";
import { clockTime, number } from "../lib/format.js";

/** A value of an aspect (`power`, `services.heat`) as one line. `null`: it is said not to be known. */
export function reading(aspect, value) {
  if (value === null || value === undefined) return t("reading.unknown");
  const [family, rest] = splitOnce(aspect);
  const say = SAY[family];
  return say === undefined ? plain(value) : say(value, rest);
}

/** What an aspect is called. */
export function aspectName(aspect) {
  const [family, rest] = splitOnce(aspect);
  return family === "services" ? word("service", rest) : word("aspect", family);
}

const SAY = {
  power(value) {
    const parts = [word("power", value.source ?? "unknown")];
    if (value.backup_state) parts.push(word("backup", value.backup_state));
    if (known(value.fuel_l)) parts.push(t("reading.litres", number(value.fuel_l)));
    if (known(value.fuel_l_per_h)) parts.push(t("reading.rate", number(value.fuel_l_per_h)));
    if (known(value.endurance_h)) parts.push(t("reading.endurance", number(value.endurance_h)));
    if (known(value.battery_h)) parts.push(t("reading.battery", number(value.battery_h)));
    return parts.join(", ");
  },
  refill(value) {
    const when = value.eta ? t("reading.eta", clockTime(value.eta)) : t("reading.noEta");
    if (value.confirmed === null || value.confirmed === undefined) return when;
    return `${when}, ${t(value.confirmed ? "reading.confirmed" : "reading.unconfirmed")}`;
  },
  staff(value) {
    const present = t("reading.present", number(value.present));
    return known(value.required) ? `${present}, ${t("reading.required", number(value.required))}` : present;
  },
  next_shift(value) {
    const covered = value.covered === true ? "covered" : value.covered === false ? "uncovered" : "shiftUnknown";
    return [value.at ? t("reading.at", clockTime(value.at)) : null, t(`reading.${covered}`)].filter(Boolean).join(", ");
  },
  water(value) {
    const parts = [word("water", value.source ?? "unknown")];
    if (known(value.litres)) parts.push(t("reading.litres", number(value.litres)));
    return parts.join(", ");
  },
  heat: (value) => (known(value.indoor_c) ? t("reading.degrees", number(value.indoor_c)) : t("reading.unknown")),
  comms(value) {
    const parts = [];
    if (value.can_call_112 !== null && value.can_call_112 !== undefined)
      parts.push(t(value.can_call_112 ? "reading.can112" : "reading.no112"));
    for (const means of ["mobile", "fixed", "internet", "rakel", "satellite"]) {
      if (value[means]) parts.push(`${word("comms", means)} ${word("updown", value[means])}`);
    }
    return parts.join(", ") || t("reading.unknown");
  },
  services: (value) => word("serviceState", value),
  lifecycle: (value) => word("lifecycle", value),
  availability: (value) => word("availability", value),
  activation: (value) => word("activation", value),
  occupancy: (value) => t("reading.visitors", number(value)),
  capacity_day: (value) => number(value),
  capacity_night: (value) => number(value),
  need: (value) => need(value),
  needs: (value) => need(value),
};

/** A need or surplus in one line. */
export function need(value) {
  const much = known(value.quantity) ? ` ${number(value.quantity)} ${value.unit ?? ""}`.trimEnd() : "";
  const parts = [`${word("need", value.kind ?? "unknown")}${much}`];
  if (value.priority) parts.push(word("priority", value.priority));
  if (value.needed_by) parts.push(t("reading.neededBy", clockTime(value.needed_by)));
  parts.push(word("needState", value.state));
  return parts.join(", ");
}

function plain(value) {
  if (typeof value !== "object") return String(value);
  return Object.entries(value)
    .map(([name, each]) => `${name}: ${typeof each === "object" ? JSON.stringify(each) : each}`)
    .join(", ");
}

function known(value) {
  return value !== null && value !== undefined;
}

function splitOnce(aspect) {
  const at = aspect.indexOf(".");
  return at < 0 ? [aspect, ""] : [aspect.slice(0, at), aspect.slice(at + 1)];
}
