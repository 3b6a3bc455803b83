// What the page shows, brought up to date: texts always, the questions themselves while nobody has touched them.

import * as clock from "./clock.js";

/** Fetch this page anew; null when there is no connection, "closed" when the session has ended. */
export async function fetched() {
  try {
    const answer = await fetch(location.pathname + location.search, {
      headers: { accept: "text/html" },
      cache: "no-store",
      signal: AbortSignal.timeout(15_000),
    });
    if (answer.status === 401) return "closed";
    if (!answer.ok) return null;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const now = Date.parse(page.body.dataset.now ?? "");
    if (!Number.isNaN(now)) clock.heard(now);
    return page;
  } catch {
    return null;
  }
}

/** Put the texts of a fetched page in place. */
export function texts(page) {
  for (const fresh of page.querySelectorAll("[data-live]")) {
    const held = document.querySelector(`[data-live="${CSS.escape(fresh.dataset.live)}"]`);
    if (held && !held.isEqualNode(fresh)) held.replaceWith(document.importNode(fresh, true));
  }
  for (const fresh of page.querySelectorAll("[data-from]")) {
    const held = document.querySelector(`[data-for="${fresh.dataset.for}"][data-step="${fresh.dataset.step}"]`);
    if (held) held.dataset.from = fresh.dataset.from;
  }
}

/** Put the questions of a fetched page in place of ours; what was open stays open. */
export function questions(page) {
  const held = document.getElementById("report");
  const fresh = page.getElementById("report");
  if (!held || !fresh) return;
  const open = new Set([...held.querySelectorAll("details[open][data-group]")].map((each) => each.dataset.group));
  const focused = document.activeElement?.id;
  const placed = document.importNode(fresh, true);
  for (const each of placed.querySelectorAll("details[data-group]")) each.open = open.has(each.dataset.group);
  held.replaceWith(placed);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

/** Ages that go on by themselves. */
export function ages() {
  for (const each of document.querySelectorAll("[data-ago]")) {
    const text = clock.ago(Date.parse(each.dataset.ago));
    if (each.textContent !== text) each.textContent = text;
  }
}
