// The reporting form. Without this file it is an ordinary form; with it, what is reported waits until it has arrived.

import { answers, check } from "./check.js";
import * as clock from "./clock.js";
import * as refresh from "./refresh.js";
import { Sender } from "./sender.js";
import { open } from "./store.js";
import { clear, listen, pairs, prepare, touched } from "./touch.js";

const REFRESH = 60_000;
const { point, worker } = document.body.dataset;
const element = (id) => document.getElementById(id);

document.documentElement.classList.replace("no-js", "js");
if (navigator.onLine) clock.heard(Date.parse(document.body.dataset.now) + performance.now());

const table = await (await fetch(new URL("rules.json", import.meta.url))).json();
const store = await open();
const sender = new Sender(store, point, told);
let refreshed = Date.now();

listen(element("main"), count);
ready(element("report"));
element("main").addEventListener("submit", (event) => void submitted(event));
element("outbox").addEventListener("click", (event) => void outboxed(event));
element("wrong")?.focus();
setInterval(tick, 10_000);
await list();
sender.soon(0);
if (worker && "serviceWorker" in navigator) {
  navigator.serviceWorker.register(worker, { scope: "/rapportera" }).catch(() => undefined);
}

function ready(form) {
  prepare(form);
  count(form);
}

/** How many answers would be sent stands on the button. */
function count(form) {
  const many = touched(form).filter((name) => !name.endsWith(".is")).length;
  for (const button of form.querySelectorAll(".send button[value=send]")) {
    button.textContent = many ? `Skicka ${many} svar` : "Skicka";
  }
  for (const said of form.querySelectorAll("[data-error]:not([hidden])")) {
    const field = said.closest("[data-field]");
    if (field?.contains(document.activeElement)) forgive(field, said);
  }
}

function forgive(field, said) {
  said.hidden = true;
  for (const each of field.querySelectorAll("[aria-invalid]")) each.removeAttribute("aria-invalid");
}

async function submitted(event) {
  event.preventDefault();
  const form = event.target;
  const unchanged = event.submitter?.value === "unchanged";
  const given = pairs(form);
  const many = touched(form);
  element("wrong")?.remove();
  if (unchanged && many.length) {
    return say("bad", "Du har svarat på frågor. Skicka svaren, eller rensa dem om allt är oförändrat.", "Rensa");
  }
  if (!unchanged && !many.length) {
    return say("bad", "Du har inte svarat på något. Tryck Oförändrat om allt är som förut.");
  }
  if (!unchanged && wrong(form, given)) return undefined;
  const fields = [...given.filter(([name]) => name !== "do"), ["do", unchanged ? "unchanged" : "send"]];
  const text = unchanged ? "Oförändrat" : `${many.filter((name) => !name.endsWith(".is")).length} svar`;
  try {
    const sending = sender.send({ sid: form.elements.sid.value, fields, text });
    clear(form);
    form.elements.sid.value = fresh();
    count(form);
    scrollTo({ top: 0 });
    await sending;
  } catch {
    say("bad", "Telefonen kan inte spara rapporten. Håll sidan öppen och försök igen, eller ring in den.");
  }
  return undefined;
}

