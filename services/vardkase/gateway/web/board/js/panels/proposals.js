/** Who could help whom: proposals, asked for by a button; each kommun says yes to its own side. */

import { get, post, Refused } from "../lib/api.js";
import { attr, fill, h, text } from "../lib/dom.js";
import { clockTime, number } from "../lib/format.js";
import { t, word } from "../lib/i18n.js";

const MOST = 100;
const SIDES = ["need", "surplus"];

export class Proposals {
  constructor() {
    this.button = h("button", { type: "button", class: "more", onclick: () => this.ask() });
    this.told = h("p", { class: "told", role: "status" });
    this.list = h("ol", { class: "rows" });
    this.node = h("section", { class: "proposals" }, this.button, this.told, this.list);
    this.of = null;
  }

  render(view) {
    this.view = view;
    text(this.button, t("proposals.show"));
    const of = `${view.reality}/${view.area.code}`;
    if (of === this.of) return;
    this.of = of;
    fill(this.list);
    this.say("");
  }

  say(words, kind = "") {
    text(this.told, words);
    attr(this.told, "class", `told ${kind}`);
  }

  async ask() {
    const { reality, area } = this.view;
    this.button.disabled = true;
    this.say(t("loading"), "wait");
    try {
      const { matches } = await get(`/v1/needs?match=true&limit=1&${new URLSearchParams({ reality, code: area.code })}`);
      fill(
        this.list,
        matches.slice(0, MOST).map((each) => this.row(each)),
      );
      this.say(matches.length === 0 ? t("proposals.none") : t("proposals.some", number(matches.length)));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.say(error.message, "wrong");
    } finally {
      this.button.disabled = false;
    }
  }

  row(match) {
    const much = match.quantity === null ? "" : ` ${number(match.quantity)} ${match.unit ?? ""}`;
    const told = h("span", { class: "told", role: "status" });
    const way = match.late ? "proposals.late" : "proposals.by";
    const when = match.arrives_at === null ? "" : t(way, clockTime(match.arrives_at));
    const buttons = SIDES.filter((side) => !match.accepted.includes(side) && this.mayAccept(match[side].point)).map(
      (side) =>
        h(
          "button",
          { type: "button", class: "primary", onclick: (event) => this.accept(match, side, event.currentTarget, told) },
          t(`proposals.accept.${side}`),
        ),
    );
    if (buttons.length === 0 && match.accepted.length === 0 && this.view.me.may.orders.includes("note"))
      buttons.push(
        h(
          "button",
          { type: "button", class: "primary", onclick: (event) => this.pass(match, event.currentTarget, told) },
          t("proposals.pass"),
        ),
      );
    return h(
      "li",
      { class: "row need" },
      h(
        "div",
        { class: "what" },
        h("strong", {}, `${word("need", match.kind)}${much}`),
        h("div", {}, `${this.where(match.surplus.point)} → ${this.where(match.need.point)}`),
        h(
          "div",
          { class: "beside" },
          h("span", { class: "where" }, `${t("proposals.km", number(Math.round(match.km)))} ${when}`),
          match.accepted.map((side) => h("span", { class: "tag" }, t(`proposals.accepted.${side}`))),
        ),
        buttons,
        told,
      ),
    );
  }

  where(point) {
    const kommun = this.view.kommunName(point.slice(0, 4));
    const { needs, surplus } = this.view.needs ?? { needs: [], surplus: [] };
    const name = [...needs, ...surplus].find((each) => each.point === point)?.name ?? point;
    return point.endsWith("-_") ? kommun : `${name}, ${kommun}`;
  }

  /** Whether somebody may report of a point: it is for its own kommun to say yes. */
  mayAccept(point) {
    const { me } = this.view;
    return me.may.report && (me.area.level !== "kommun" || me.area.code === point.slice(0, 4));
  }

  async accept(match, side, button, told) {
    const own = match[side];
    const { point, need_id } = match[side === "need" ? "surplus" : "need"];
    await this.send(button, told, t("proposals.done"), () =>
      post("/v1/needs/accept", {
        ...own,
        counterpart: { point, need_id },
        reality: this.view.reality,
        ...(match.quantity === null ? {} : { quantity: match.quantity }),
      }),
    );
  }

  /** A level above passes a proposal on: a note to each of the two kommuner, who decide. */
  async pass(match, button, told) {
    const { me, reality } = this.view;
    const much = match.quantity === null ? "" : ` ${match.quantity} ${match.unit ?? ""}`;
    const { need, surplus } = match;
    const ways = `${surplus.point} (${surplus.need_id}) → ${need.point} (${need.need_id})`;
    const note = `${t("proposals.note")}: ${word("need", match.kind)}${much}, ${ways}.`;
    const role = me.area.level === "lan" ? "tib" : "stab";
    const kommuner = [...new Set([need.point.slice(0, 4), surplus.point.slice(0, 4)])];
    match.ids ??= kommuner.map(() => crypto.randomUUID());
    await this.send(button, told, t("proposals.passed"), async () => {
      for (const [at, area] of kommuner.entries())
        await post("/v1/orders", { kind: "note", id: match.ids[at], area, reality, role, note });
    });
  }

  async send(button, told, done, act) {
    button.disabled = true;
    text(told, t("loading"));
    try {
      await act();
      text(told, done);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      text(told, error.message);
      button.disabled = false;
    }
  }
}
