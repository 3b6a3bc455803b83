/** What people have said and done beside the sums: adopted, requested, annotated, decided; and the forms for more. */

import { post, Refused } from "../lib/api.js";
import { now } from "../lib/clock.js";
import { attr, fill, h, icon, show, text } from "../lib/dom.js";
import { clockTime } from "../lib/format.js";
import { language, t, word } from "../lib/i18n.js";
import { Given, inForce, kindOf } from "../model/given.js";
import { ActForm, refusal } from "./act-form.js";
import { offered } from "./act-kinds.js";

const HISTORY = 30;

export class Acts {
  constructor() {
    this.given = new Given();
    this.buttons = h("div", { class: "actbar", role: "group" });
    this.place = h("div");
    this.told = h("p", { class: "told", role: "status" });
    this.lists = h("div");
    this.node = h(
      "div",
      { class: "scroll acts", tabindex: "0", role: "group" },
      this.buttons,
      this.place,
      this.told,
      this.lists,
    );
    this.form = null;
    this.said = "";
    this.offers = "";
    this.of = "";
  }

  render(view) {
    this.view = view;
    attr(this.node, "aria-label", t("acts.title"));
    this.given.ask(view);
    const of = `${view.area.code} ${view.reality}`;
    if (this.of !== of) {
      this.of = of;
      this.close();
      text(this.told, "");
    }
    this.sayButtons(view);
    this.form?.render(view);
    const { picture } = view;
    const { orders, failed } = this.given;
    const said = JSON.stringify([
      picture && [picture.version, picture.adopted, picture.requests, picture.notes],
      orders?.length,
      orders?.[0]?.id,
      failed,
      language(),
      Math.floor(now() / 60_000),
    ]);
    if (said === this.said) return;
    this.said = said;
    const focused = this.lists.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
    fill(
      this.lists,
      picture === null ? h("p", { class: "none" }, t("loading")) : this.adopted(view),
      this.requests(view),
      this.notes(view),
      this.running(view),
      this.history(view),
    );
    if (focused) this.lists.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  sayButtons(view) {
    const names = offered(view);
    const offers = `${names.join()}${language()}`;
    if (this.offers === offers) return;
    this.offers = offers;
    attr(this.buttons, "aria-label", t("acts.title"));
    show(this.buttons, names.length > 0);
    fill(
      this.buttons,
      names.map((name) =>
        h(
          "button",
          { type: "button", class: "plainbutton", "data-act": name, onclick: () => this.open(name) },
          t(`act.${name}`),
        ),
      ),
    );
  }

  open(name, given = null) {
    this.opener = document.activeElement;
    text(this.told, "");
    this.form = new ActForm(name, this.view, given, {
      stored: () => this.given.ask(this.view, { hurry: true }),
      done: (seen) => this.close(seen),
    });
    fill(this.place, this.form.node);
    this.form.title.focus();
  }

  close(seen = false) {
    if (this.form === null) return;
    const had = this.place.contains(document.activeElement);
    this.form = null;
    fill(this.place);
    if (seen) {
      text(this.told, t("act.done"));
      attr(this.told, "class", "told done");
      this.given.ask(this.view, { hurry: true });
    }
    if (had && this.opener?.isConnected) this.opener.focus();
    else if (had) this.node.focus();
  }

  // -- what there is -------------------------------------------------------------------------------------------------

  adopted({ picture, area, reality }) {
    const { adopted } = picture;
    if (adopted === null) return h("p", { class: "adopted none" }, t("acts.never"));
    const same = adopted.version === picture.version;
    const words = [clockTime(adopted.at), word("role", adopted.by.role)];
    const path = `/v1/pictures/${area.level}/${area.code}/adopted/${adopted.version}?reality=${reality}`;
    return h(
      "div",
      { class: "adopted" },
      h("p", {}, icon("check"), h("strong", {}, t(same ? "acts.adopted" : "acts.adoptedThen", ...words))),
      adopted.note && h("p", { class: "note" }, adopted.note),
      adopted.sha256 && h("p", {}, h("a", { href: path, target: "_blank", rel: "noopener" }, t("acts.open"))),
    );
  }

  requests(view) {
    const requests = view.picture?.requests ?? [];
    if (requests.length === 0) return null;
    return section("acts.requests", requests.map((each) => this.request(each, view)));
  }

  request(each, view) {
    const own = view.me.area;
    const waits = ["open", "reminded", "overdue"].includes(each.state);
    const mine = each.by.code === own.code && each.by.level === own.level;
    const asked = own.level === "kommun" && view.area.code === own.code && each.missing.includes(own.code);
    const title = each.note ?? t("act.request");
    return h(
      "li",
      { class: `row act s-${each.state}` },
      h(
        "div",
        { class: "what" },
        h("strong", {}, title),
        h("p", { class: "where" }, t("acts.by", whom(each.by, view), clockTime(each.deadline))),
        h("p", {}, `${t("acts.answered", each.answered, each.asked)} · ${t("acts.state", each.state)}`),
        each.missing.length > 0 && view.area.level !== "kommun" && waits
          ? h("p", { class: "where" }, t("acts.missing", each.missing.map(view.kommunName).join(", ")))
          : null,
        each.questions.length > 0 && h("ul", { class: "questions" }, each.questions.map((said) => h("li", {}, said))),
      ),
      h(
        "div",
        { class: "when" },
        asked &&
          view.me.may.orders.includes("note") &&
          waits &&
          button("acts.answer", t("acts.answerNamed", title), `answer ${each.id}`, () =>
            this.open("answer", { request: each }),
          ),
        mine &&
          waits &&
          view.me.may.orders.includes("report_request") &&
          button("acts.withdraw", t("acts.withdrawNamed", title), `withdraw ${each.id}`, () => this.withdraw(each)),
      ),
    );
  }

  notes(view) {
    const notes = view.picture?.notes ?? [];
    if (notes.length === 0) return null;
    return section(
      "acts.notes",
      notes.map((each) =>
        h(
          "li",
          { class: "row act" },
          h("div", { class: "what" }, h("p", { class: "note" }, each.note), h("p", { class: "where" }, whom(each.by, view))),
          h("div", { class: "when" }, h("time", { class: "at", datetime: each.at }, clockTime(each.at))),
        ),
      ),
    );
  }

  /** Silences and incidents of one's own area, with a button that ends each. */
  running(view) {
    const { orders } = this.given;
    if (orders === null) return null;
    const rows = ["incident", "silence"].flatMap((kind) =>
      inForce(orders, kind, view.me.area.code).map((order) => this.runs(kind, order, view)),
    );
    return rows.length === 0 ? null : h("ol", { class: "rows running" }, rows);
  }

  runs(kind, order, view) {
    const { id, subject, data } = order;
    const what =
      kind === "incident"
        ? data.name
        : `${data.matcher.rule ? word("rule", data.matcher.rule) : t("acts.allAlerts")}, ${data.matcher.point ?? nameOf(data.matcher.area ?? subject, view)}`;
    return h(
      "li",
      { class: "row act" },
      h(
        "div",
        { class: "what" },
        h("strong", {}, `${t("acts.kind", kind)}: ${what}`),
        h("p", { class: "where" }, data.until ? t("acts.until", clockTime(data.until)) : t("acts.untilFurther")),
        data.note && h("p", { class: "note" }, data.note),
      ),
      h(
        "div",
        { class: "when" },
        kind === "incident" &&
          subject === view.area.code &&
          view.me.may.orders.includes(kind) &&
          button("acts.change", t("acts.changeNamed", what), `change ${data.id}`, () => this.open("change", { order })),
        view.me.may.orders.includes(kind) &&
          button("acts.end", t("acts.endNamed", what), `end ${data.id ?? id}`, () => this.end(kind, id, subject, data)),
      ),
    );
  }

  history(view) {
    const { orders, failed, complete } = this.given;
    if (orders === null) return failed ? h("p", { class: "none" }, t("acts.failed")) : null;
    const { picture } = view;
    const nothing = orders.length === 0 && !picture?.requests?.length && !picture?.notes?.length;
    if (nothing) return h("p", { class: "none" }, t("acts.nothing"));
    if (orders.length === 0) return null;
    const rows = orders.slice(0, HISTORY).map((each) =>
      h(
        "li",
        { class: "row event" },
        h("time", { class: "at", datetime: each.time }, clockTime(each.time)),
        h(
          "div",
          { class: "what" },
          `${whom(each.data.by, view)}: ${t("acts.kind", kindOf(each))}, ${nameOf(each.subject, view)}`,
          each.data.note && h("span", { class: "where note" }, ` ${each.data.note}`),
          each.data.answers?.length > 0 &&
            h(
              "ol",
              { class: "questions" },
              each.data.answers.map((said) => h("li", {}, said || "–")),
            ),
        ),
      ),
    );
    return h(
      "section",
      {},
      h("h3", {}, t("acts.given")),
      h("ol", { class: "rows" }, rows),
      !complete && h("p", { class: "where" }, t("acts.older")),
    );
  }

  // -- what is ended with a button -----------------------------------------------------------------------------------

  withdraw({ id, by, areas, questions, deadline }) {
    const data = { id, areas, questions, deadline, withdrawn: true };
    return this.give("report_request", this.view.area.code, by.role, data);
  }

  end(kind, order, subject, data) {
    const { by, note, ...rest } = data;
    return this.give(kind, subject, by.role, { ...rest, id: data.id ?? order, until: new Date(now()).toISOString() });
  }

  async give(kind, area, role, data) {
    const { reality } = this.view;
    text(this.told, t("act.sending"));
    attr(this.told, "class", "told wait");
    try {
      await post("/v1/orders", { kind, id: crypto.randomUUID(), area, reality, role, data });
      text(this.told, t("act.done"));
      attr(this.told, "class", "told done");
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      text(this.told, refusal(error));
      attr(this.told, "class", "told wrong");
    }
    this.given.ask(this.view, { hurry: true });
  }
}

function section(key, rows) {
  return h("section", {}, h("h3", {}, t(key)), h("ol", { class: "rows" }, rows));
}

function button(key, label, name, onclick) {
  return h("button", { type: "button", class: "plainbutton", "aria-label": label, "data-key": name, onclick }, t(key));
}

function whom({ role, code }, view) {
  return t("acts.whom", word("role", role), nameOf(code, view));
}

function nameOf(code, { outlines }) {
  return outlines.area(code)?.name ?? code;
}
