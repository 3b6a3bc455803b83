/** What must not be missed, across the page: that it is an exercise, real alerts meanwhile, a lost connection. */

import { attr, fill, h, icon, show } from "../lib/dom.js";
import { now } from "../lib/clock.js";
import { clockTime, duration, number } from "../lib/format.js";
import { language, t, word } from "../lib/i18n.js";
import { href } from "../lib/url.js";
import { LEVEL_RANK } from "../model/looks.js";
import { connectionOf } from "../model/health.js";
import { sayingOf } from "./alerts.js";
import { Exercises } from "./exercises.js";

const NAMED = 3;
/** ms that the real alerts may be out of hearing before it is said. */
const GRACE = 5_000;

export class Banners {
  constructor() {
    this.world = h("p", { class: "banner world" });
    this.real = h("div", { class: "banner real", role: "alert" });
    this.lost = h("p", { class: "banner lost", role: "alert" });
    this.exercises = new Exercises();
    this.node = h("div", { class: "banners" }, this.exercises.aborted, this.real, this.world, this.exercises.nodes, this.lost);
    this.said = { world: "", real: "", lost: "" };
  }

  render(view, store) {
    this.store = store;
    this.picture = view.picture;
    this.exercises.render(view, store, now());
    this.sayWorld(view);
    this.tick();
  }

  /** What the clock changes. */
  tick() {
    if (!this.store) return;
    this.sayReal(this.store.real);
    const health = connectionOf(this.store);
    show(this.lost, health.loud);
    if (!health.loud) return;
    const old = this.picture === null ? null : duration((this.store.feed?.silent ?? 0) * 1000);
    const words = health.name === "unready" ? t("health.unreadyLong", health.detail) : t("health.lostLong", old);
    if (this.said.lost !== words) {
      this.said.lost = words;
      fill(this.lost, icon("warning"), h("span", {}, words));
    }
  }

  sayWorld({ reality }) {
    show(this.world, reality !== "act");
    document.body.dataset.reality = reality;
    const told = reality === "exe" && this.exercises.isAborted ? "exeAborted" : reality;
    const words = reality === "act" ? "" : t(`banner.${told}`);
    if (this.said.world === words) return;
    this.said.world = words;
    fill(
      this.world,
      reality !== "act" && [h("strong", {}, word("reality", reality).toLocaleUpperCase("sv")), h("span", {}, words)],
    );
  }

  /** Real alerts break through whatever exercise is shown. */
  sayReal(real) {
    const alerts = [...(real?.alerts.values() ?? [])].filter((each) => each.inhibited_by === null);
    const worst = alerts.sort(
      (a, b) => LEVEL_RANK[a.level] - LEVEL_RANK[b.level] || (a.raised_at < b.raised_at ? 1 : -1),
    );
    const deaf = real !== null && (real.refused || (!real.heard && performance.now() - real.since > GRACE));
    show(this.real, worst.length > 0 || deaf);
    attr(this.real, "class", `banner real ${worst[0]?.level ?? "none"}`);
    const said = JSON.stringify([
      worst.slice(0, NAMED).map((each) => [each.key, each.level]),
      worst.length,
      deaf,
      real?.refused,
      language(),
    ]);
    if (this.said.real === said) return;
    this.said.real = said;
    if (worst.length === 0) {
      fill(this.real, deaf && h("p", {}, icon("warning"), t(real.refused ? "banner.realRefused" : "banner.realDeaf")));
      return;
    }
    fill(
      this.real,
      h("p", {}, icon(worst[0].level), h("strong", {}, t("banner.real", number(worst.length)))),
      h(
        "ul",
        {},
        worst
          .slice(0, NAMED)
          .map((each) =>
            h(
              "li",
              {},
              h(
                "a",
                { href: href({ reality: "act", alert: each.key, point: null }) },
                `${word("level", each.level)}: ${each.point?.name ?? each.point?.id ?? each.area.name}: ${sayingOf(each)}`,
              ),
              h("span", {}, ` ${t("alert.from", clockTime(each.raised_at))}`),
            ),
          ),
      ),
      h("a", { class: "toreal", href: href({ reality: "act", alert: null, point: null }) }, t("banner.toReal")),
    );
  }
}
