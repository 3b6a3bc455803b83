/** The fields that forms of acts are made of: each a label, a control, and what it says. */

import { h, text } from "../lib/dom.js";
import { t } from "../lib/i18n.js";

let made = 0;

function labelled(key, control, hint = null) {
  const id = `act-${++made}`;
  control.id = id;
  const label = h("label", { for: id }, t(key));
  const below = hint === null ? null : h("p", { class: "where", id: `${id}-hint` }, t(hint));
  if (below !== null) control.setAttribute("aria-describedby", `${id}-hint`);
  return { node: h("div", { class: "field" }, label, control, below), control, label: key };
}

/** Free text: one line, or several rows. */
export function words(key, { rows = 2, most = 1000, hint = "act.hint", required = false, begin = "" } = {}) {
  const control =
    rows === 1
      ? h("input", { type: "text", maxlength: most, autocomplete: "off" })
      : h("textarea", { rows, maxlength: most, autocomplete: "off" });
  control.value = begin;
  if (required) control.setAttribute("aria-required", "true");
  const field = labelled(key, control, hint);
  return { ...field, required, value: () => control.value.trim() };
}

/** One of several: `[value, words]` each. */
export function choice(key, options, usual = options[0][0]) {
  const control = h(
    "select",
    {},
    options.map(([value, said]) => h("option", { value, selected: value === usual }, said)),
  );
  return { ...labelled(key, control), value: () => control.value };
}

/** All of an area, or some of the areas in it; `begin`: the codes that are chosen at first, all of it unless given. */
export function areas(key, area, inside, begin = [area.code]) {
  const name = `act-areas-${++made}`;
  const box = (code, said, checked) =>
    h("label", { class: "box" }, h("input", { type: "checkbox", name, value: code, checked }), h("span", {}, said));
  const all = box(area.code, t("act.all", area.name), begin.includes(area.code));
  const others = inside.map((each) => box(each.code, each.name, begin.includes(each.code)));
  const boxes = [all, ...others].map((each) => each.firstChild);
  const [whole, ...some] = boxes;
  whole.addEventListener("change", () => {
    if (whole.checked) for (const each of some) each.checked = false;
  });
  for (const each of some)
    each.addEventListener("change", () => {
      if (each.checked) whole.checked = false;
    });
  const node = h(
    "fieldset",
    { class: "field boxes" },
    h("legend", {}, t(key)),
    all,
    others.length > 0 && h("div", { class: "boxlist", tabindex: "0", role: "group", "aria-label": t(key) }, others),
  );
  const value = () => boxes.filter((each) => each.checked).map((each) => each.value);
  return { node, control: whole, label: key, required: true, value };
}

/** The first field that must be filled in and is not; it is said, and has the focus. */
export function lacking(fields, told) {
  const empty = Object.values(fields).find((each) => each.required && each.value().length === 0);
  if (empty === undefined) return false;
  text(told, t("act.empty", t(empty.label).toLocaleLowerCase("sv")));
  told.className = "told wrong";
  empty.control.setAttribute("aria-invalid", "true");
  empty.control.focus();
  return true;
}
