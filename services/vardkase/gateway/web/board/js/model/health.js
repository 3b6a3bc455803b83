/** How much what is shown can be trusted right now: the connection, the node, and the age of the picture. */

import { t } from "../lib/i18n.js";
import { duration } from "../lib/format.js";

/** Seconds without anything heard, from which the connection is doubted: two heartbeats and a little. */
const DOUBT = 35;
/** Seconds that a break may last before the page makes much of it. */
const GRACE = 4;

/** `{ name, label, detail, loud }`: `good`, `waiting`, `doubt`, `lost` or `unready`. `loud`: worth a banner. */
export function connectionOf({ connection, situation, unready, feed }) {
  const since = performance.now() - connection.since;
  const silent = feed?.silent ?? 0;
  const heard = t("health.heard", duration(silent * 1000));
  if (connection.name === "lost") {
    return {
      name: "lost",
      label: t("health.lost", duration(silent * 1000)),
      detail: heard,
      loud: since > GRACE * 1000,
    };
  }
  if (!situation?.whole) return { name: "waiting", label: t("health.waiting"), detail: heard, loud: false };
  if (silent > DOUBT)
    return { name: "doubt", label: t("health.doubt", duration(silent * 1000)), detail: heard, loud: true };
  if (unready !== null) return { name: "unready", label: t("health.unready"), detail: unready, loud: true };
  return { name: "good", label: t("health.good"), detail: heard, loud: false };
}
