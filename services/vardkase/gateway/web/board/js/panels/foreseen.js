/** What is foreseen of a point: when, between what, and what that rests on. */

import { h } from "../lib/dom.js";
import { clockTime, number } from "../lib/format.js";
import { language, t } from "../lib/i18n.js";

const SPLIT = { C: "°C", persons: "" };

/** Between what it lies, by the trend. */
export function interval({ earliest, latest }) {
  return latest === null
    ? t("foreseen.from", clockTime(earliest))
    : t("foreseen.between", clockTime(earliest), clockTime(latest));
}

/** The section of a point; `null`: nothing is foreseen of it, or that is not known yet. */
export function foreseenOf(document) {
  const forecasts = document?.forecasts ?? [];
  if (forecasts.length === 0) return null;
  return h(
    "section",
    { class: "foreseen" },
    h("h3", {}, t("foreseen.title")),
    h("ul", { class: "rows" }, forecasts.map(row)),
  );
}

function row(each) {
  return h(
    "li",
    { class: "row" },
    h(
      "div",
      { class: "what" },
      h("strong", {}, `${t(`foreseen.${each.what}`, limitOf(each))}: ${saidOf(each)}`),
      each.basis === "trend" && each.at !== null && each.earliest !== each.latest && h("div", {}, interval(each)),
      h("div", { class: "beside" }, h("span", { class: "where" }, each.statement[language()])),
    ),
  );
}

function saidOf({ status, at }) {
  if (status === "foreseen") return t("short.at", clockTime(at));
  if (status === "passed" && at !== null) return t("foreseen.passed", clockTime(at));
  return t(`foreseen.${status}`);
}

function limitOf({ limit, unit }) {
  return limit === null ? "" : `${number(limit)}${unit in SPLIT ? ` ${SPLIT[unit]}` : ""}`.trim();
}
