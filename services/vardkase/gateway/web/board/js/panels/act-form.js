/** A form that gives an order. */

import { post, Refused } from "../lib/api.js";
import { now } from "../lib/clock.js";
import { attr, fill, h, icon, text } from "../lib/dom.js";
import { t, word } from "../lib/i18n.js";
import { choice, lacking } from "./act-fields.js";
import { ACTS } from "./act-kinds.js";

const ROLES = ["tib", "stab", "krisledning"];
/** ms from the order until somebody is told that it takes long to be seen. */
const PATIENCE = 10_000;

const remembered = { role: ROLES[0] };

export class ActForm {
  /** `given`: what the act is about; `done`: called once it is seen, or given up. */
  constructor(name, view, given, { stored, done }) {
    Object.assign(this, { name, view, stored, done });
    this.act = ACTS[name];
    this.given = given ?? this.act.given?.(view) ?? {};
    this.id = crypto.randomUUID();
    this.sent = null;
    this.told = h("p", { class: "told", role: "status" });
    this.lead = h("div", { class: "about" });
    this.role = choice(
      "act.role",
      ROLES.map((each) => [each, word("role", each)]),
      remembered.role,
    );
    this.fields = this.act.fields(view, this.given);
    this.button = h("button", { type: "submit", class: "primary" }, icon("check"), t(`act.${name}`));
    this.title = h("h3", { tabindex: "-1" }, t(`act.${name}`));
    this.again = h(
      "button",
      { type: "button", class: "plainbutton", hidden: true, onclick: () => this.refresh() },
      t("act.adoptAgain"),
    );
    this.node = h(
      "form",
      { class: "ack act", novalidate: true, "aria-label": t(`act.${name}`), onsubmit: (event) => this.submit(event) },
      this.title,
      this.lead,
      this.questions(),
      Object.entries(this.fields)
        .filter(([key]) => !key.startsWith("q"))
        .map(([, each]) => each.node),
      this.fields.questions && this.fields.questions.node,
      this.role.node,
      h(
        "div",
        { class: "buttons" },
        this.button,
        this.again,
        h("button", { type: "button", class: "plainbutton", onclick: () => this.done(false) }, t("act.cancel")),
      ),
      this.told,
    );
    this.sayLead();
  }

  /** The questions of a request, each with its answer. */
  questions() {
    const asked = this.given.request?.questions ?? [];
    return asked.map((question, at) => h("div", { class: "question" }, h("p", {}, question), this.fields[`q${at}`].node));
  }

  sayLead() {
    fill(this.lead, this.act.lead?.(this.view, this.given));
  }

  /** Adopt what there is now instead. */
  refresh() {
    this.given = this.act.given(this.view);
    this.id = crypto.randomUUID();
    this.again.hidden = true;
    this.sayLead();
    this.say("", "wait");
  }

  render(view) {
    this.view = view;
    if (this.sent === null) return;
    const { seen } = this.act;
    if (seen === null || seen(view, this.id, this.given, this.sent.asOf - 1000)) this.done(true);
    else if (performance.now() - this.sent.at > PATIENCE) this.say(t("act.slow"), "wait");
  }

  say(words, kind) {
    text(this.told, words);
    attr(this.told, "class", `told ${kind}`);
  }

  async submit(event) {
    event.preventDefault();
    if (this.button.disabled || lacking(this.fields, this.told)) return;
    const values = Object.fromEntries(Object.entries(this.fields).map(([key, each]) => [key, each.value()]));
    const { view } = this;
    const own = view.me.area.code;
    const { area, data } = this.act.order(values, view, this.given, this.id);
    remembered.role = this.role.value();
    this.button.disabled = true;
    this.say(t("act.sending"), "wait");
    try {
      await post("/v1/orders", {
        kind: this.act.kind,
        id: this.id,
        area,
        reality: view.reality,
        role: this.role.value(),
        ...(values.note ? { note: values.note } : {}),
        ...(this.name === "adopt" && area !== own ? { acting_for: area } : {}),
        data,
      });
      this.sent = { at: performance.now(), asOf: now() };
      this.say(t("act.stored"), "wait");
      this.stored();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.button.disabled = false;
      this.again.hidden = error.status !== 409;
      this.say(refusal(error), "wrong");
    }
  }
}

export function refusal(error) {
  if (error.status === 0 || error.status === 503) return t("act.away");
  if (error.status === 403) return t("act.forbidden");
  if (error.status === 401) return t("act.loggedOut");
  if (error.status === 409) return t("act.stale");
  return t("act.refused", error.message);
}