/** Show what is wrong, at each field; whether anything is. */
function wrong(form, given) {
  const asked = new Set(given.filter(([name]) => name === "asked").map(([, value]) => value));
  const rules = table.rules.filter((rule) => rule.asked === null || asked.has(rule.asked));
  const faults = check(answers(given.filter(([name]) => name !== "asked")), { ...table, rules });
  for (const said of form.querySelectorAll("[data-error]")) {
    const fault = faults.get(said.dataset.error);
    said.hidden = !fault;
    said.textContent = fault ?? "";
    const input = form.elements.namedItem(said.dataset.error);
    if (input instanceof HTMLInputElement || input instanceof HTMLTextAreaElement) {
      if (fault) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
  }
  const first = form.querySelector("[data-error]:not([hidden])");
  if (!first) return false;
  first.closest("details:not([open])")?.setAttribute("open", "");
  const field = first.closest("[data-field]");
  field?.querySelector("input:not([type=hidden]), select, textarea")?.focus({ preventScroll: true });
  field?.scrollIntoView({ block: "center" });
  say("bad", faults.size === 1 ? "Ett svar behöver rättas." : `${faults.size} svar behöver rättas.`);
  return true;
}

function told(what, entry) {
  if (what === "sending") say("wait", "Skickar …");
  if (what === "sent") {
    say("good", `Mottagen ${clock.clock(clock.now())}.`);
    void renew();
  }
  if (what === "waiting") say("wait", "Ingen förbindelse. Rapporten ligger kvar här och skickas när den är tillbaka.");
  if (what === "closed") say("wait", "Du är utloggad. Öppna länken eller QR-koden igen, så skickas det som väntar.");
  if (what === "refused") say("bad", `Rapporten togs inte emot: ${entry.said}`);
  if (what !== "sending") void list();
}

function say(kind, text, act) {
  const place = element("status");
  const said = document.createElement("p");
  said.className = kind;
  said.textContent = text;
  if (act) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = act;
    button.addEventListener("click", () => {
      clear(element("report"));
      count(element("report"));
      place.replaceChildren();
    });
    said.append(" ", button);
  }
  place.replaceChildren(said);
  if (kind === "bad") place.scrollIntoView({ block: "nearest" });
}

/** Show what waits. */
async function list() {
  const entries = await sender.waiting();
  const place = element("outbox");
  place.hidden = !entries.length;
  if (!entries.length) return place.replaceChildren();
  const head = document.createElement("p");
  head.textContent = entries.length === 1 ? "1 rapport väntar på att skickas" : `${entries.length} rapporter väntar på att skickas`;
  const all = document.createElement("ul");
  for (const entry of entries) all.append(shown(entry));
  place.replaceChildren(head, all);
  if (!store.durable) {
    const warning = document.createElement("p");
    warning.textContent = "Stäng inte sidan: den här webbläsaren kan inte spara.";
    place.append(warning);
  }
  return undefined;
}

function shown(entry) {
  const item = document.createElement("li");
  const text = document.createElement("p");
  const at = entry.at + (entry.ahead ?? 0);
  const world = { exe: " (övning)", tst: " (prov)" }[new Map(entry.fields).get("reality")] ?? "";
  text.textContent = `${entry.text}${world}, ${clock.clock(at)}${entry.state === "refused" ? `: ${entry.said}` : ""}`;
  item.append(text);
  const acts = entry.state === "refused" ? [["again", "Försök igen"], ["drop", "Ta bort"]] : [["again", "Försök nu"]];
  for (const [act, words] of acts) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.act = act;
    button.dataset.n = entry.n;
    button.textContent = words;
    item.append(button);
  }
  return item;
}

async function outboxed(event) {
  const { act, n } = event.target.dataset ?? {};
  const entry = (await sender.waiting()).find((each) => String(each.n) === n);
  if (!act || !entry) return;
  if (act === "drop") await sender.drop(entry.n);
  else await sender.again(entry);
  await list();
}

/** Bring what is shown up to date. */
async function renew() {
  refreshed = Date.now();
  const page = await refresh.fetched();
  if (page === "closed") return told("closed");
  if (!page) return undefined;
  const form = element("report");
  if (touched(form).length || form.contains(document.activeElement)) refresh.texts(page);
  else {
    refresh.texts(page);
    refresh.questions(page);
    ready(element("report"));
  }
  return undefined;
}

function tick() {
  refresh.ages();
  if (document.visibilityState === "visible" && Date.now() - refreshed >= REFRESH) void renew();
}

function fresh() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `f${[...bytes].map((each) => each.toString(16).padStart(2, "0")).join("")}`;
}
