/** The board as a whole: which panel stands where, and what is shown of it. */

import { attr, fill, h, icon, show, text } from "./lib/dom.js";
import { language, t } from "./lib/i18n.js";
import { address, href, PARTS, TABS } from "./lib/url.js";
import { CountryMap, legend } from "./map/map.js";
import { Acts } from "./panels/acts.js";
import { AlertList } from "./panels/alerts.js";
import { Areas } from "./panels/areas.js";
import { Banners } from "./panels/banners.js";
import { Coverage } from "./panels/coverage.js";
import { Detail } from "./panels/detail.js";
import { Events } from "./panels/events.js";
import { Figures } from "./panels/figures.js";
import { Filters } from "./panels/filters.js";
import { Foot, Frame } from "./panels/frame.js";
import { Needs } from "./panels/needs.js";
import { Panel } from "./panels/pieces.js";
import { Points } from "./panels/points.js";
import { Report } from "./panels/report.js";
import { ShortList } from "./panels/short.js";

const PART_ICONS = { karta: "map", slut: "clock", larm: "warning", mer: "board" };

export class Board {
  constructor(outlines, mayRead) {
    this.outlines = outlines;
    this.frame = new Frame();
    this.foot = new Foot();
    this.banners = new Banners();
    this.coverage = new Coverage();
    this.figures = new Figures();
    this.filters = new Filters();
    this.map = new CountryMap(outlines, mayRead);
    this.short = new ShortList();
    this.alerts = new AlertList();
    this.tabs = {
      omraden: new Areas(),
      punkter: new Points(),
      behov: new Needs(),
      handelser: new Events(),
      atgarder: new Acts(),
    };
    this.detail = new Detail();
    this.report = new Report();
    this.broken = new Set();
    this.fault = h("p", { class: "banner fault", role: "alert", hidden: true });
    this.news = h("p", { class: "unseen", "aria-live": "polite" });
    this.legend = h("div", { class: "legendary" });
    this.mapPanel = new Panel("karta", [this.map.node, this.legend]);
    this.shortPanel = new Panel("slut", this.short.node, this.short.jumps);
    this.alertPanel = new Panel("larm", this.alerts.node, this.alerts.counts);
    this.tabList = h("nav", { class: "tabs" });
    this.tabBody = h(
      "div",
      { class: "tabbody" },
      Object.values(this.tabs).map((each) => each.node),
    );
    this.more = h("section", { id: "mer", class: "panel" }, this.tabList, this.tabBody);
    this.parts = h("nav", { class: "parts" });
    this.main = h(
      "main",
      { id: "main", tabindex: "-1" },
      h("div", { class: "summary" }, this.coverage.node, this.figures.node),
      this.filters.node,
      h(
        "div",
        { class: "columns" },
        this.mapPanel.node,
        this.shortPanel.node,
        this.more,
        this.alertPanel.node,
        this.detail.node,
      ),
    );
    this.node = h(
      "div",
      { class: "board" },
      this.frame.node,
      this.fault,
      this.banners.node,
      this.main,
      this.foot.node,
      this.parts,
      this.news,
      this.report.node,
    );
    this.spoken = null;
    this.known = null;
  }

  /** Show what there is. */
  render(view, store) {
    this.view = view;
    const chosen = address();
    document.body.dataset.view = chosen.view === "" ? "board" : chosen.view;
    document.body.dataset.part = chosen.part;
    document.body.dataset.level = view.area.level;
    this.speak(view);
    const parts = { frame: this.frame, banners: this.banners, coverage: this.coverage, figures: this.figures };
    Object.assign(parts, { filters: this.filters, map: this.map, short: this.short, alerts: this.alerts });
    for (const [name, part] of Object.entries(parts)) this.guarded(name, () => part.render(view, store));
    const open = tabOf(chosen, view);
    for (const [name, tab] of Object.entries(this.tabs)) {
      show(tab.node, name === open);
      if (name === open) this.guarded(name, () => tab.render(view));
    }
    this.sayTabs(chosen, open, view);
    this.guarded("detail", () => this.detail.render(view));
    if (chosen.view === "rapport") this.guarded("report", () => this.report.render(view));
    this.tellNews(view);
    attr(this.main, "aria-busy", view.situation.whole ? null : "true");
  }

  /** Show a part. One that fails says so at the top, and takes no other with it. */
  guarded(name, render) {
    try {
      render();
      if (this.broken.delete(name)) this.sayBroken();
    } catch (error) {
      console.error(`the part ${name} cannot be shown`, error);
      this.broken.add(name);
      this.sayBroken();
    }
  }

  sayBroken() {
    show(this.fault, this.broken.size > 0);
    text(this.fault, t("frame.broken", [...this.broken].join(", ")));
  }

  /** What the clock changes, beside ages and countdowns. */
  tick() {
    this.frame.tick();
    this.banners.tick();
  }

  beforePrint() {
    if (this.view) this.report.render(this.view);
  }

  speak(view) {
    document.title = `${view.reality === "act" ? "" : `${t(`reality.${view.reality}`).toLocaleUpperCase("sv")} · `}${view.area.name} · Vårdkase`;
    if (this.spoken === language()) return;
    this.spoken = language();
    this.map.speak();
    this.foot.speak();
    fill(this.legend, legend());
    text(this.mapPanel.title, t("map.title"));
    text(this.shortPanel.title, t("short.title"));
    text(this.alertPanel.title, t("alerts.title"));
    const skip = document.querySelector(".skip");
    text(skip, t("frame.skip"));
  }

  sayTabs(chosen, open, view) {
    const said = `${JSON.stringify(chosen)}${open}${language()}`;
    if (this.tabList.dataset.said === said) return;
    this.tabList.dataset.said = said;
    const bar = (node, names, field, current, label, mark) => {
      attr(node, "aria-label", t("frame.parts"));
      const before = node.querySelector(":focus")?.dataset.name;
      fill(
        node,
        names.map((each) =>
          h(
            "a",
            {
              href: href({ [field]: each, ...(field === "part" ? { point: null, alert: null } : {}) }),
              "data-name": each,
              "aria-current": each === current ? "true" : null,
            },
            mark(each),
            h("span", {}, label(each)),
          ),
        ),
      );
      node.querySelector(`[data-name="${before}"]`)?.focus();
    };
    bar(
      this.tabList,
      tabsOf(view),
      "tab",
      open,
      (each) => t(`tabs.${each}`),
      () => null,
    );
    bar(
      this.parts,
      PARTS,
      "part",
      chosen.part,
      (each) => t(`parts.${each}`),
      (each) => icon(PART_ICONS[each]),
    );
  }

  /** New critical alerts are said to who hears the page read; what was there before is not. */
  tellNews({ situation, alerts }) {
    if (!situation.whole) return;
    const critical = new Set(
      alerts.rows
        .filter(({ alert, quiet }) => alert.level === "critical" && quiet === null)
        .map(({ alert }) => alert.key),
    );
    if (this.known?.situation === situation) {
      const fresh = [...critical].filter((key) => !this.known.critical.has(key));
      if (fresh.length > 0) {
        const first = situation.alerts.get(fresh[0]);
        text(this.news, fresh.length === 1 ? first.text[language()] : t("alerts.news", fresh.length));
      }
    }
    this.known = { situation, critical };
  }
}

/** A kommun has no areas inside. */
function tabsOf({ area }) {
  return area.level === "kommun" ? TABS.filter((each) => each !== "omraden") : TABS;
}

function tabOf({ tab }, view) {
  const tabs = tabsOf(view);
  return tabs.includes(tab) ? tab : tabs[0];
}
