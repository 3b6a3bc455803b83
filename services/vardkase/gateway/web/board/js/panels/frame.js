/** The top of the page: where and in which world one is, how things stand with the connection, and the switches. */

import { post } from "../lib/api.js";
import { attr, fill, h, icon, show, text } from "../lib/dom.js";
import { clockSeconds } from "../lib/format.js";
import { driven, now } from "../lib/clock.js";
import { language, t, word } from "../lib/i18n.js";
import { otherTheme, theme } from "../lib/theming.js";
import { address, href } from "../lib/url.js";
import { connectionOf } from "../model/health.js";
import { store } from "../model/store.js";

export class Frame {
  constructor() {
    this.crumbs = h("nav", { class: "crumbs" });
    this.reality = h("nav", { class: "realities" });
    this.dot = h("span", { class: "dot" });
    this.state = h("span", { class: "state" });
    this.time = h("span", { class: "clock" });
    this.connection = h("p", { class: "connection" }, this.dot, this.state, this.time);
    this.tools = h("nav", { class: "tools" });
    this.node = h(
      "header",
      { class: "top" },
      h("a", { class: "brand", href: "/", "aria-label": "Vårdkase" }, icon("brand"), h("span", {}, "Vårdkase")),
      this.crumbs,
      this.reality,
      this.connection,
      this.tools,
    );
    this.said = "";
  }

  render(view, store) {
    const { area, reality, me } = view;
    const chosen = address();
    this.store = store;
    this.tick();
    const said = JSON.stringify([area.code, reality, chosen, language(), theme(), me.realities, me.area]);
    if (said === this.said) return;
    this.said = said;
    this.sayWhere(view, me);
    this.sayWorlds(reality, me);
    this.sayTools(chosen);
  }

  /** What the clock changes. */
  tick() {
    if (!this.store) return;
    const { name, label, detail } = connectionOf(this.store);
    attr(this.connection, "class", `connection ${name}`);
    attr(this.connection, "title", detail);
    text(this.state, label);
    text(this.time, clockSeconds(now()));
    attr(this.time, "title", t(driven() ? "frame.driven" : "frame.clock"));
  }

  sayWhere({ area, outlines }, me) {
    attr(this.crumbs, "aria-label", t("frame.where"));
    const around = outlines.around(area);
    const from = around.findIndex((each) => each.code === me.area.code);
    const open = around.slice(Math.max(0, from));
    fill(
      this.crumbs,
      h(
        "ol",
        {},
        open.map((each, at) =>
          h(
            "li",
            {},
            at === open.length - 1
              ? h("h1", { "aria-current": "page" }, each.name)
              : h("a", { href: href({ area: each.code, point: null, alert: null }) }, each.name),
          ),
        ),
      ),
    );
  }

  sayWorlds(reality, me) {
    attr(this.reality, "aria-label", t("frame.worlds"));
    fill(
      this.reality,
      me.realities.map((each) =>
        h(
          "a",
          {
            class: `world ${each}`,
            href: href({ reality: each, point: null, alert: null }),
            "aria-current": each === reality ? "true" : null,
          },
          word("reality", each),
        ),
      ),
    );
  }

  sayTools(chosen) {
    attr(this.tools, "aria-label", t("frame.tools"));
    const link = (name, label, target, words = null) =>
      h(
        "a",
        { class: "tool", href: target, title: label, "aria-label": words === null ? label : null },
        icon(name),
        words && h("span", {}, words),
      );
    const wall = chosen.view === "vagg";
    const other = language() === "sv" ? "en" : "sv";
    fill(
      this.tools,
      link("report", t("frame.report"), href({ view: "rapport" }), t("frame.report")),
      link(wall ? "board" : "wall", t(wall ? "frame.board" : "frame.wall"), href({ view: wall ? "" : "vagg" })),
      h(
        "a",
        { class: "tool words", href: href({ language: other }), hreflang: other, lang: other, title: t("frame.other") },
        t("frame.otherShort"),
      ),
      link(
        theme() === "morkt" ? "sun" : "moon",
        t(theme() === "morkt" ? "frame.light" : "frame.dark"),
        href({ theme: otherTheme() }),
      ),
      h(
        "button",
        { type: "button", class: "tool", title: t("frame.leave"), "aria-label": t("frame.leave"), onclick: leave },
        icon("leave"),
      ),
    );
  }
}

async function leave() {
  store.feed?.end();
  await post("/logout", {});
  window.location.assign("/");
}

/** The bottom of the page: what the law asks for, and where the map comes from. */
export class Foot {
  constructor() {
    this.node = h("footer", { class: "foot" });
  }

  speak() {
    const english = language() === "en";
    fill(
      this.node,
      h(
        "a",
        { href: english ? "/tillganglighet?sprak=en" : "/tillganglighet", target: "_self" },
        t("frame.accessibility"),
      ),
      h("a", { href: "/kommun", target: "_self" }, t("frame.desk")),
      h("a", { href: "/overlamning", target: "_self" }, t("frame.handover")),
    );
    show(this.node, true);
  }
}
