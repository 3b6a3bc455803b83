/** What is looked for: by condition, age, marks and words. All of it stands in the address. */

import { attr, fill, h, icon, show, text } from "../lib/dom.js";
import { number } from "../lib/format.js";
import { language, t, word } from "../lib/i18n.js";
import { address, CONDITIONS, FRESHNESSES, go, MARKS } from "../lib/url.js";

const TYPING = 250;
const FAMILIES = {
  condition: {
    words: CONDITIONS,
    label: (each) => word("condition", each),
    icon: (each) => (each === "not_applicable" ? "closed" : each),
  },
  freshness: { words: FRESHNESSES, label: (each) => word("freshness", each), icon: () => null },
  mark: { words: MARKS, label: (each) => t(`mark.${each}`), icon: (each) => each },
};

export class Filters {
  constructor() {
    this.search = h("input", {
      type: "search",
      id: "search",
      autocomplete: "off",
      spellcheck: "false",
      maxlength: "80",
    });
    this.search.addEventListener("input", () => {
      window.clearTimeout(this.timer);
      this.timer = window.setTimeout(() => go({ search: this.search.value }, { replace: true }), TYPING);
    });
    this.label = h("label", { for: "search", class: "unseen" });
    this.groups = h("div", { class: "groups" });
    this.found = h("p", { class: "found", role: "status" });
    this.clear = h("button", { type: "button", class: "tool", onclick: () => this.empty() });
    this.summary = h("summary");
    this.folded = h("details", { class: "filters" }, this.summary, this.groups);
    this.node = h(
      "div",
      { class: "filterbar", role: "search" },
      h("div", { class: "searchfield" }, icon("search"), this.label, this.search),
      this.folded,
      this.found,
      this.clear,
    );
    this.folded.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.folded.open) return;
      event.preventDefault();
      this.folded.open = false;
      this.summary.focus();
    });
    document.addEventListener("pointerdown", (event) => {
      if (this.folded.open && !this.folded.contains(event.target)) this.folded.open = false;
    });
    this.said = "";
  }

  render(view) {
    const chosen = address();
    if (document.activeElement !== this.search && this.search.value !== chosen.search)
      this.search.value = chosen.search;
    const count = view.found?.length ?? null;
    text(
      this.found,
      view.filtered
        ? count === null
          ? t("filters.some", number(view.short.rows.length))
          : t("filters.found", number(count))
        : "",
    );
    show(this.clear, view.filtered);
    const said = JSON.stringify([chosen, language()]);
    if (said === this.said) return;
    this.said = said;
    attr(this.node, "aria-label", t("filters.title"));
    text(this.label, t("filters.search"));
    attr(this.search, "placeholder", t("filters.search"));
    text(this.clear, t("filters.clear"));
    const set = Object.keys(FAMILIES).reduce((sum, family) => sum + chosen[family].length, 0);
    fill(
      this.summary,
      icon("filter"),
      h("span", {}, t("filters.title")),
      set > 0 && h("span", { class: "count" }, number(set)),
    );
    this.choices(chosen);
  }

  choices(chosen) {
    if (this.groups.dataset.language !== language()) {
      this.groups.dataset.language = language();
      fill(
        this.groups,
        Object.entries(FAMILIES).map(([family, { words, label, icon: mark }]) =>
          h(
            "fieldset",
            {},
            h("legend", {}, t(`filters.${family}`)),
            words.map((each) =>
              h(
                "label",
                { class: "choice" },
                h("input", { type: "checkbox", name: family, value: each, onchange: () => this.choose(family) }),
                mark(each) && icon(mark(each), `mark m-${mark(each)}`),
                label(each),
              ),
            ),
          ),
        ),
      );
    }
    for (const box of this.groups.querySelectorAll("input")) box.checked = chosen[box.name].includes(box.value);
  }

  choose(family) {
    const boxes = [...this.groups.querySelectorAll(`input[name="${family}"]`)];
    go({ [family]: boxes.filter((each) => each.checked).map((each) => each.value) });
  }

  empty() {
    this.search.value = "";
    go({ condition: [], freshness: [], mark: [], search: "" });
    this.search.focus();
  }
}
