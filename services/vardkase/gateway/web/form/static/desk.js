// The kommun's desk: quick by keyboard, and kept up to date. Without this file it is a page of forms.

import * as clock from "./clock.js";
import * as refresh from "./refresh.js";
import { listen, prepare } from "./touch.js";

const OFTEN = 3_000;
const SELDOM = 20_000;
const { kommun, reality, page, now } = document.body.dataset;
const element = (id) => document.getElementById(id);

document.documentElement.classList.replace("no-js", "js");
if (now) clock.heard(Date.parse(now) + performance.now());
element("wrong")?.focus();
setInterval(refresh.ages, 10_000);
const report = element("report");
if (report) {
  listen(report, () => undefined);
  prepare(report);
}
if (page === "grid") {
  grid(element("grid"));
  live();
}

/** Rows as in a spreadsheet: up, down and Enter move; space marks; Ctrl+Enter sends. */
function grid(form) {
  for (const each of form.querySelectorAll(".keys, .find, #all")) each.hidden = false;
  form.addEventListener("keydown", (event) => keyed(form, event));
  form.addEventListener("change", (event) => {
    if (event.target.id === "all") for (const each of picks(form)) if (shown(each)) each.checked = event.target.checked;
    counted(form);
  });
  form.addEventListener("input", (event) => {
    if (event.target.id === "find") found(form, event.target.value);
    counted(form);
  });
  counted(form);
}

function keyed(form, event) {
  const { target, key } = event;
  if (key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit(element("send"));
    return;
  }
  if (target.id === "find" && key === "Enter") return event.preventDefault();
  const row = target.closest("tr[data-point]");
  if (!row) return;
  const typed = target.type === "text" || target.type === "checkbox";
  const down = key === "ArrowDown" || (key === "Enter" && (typed || target.tagName === "SELECT"));
  if ((typed || key === "Enter") && (down || key === "ArrowUp")) {
    event.preventDefault();
    beside(row, down && !event.shiftKey ? "nextElementSibling" : "previousElementSibling", target)?.focus();
  } else if (key === " " && target.type === "text") {
    event.preventDefault();
    const pick = row.querySelector("[name=pick]");
    pick.checked = !pick.checked;
    counted(form);
  }
}

function beside(row, way, target) {
  let next = row[way];
  while (next && next.hidden) next = next[way];
  if (!next) return null;
  const same = target.dataset.col ? `[data-col="${CSS.escape(target.dataset.col)}"]` : "[name=pick]";
  const input = next.querySelector(same);
  if (input?.type === "text") input.select();
  return input;
}

function picks(form) {
  return form.querySelectorAll("[name=pick]");
}

function shown(input) {
  return !input.closest("tr").hidden;
}

function counted(form) {
  const many = [...picks(form)].filter((each) => each.checked).length;
  const output = element("many");
  if (output) output.textContent = String(many);
  const filled = new Set();
  for (const each of form.querySelectorAll("tbody input[type=text], tbody select")) {
    const rest = each.dataset.rest;
    if (rest) each.classList.toggle("asked", Boolean(form.elements.namedItem(rest)?.value.trim()));
    else if (each.value.trim()) filled.add(each.closest("tr"));
  }
  for (const row of form.querySelectorAll("tr[data-point]")) row.classList.toggle("filled", filled.has(row));
  const send = element("send");
  if (send) send.textContent = filled.size ? `Skicka ${filled.size} ${filled.size === 1 ? "rad" : "rader"}` : "Skicka ifyllda rader";
}

function found(form, text) {
  const wanted = text.trim().toLocaleLowerCase("sv");
  for (const row of form.querySelectorAll("tr[data-point]")) {
    row.hidden = !row.querySelector("th").textContent.toLocaleLowerCase("sv").includes(wanted);
  }
}

/** What others report appears in the rows; what is being filled in is left alone. */
function live() {
  let last = Date.now();
  let timer = 0;
  const renew = async () => {
    timer = 0;
    const fresh = await refresh.fetched();
    if (fresh === "closed") return say("Du är utloggad. Ladda om sidan och logga in.");
    if (!fresh) return say(`Ingen förbindelse. Det som visas är från ${clock.clock(last + (clock.ahead() ?? 0))}.`);
    last = Date.now();
    refresh.texts(fresh);
    rows(fresh);
    return say("");
  };
  const soon = () => {
    timer ||= setTimeout(() => void renew(), Math.max(0, OFTEN - (Date.now() - last)));
  };
  const stream = new EventSource(`/v1/stream?kinds=state&reality=${reality}&area=${kommun}`);
  stream.addEventListener("state", soon);
  setInterval(() => {
    if (document.visibilityState === "visible" && Date.now() - last > SELDOM) soon();
  }, OFTEN);
}

function rows(fresh) {
  for (const row of fresh.querySelectorAll("tr[data-point]")) {
    const held = document.querySelector(`tr[data-point="${CSS.escape(row.dataset.point)}"]`);
    if (!held) continue;
    const filled = held.classList.contains("filled");
    held.className = row.className;
    held.classList.toggle("filled", filled);
  }
}

function say(text) {
  const place = element("status");
  const held = place.querySelector(".wait");
  if (!text) return held?.remove();
  if (held) held.textContent = text;
  else {
    const said = document.createElement("p");
    said.className = "wait";
    said.textContent = text;
    place.append(said);
  }
  return undefined;
}
