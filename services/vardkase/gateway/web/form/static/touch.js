// What a finger does with the questions: steps, answers taken back, answers that exclude each other.

import { answers } from "./check.js";

const ENVELOPE = new Set(["do", "sid", "point", "reality", "asked", "quality", "need.priority", "need.direction"]);
const FORM = (node) => node.closest("form");

/** Names and values of a form, as they would be sent. */
export function pairs(form) {
  return [...new FormData(form)].filter(([, value]) => typeof value === "string");
}

/** The inputs that say something. */
export function touched(form) {
  const given = answers(pairs(form));
  return [...given.keys()].filter((name) => !ENVELOPE.has(name) && !name.endsWith(".day"));
}

/** Listen to all forms in a part of the page. `changed(form)` is called after every change. */
export function listen(root, changed) {
  const before = new WeakMap();
  const told = (form) => {
    if (!form) return;
    follow(form);
    changed(form);
  };
  // A chosen answer that is tapped again is taken back: there is no other way to say nothing any more.
  root.addEventListener("pointerdown", (event) => {
    const radio = event.target.closest(".chip")?.querySelector("input[type=radio]");
    if (radio) before.set(radio, radio.checked);
  });
  root.addEventListener("click", (event) => {
    const step = event.target.closest("[data-step]");
    if (step) return stepped(step, told);
    const radio = event.target;
    if (radio.type === "radio" && before.get(radio)) {
      radio.checked = false;
      before.delete(radio);
      told(FORM(radio));
    }
  });
  root.addEventListener("keydown", (event) => {
    const radio = event.target;
    if (radio.type === "radio" && (event.key === "Delete" || event.key === "Backspace") && radio.checked) {
      event.preventDefault();
      radio.checked = false;
      told(FORM(radio));
    }
  });
  root.addEventListener("change", (event) => {
    const { target } = event;
    if (target.dataset?.beside && target.checked) {
      const input = FORM(target)?.elements.namedItem(target.dataset.beside);
      if (input && "value" in input) input.value = "";
    }
    told(FORM(target));
  });
  root.addEventListener("input", (event) => {
    const { target } = event;
    if (target.type === "text" && target.value) {
      for (const each of FORM(target)?.querySelectorAll(`[data-beside="${CSS.escape(target.name)}"]`) ?? []) {
        each.checked = false;
      }
    }
    told(FORM(target));
  });
}

/** Show what only JavaScript can do, and what hangs on other answers. */
export function prepare(form) {
  for (const each of form.querySelectorAll("[data-step]")) each.hidden = false;
  follow(form);
}

/** Take all answers back. */
export function clear(form) {
  for (const each of form.elements) {
    if (each.type === "radio" || each.type === "checkbox") each.checked = false;
    else if (each.tagName === "SELECT") each.selectedIndex = first(each);
    else if (each.type === "text" || each.tagName === "TEXTAREA") each.value = "";
  }
  follow(form);
}

function first(select) {
  const normal = [...select.options].findIndex((option) => option.value === "normal");
  return Math.max(0, normal);
}

function stepped(button, told) {
  const input = document.getElementById(button.dataset.for);
  if (!input) return;
  const held = input.value.replace(/[\s\u00a0]/gu, "");
  const from = /^[0-9]{1,9}$/u.test(held) ? Number(held) : Number(button.dataset.from);
  input.value = String(Math.max(0, from + Number(button.dataset.step)));
  input.removeAttribute("aria-invalid");
  told(FORM(button));
}

/** What is asked for beside an answer is shown with it. */
function follow(form) {
  for (const rest of form.querySelectorAll("[data-rest]")) {
    const input = form.elements.namedItem(rest.dataset.rest);
    rest.classList.toggle("asked", Boolean(input && "value" in input && input.value.trim()));
  }
}
