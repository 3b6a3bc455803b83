/** Acknowledging an alert (kvittera): that somebody has taken it in, with a note, for a time. */

import { post, Refused } from "../lib/api.js";
import { attr, fill, h, icon, show, text } from "../lib/dom.js";
import { instant, now } from "../lib/clock.js";
import { t, word } from "../lib/i18n.js";
import { language } from "../lib/i18n.js";

const ROLES = ["tib", "stab", "krisledning"];
const HOURS = [1, 2, 4, 8, 12];
const USUAL = 4;
const NOTE_MOST = 1000;
/** How long it may take from the order to the alert that shows it, before somebody is told that it takes long. */
const PATIENCE = 10_000;

const remembered = { role: ROLES[0] };

export class AckForm {
  constructor(key) {
    this.key = key;
    this.id = null;
    this.sent = null;
    this.note = h("textarea", { id: "ack-note", rows: "2", maxlength: NOTE_MOST, autocomplete: "off" });
    this.noteLabel = h("label", { for: "ack-note" });
    this.hint = h("p", { id: "ack-hint", class: "where" });
    this.note.setAttribute("aria-describedby", "ack-hint");
    this.role = h(
      "select",
      { id: "ack-role" },
      ROLES.map((each) => h("option", { value: each })),
    );
    this.roleLabel = h("label", { for: "ack-role" });
    this.hours = h(
      "select",
      { id: "ack-hours" },
      HOURS.map((each) => h("option", { value: each, selected: each === USUAL })),
    );
    this.hoursLabel = h("label", { for: "ack-hours" });
    this.button = h("button", { type: "submit", class: "primary" });
    this.told = h("p", { class: "told", role: "status" });
    this.title = h("h3");
    this.node = h(
      "form",
      { class: "ack", novalidate: true, onsubmit: (event) => this.submit(event) },
      this.title,
      h("div", { class: "field" }, this.noteLabel, this.note, this.hint),
      h(
        "div",
        { class: "fields" },
        h("div", { class: "field" }, this.roleLabel, this.role),
        h("div", { class: "field" }, this.hoursLabel, this.hours),
      ),
      this.button,
      this.told,
    );
    this.role.value = remembered.role;
    this.spoken = null;
  }

  render(view, alert) {
    this.view = view;
    this.alert = alert;
    const may = alert !== null && alert.status === "firing" && mayAcknowledge(view.me);
    const own = alert?.acks.find((each) => each.code === view.me.area.code) ?? null;
    show(this.node, may && (own === null || this.sent !== null));
    if (!may) return;
    this.speak();
    if (this.sent === null) return;
    if (own !== null && instant(own.at) >= this.sent.asOf - 1000) {
      this.say(t("ack.done"), "done");
      this.sent = null;
      if (this.node.contains(document.activeElement)) this.node.closest(".detail")?.querySelector("h2").focus();
      show(this.node, false);
    } else if (performance.now() - this.sent.at > PATIENCE) {
      this.say(t("ack.slow"), "wait");
    }
  }

  speak() {
    if (this.spoken === language()) return;
    this.spoken = language();
    text(this.title, t("ack.title"));
    text(this.noteLabel, t("ack.note"));
    text(this.hint, t("ack.hint"));
    text(this.roleLabel, t("ack.role"));
    text(this.hoursLabel, t("ack.hours"));
    fill(this.button, icon("check"), t("ack.send"));
    for (const option of this.role.options) text(option, word("role", option.value));
    for (const option of this.hours.options) text(option, t("ack.hour", option.value));
  }

  say(words, kind) {
    text(this.told, words);
    attr(this.told, "class", `told ${kind}`);
  }

  async submit(event) {
    event.preventDefault();
    if (this.button.disabled || this.alert === null) return;
    const { alert, view } = this;
    // The same id for a retry of the same act: it counts once, however often it is sent.
    this.id ??= crypto.randomUUID();
    remembered.role = this.role.value;
    this.button.disabled = true;
    this.say(t("ack.sending"), "wait");
    try {
      await post("/v1/orders", {
        kind: "ack",
        id: this.id,
        area: alert.area.code,
        reality: view.reality,
        role: this.role.value,
        ...(this.note.value.trim() === "" ? {} : { note: this.note.value.trim() }),
        data: {
          key: alert.key,
          level: alert.level,
          until: new Date(now() + Number(this.hours.value) * 3_600_000).toISOString(),
        },
      });
      this.id = null;
      this.sent = { at: performance.now(), asOf: now() };
      this.say(t("ack.stored"), "wait");
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.say(refusal(error), "wrong");
    } finally {
      this.button.disabled = false;
    }
  }
}

/** Whether somebody may acknowledge at all: the staff of a level may. */
function mayAcknowledge(me) {
  return me.may.orders.includes("ack");
}

function refusal(error) {
  if (error.status === 0 || error.status === 503) return t("ack.away");
  if (error.status === 403) return t("ack.forbidden");
  if (error.status === 401) return t("ack.loggedOut");
  return t("ack.refused", error.message);
}
