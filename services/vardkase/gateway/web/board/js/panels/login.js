/** The way in: a token is pasted once, and becomes a session of this browser. */

import { post, Refused } from "../lib/api.js";
import { attr, fill, h, icon, text } from "../lib/dom.js";
import { t } from "../lib/i18n.js";

export class Login {
  /** @param entered is given what `/v1/me` says. */
  constructor(entered) {
    this.entered = entered;
    this.token = h("input", {
      id: "token",
      name: "token",
      type: "password",
      autocomplete: "current-password",
      required: true,
      spellcheck: "false",
      "aria-describedby": "token-hint token-wrong",
    });
    this.wrong = h("p", { id: "token-wrong", class: "told wrong", role: "alert" });
    this.button = h("button", { type: "submit", class: "primary" });
    this.node = h("main", { id: "main", class: "login", tabindex: "-1" });
  }

  /** Show it. `why`: a key of what to say first, as that a session has ended. */
  render(why = null) {
    const form = h(
      "form",
      { method: "post", action: "/login", novalidate: true, onsubmit: (event) => this.submit(event) },
      h("h1", {}, icon("brand"), "Vårdkase"),
      h("p", {}, t("login.what")),
      why && h("p", { class: "told" }, t(why)),
      h(
        "div",
        { class: "field" },
        h("input", { type: "text", name: "username", autocomplete: "username", value: "vardkase", hidden: true }),
        h("label", { for: "token" }, t("login.token")),
        this.token,
        h("p", { id: "token-hint", class: "where" }, t("login.hint")),
      ),
      this.wrong,
      this.button,
      h(
        "p",
        { class: "where" },
        h("a", { href: "/publik", target: "_self" }, t("login.public")),
        " · ",
        h("a", { href: "/tillganglighet", target: "_self" }, t("frame.accessibility")),
      ),
    );
    text(this.button, t("login.enter"));
    document.title = t("login.title");
    fill(this.node, form);
    this.token.focus();
  }

  async submit(event) {
    event.preventDefault();
    const token = this.token.value.trim();
    if (token === "") {
      this.fault(t("login.empty"));
      return;
    }
    this.button.disabled = true;
    text(this.wrong, "");
    try {
      const me = await post("/login", { token });
      this.token.value = "";
      this.entered(me);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.fault(faultOf(error));
    } finally {
      this.button.disabled = false;
    }
  }

  fault(words) {
    text(this.wrong, words);
    attr(this.token, "aria-invalid", "true");
    this.token.focus();
    this.token.select();
  }
}

function faultOf({ status, retryAfter }) {
  if (status === 401) return t("login.wrong");
  if (status === 403) return t("login.forbidden");
  if (status === 429) return t("login.often", retryAfter ?? 60);
  return t("login.away");
}
