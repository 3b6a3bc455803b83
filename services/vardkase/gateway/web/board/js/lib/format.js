/** How times, ages and numbers are written: by the reader's language, always in Swedish time. */

import { language, t } from "./i18n.js";
import { instant, now } from "./clock.js";

const ZONE = "Europe/Stockholm";
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const made = new Map();

function formatter(name, options) {
  const key = `${language()}/${name}`;
  if (!made.has(key)) {
    made.set(key, new Intl.DateTimeFormat(language() === "sv" ? "sv-SE" : "en-GB", { timeZone: ZONE, ...options }));
  }
  return made.get(key);
}

/** 1 114, never rounded. `null` is "–": not known. */
export function number(value) {
  if (value === null || value === undefined) return "–";
  const key = `${language()}/number`;
  if (!made.has(key))
    made.set(key, new Intl.NumberFormat(language() === "sv" ? "sv-SE" : "en-GB", { maximumFractionDigits: 1 }));
  return made.get(key).format(value);
}

/** 03:12, with the day when it is not today's. */
export function clockTime(iso) {
  const at = instant(iso);
  if (at === null) return "–";
  const day = formatter("day", { year: "numeric", month: "2-digit", day: "2-digit" });
  const time = formatter("time", { hour: "2-digit", minute: "2-digit" }).format(at);
  if (day.format(at) === day.format(now())) return time;
  return `${formatter("short", { weekday: "short", day: "numeric", month: "short" }).format(at)} ${time}`;
}

/** 03:12:44. */
export function clockSeconds(ms) {
  return formatter("seconds", { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(ms);
}

/** Saturday 21 November 2026 at 03:12. */
export function fullTime(iso) {
  const at = instant(iso);
  if (at === null) return "–";
  return formatter("full", {
    weekday: "long",
    day: "numeric",
    month: "long",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
  }).format(at);
}

/** How long: 41 min, 3 h 05 min, 2 d 4 h. */
export function duration(ms) {
  const whole = Math.max(0, ms);
  if (whole < MINUTE) return t("time.seconds", Math.floor(whole / 1000));
  if (whole < HOUR) return t("time.minutes", Math.floor(whole / MINUTE));
  if (whole < 2 * DAY) return t("time.hours", Math.floor(whole / HOUR), Math.floor((whole % HOUR) / MINUTE));
  return t("time.days", Math.floor(whole / DAY), Math.floor((whole % DAY) / HOUR));
}

/** How old, from a time to now: 41 min. */
export function age(iso) {
  const at = instant(iso);
  return at === null ? "–" : duration(now() - at);
}

/** What is left of a time, as a countdown: 2:14 and :36; days when it is far. */
export function left(iso) {
  const ms = instant(iso) - now();
  if (ms <= 0) return { passed: true, long: duration(-ms), short: "" };
  if (ms >= 2 * DAY) return { passed: false, long: duration(ms), short: "" };
  const seconds = Math.floor(ms / 1000);
  const two = (value) => String(value).padStart(2, "0");
  return {
    passed: false,
    long: `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}`,
    short: `:${two(seconds % 60)}`,
  };
}

/** A share in whole per cent; "–" of nothing. */
export function percent(part, whole) {
  return whole > 0 ? `${Math.round((100 * part) / whole)} %` : "–";
}

/** First letter large. */
export function sentence(words) {
  return words === "" ? words : words[0].toLocaleUpperCase(language()) + words.slice(1);
}
