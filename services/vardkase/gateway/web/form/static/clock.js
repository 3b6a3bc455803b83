// The server's time. A telephone's own clock may be wrong; the difference to the server's is what is kept.

const KEY = "vardkase.offset";

let offset = stored();

function stored() {
  try {
    const text = localStorage.getItem(KEY);
    return text === null ? null : Number(text);
  } catch {
    return null;
  }
}

/** The server has just said what time it is, in ms since the epoch. */
export function heard(server) {
  offset = server - Date.now();
  try {
    localStorage.setItem(KEY, String(offset));
  } catch {
    // Without storage the difference is known to this page alone.
  }
}

/** How much the server's clock is ahead of ours, in ms; null when it was never heard. */
export function ahead() {
  return offset;
}

/** The time, in ms: the server's, as well as it is known. */
export function now() {
  return Date.now() + (offset ?? 0);
}

const TIME = new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/Stockholm", hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/Stockholm", day: "numeric", month: "short" });

/** "kl 21:10", or "18 nov kl 21:10" of another day. */
export function clock(instant) {
  const then = new Date(instant);
  const today = DAY.format(new Date(now()));
  const day = DAY.format(then);
  return `${day === today ? "" : `${day} `}kl ${TIME.format(then)}`;
}

/** "nyss", "32 min sedan", "3 tim 10 min sedan". */
export function ago(instant) {
  const minutes = Math.floor((now() - instant) / 60_000);
  if (minutes < 1) return "nyss";
  if (minutes < 60) return `${minutes} min sedan`;
  const hours = Math.floor(minutes / 60);
  if (hours < 10) return `${hours} tim${minutes % 60 ? ` ${minutes % 60} min` : ""} sedan`;
  return hours < 48 ? `${hours} tim sedan` : `${Math.floor(hours / 24)} dygn sedan`;
}
