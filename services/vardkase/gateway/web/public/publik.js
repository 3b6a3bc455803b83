// The public page: the points of a kommun, or those nearest to where the browser is. Without it the page is plain HTML.

import { card, when } from "./kort.js";
import { asRead, distance, now, Points, setClock } from "./punkter.js";

const NEAREST = 30;
const ORDER = ["open", "opening", "unconfirmed", "none", "planned", "closed"];
const byId = (id) => document.getElementById(id);
const form = byId("val");

let words = null;
let points = null;
let here = null;
let waiting = 0;
let cards = new Map();

function wanted(point, settings) {
  if (!settings.every && !["open", "opening"].includes(point.status)) return false;
  if (!settings.service) return true;
  if (!point.services) return (point.planned_services || []).includes(settings.service);
  return ["available", "limited"].includes(point.services[settings.service]);
}

function chosen(at) {
  const settings = { every: byId("alla").checked, service: byId("tjanst").value };
  const found = [];
  for (const feature of points.features.values()) {
    const point = asRead(feature.properties, at);
    if (!wanted(point, settings)) continue;
    found.push({ feature, point, km: here ? distance(here, feature.geometry.coordinates) : undefined });
  }
  const rank = (point) => ORDER.indexOf(point.status ?? "none");
  found.sort((a, b) =>
    here ? a.km - b.km : rank(a.point) - rank(b.point) || a.point.name.localeCompare(b.point.name, "sv"),
  );
  return { all: found.length, shown: here ? found.slice(0, NEAREST) : found };
}

// What says the same is not said again to who listens.
function say(id, text) {
  if (byId(id).textContent !== text) byId(id).textContent = text;
}

// A card that says the same stays, with the focus that it may have.
function lay(shown, at) {
  const minute = Math.floor(at / 60000);
  const before = cards;
  cards = new Map();
  const nodes = shown.map(({ feature, point, km }) => {
    const said = JSON.stringify([point, km, minute]);
    const kept = before.get(feature.id);
    const made = kept?.said === said ? kept.node : card(feature, point, words, at, km);
    made.dataset.id = feature.id;
    cards.set(feature.id, { said, node: made });
    return made;
  });
  const list = byId("punkter");
  if (nodes.length === list.children.length && nodes.every((node, place) => node === list.children[place])) return;
  const focused = list.contains(document.activeElement) && document.activeElement.closest(".punkt")?.dataset.id;
  list.replaceChildren(...nodes);
  if (focused) cards.get(focused)?.node.querySelector("a").focus({ preventScroll: true });
}

function state(at) {
  if (!points.heardAt) return points.connected ? "" : "Punkterna kan inte hämtas just nu. Försöker igen.";
  if (!points.connected) return `Förbindelsen är bruten. Det som visas hämtades ${when(points.heardAt, at)}.`;
  return points.live ? "" : "Uppgifterna hämtas inte just nu. Det som visas kan vara gammalt.";
}

function show() {
  waiting = 0;
  if (!points || !words) return;
  const at = now();
  say("lage", state(at));
  if (!points.heardAt) return;
  const { all, shown } = chosen(at);
  lay(shown, at);
  const which = byId("alla").checked ? "" : " som är öppna eller öppnar";
  const many = `${all} ${all === 1 ? "punkt" : "punkter"}${which}`;
  const some = shown.length < all ? `${many}. De ${shown.length} närmaste visas.` : `${many}.`;
  say("antal", `${some} Hämtat ${when(points.heardAt, at)}.`);
}

// Many changes at once are shown once.
function changed() {
  if (!waiting) waiting = setTimeout(show, 250);
}

function open(code) {
  points?.close();
  points = new Points(code, changed);
  points.open();
}

function heading(text) {
  byId("punkter-rubrik").textContent = text;
  document.querySelector(".kommuner")?.remove();
  document.querySelector(".varning")?.remove();
}

function near() {
  say("lage", "Hämtar din plats …");
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => {
      here = [coords.longitude, coords.latitude];
      byId("kommun").value = "";
      say("lage", "Hämtar punkterna …");
      heading("Närmast dig");
      open("");
      byId("punkter-rubrik").focus();
    },
    () => {
      say("lage", "Din plats kunde inte hämtas. Välj kommun i stället.");
    },
    { maximumAge: 60000, timeout: 20000 },
  );
}

async function start() {
  setClock(document.body.dataset.now);
  const response = await fetch(document.body.dataset.words, { credentials: "omit" });
  if (!response.ok) return;
  words = await response.json();
  for (const id of ["alla", "tjanst"]) {
    byId(id).addEventListener("change", () => points && changed());
  }
  form.addEventListener("submit", () => {
    here = null;
  });
  if ("geolocation" in navigator && window.isSecureContext) {
    byId("nara").hidden = byId("nara-text").hidden = false;
    byId("nara").addEventListener("click", near);
  }
  if (byId("kommun").value) open(byId("kommun").value);
  setInterval(changed, 30000); // ages, and what is no longer valid
}

start();
