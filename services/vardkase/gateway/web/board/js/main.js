/** The board: begins, and holds its parts together. */

import { get, Refused } from "./lib/api.js";
import { synchronise } from "./lib/clock.js";
import { attr, fill, h } from "./lib/dom.js";
import { language, speak, t } from "./lib/i18n.js";
import { applyTheme, keep, onSystemTheme, read } from "./lib/theming.js";
import { startTicking } from "./lib/ticking.js";
import { address, followLinks, go, onAddress } from "./lib/url.js";
import { loadOutlines } from "./map/outlines.js";
import { Around } from "./model/around.js";
import { Feed, RealFeed } from "./model/feed.js";
import { changed, onChange, store } from "./model/store.js";
import { viewOf } from "./model/view.js";
import { Board } from "./board.js";
import { Login } from "./panels/login.js";

const LANGUAGE = "vardkase.sprak";
/** ms between two looks at the node's clock and readiness. */
const LOOK = 20_000;
/** ms between two looks at the exercises: so late an abort is seen. */
const EXERCISES = 5_000;
/** Seconds until the gateway is asked again, where it does not say how many. */
const AGAIN = 3;

const root = document.getElementById("app");
const base = document.documentElement.dataset.base;
const outlines = loadOutlines(`${base}/data/sverige.json`);
const login = new Login((me) => enter(me));

let board = null;
let feed = null;
let real = null;
let around = null;

function dress() {
  const chosen = address().language ?? read(LANGUAGE) ?? "sv";
  if (address().language !== null) keep(address().language, LANGUAGE);
  speak(chosen);
  applyTheme();
}

/** Somebody has shown who they are. */
async function enter(me) {
  store.me = { ...me, area: (await outlines).area(me.area.code) };
  board = new Board(await outlines, mayRead);
  fill(root, board.node);
  follow();
  look();
}

/** Who has a session is let in; while the gateway cannot say (it may be starting), it is asked again. */
async function resume() {
  for (;;) {
    try {
      await enter(await get("/v1/me"));
      return;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.status === 401) {
        leave("login.ended");
        return;
      }
      fill(
        root,
        h("main", { id: "main", class: "login" }, h("p", { class: "told wrong", role: "alert" }, t("login.again"))),
      );
      await new Promise((again) => window.setTimeout(again, 1000 * (error.retryAfter ?? AGAIN)));
    }
  }
}

/** Nobody, or nobody any more. */
function leave(why) {
  for (const each of [feed, real, around]) each?.end();
  [feed, real, around, board] = [null, null, null, null];
  Object.assign(store, { me: null, situation: null, feed: null, real: null, links: null, exercises: null });
  fill(root, login.node);
  login.render(why);
}

/** Whether an area lies in what the reader may see. */
function mayRead(area) {
  const own = store.me.area;
  if (own.level === "nation" || own.code === area.code) return true;
  if (own.level === "civo")
    return area.level === "lan"
      ? area.civo === own.code
      : area.level === "kommun" && board.outlines.lan.get(area.lan).civo === own.code;
  return own.level === "lan" && area.level === "kommun" && area.lan === own.code;
}

/** Follow what the address asks for; what is followed already goes on. */
function follow() {
  if (store.me === null || board === null) return;
  const { area: code, reality } = address();
  const { me } = store;
  const asked = code === null ? null : board.outlines.area(code);
  const area = asked !== null && mayRead(asked) ? asked : me.area;
  const world = me.realities.includes(reality) ? reality : me.realities[0];
  if (world !== reality || (code !== null && area.code !== code)) {
    go({ area: area.code, reality: world }, { replace: true });
    return;
  }
  if (feed === null || feed.situation.area.code !== area.code || feed.situation.reality !== world) {
    feed?.end();
    around?.end();
    store.connection = { name: "connecting", since: performance.now() };
    feed = new Feed(world, area, refused);
    around = new Around(feed.situation, board.outlines, mayRead);
    store.situation = feed.situation;
    store.feed = feed;
    store.links = null;
    store.exercises = null;
    lookAtLinks().then(changed);
    lookAtExercises().then(changed);
  }
  const wanted = world !== "act" && me.realities.includes("act");
  if (wanted && real === null) real = new RealFeed(me.area);
  if (!wanted && real !== null) {
    real.end();
    real = null;
  }
  if (world !== "act" && !wanted)
    store.real = { alerts: new Map(), heard: false, refused: true, since: performance.now() };
}

function refused(status) {
  if (status === 401) leave("login.ended");
}

function render() {
  if (board === null || store.situation === null) return;
  const view = viewOf(store, board.outlines);
  board.render(view, store);
  around.look(address());
}

/** The node's clock and readiness, now and then. */
async function look() {
  if (board === null || document.hidden) return;
  try {
    const asked = performance.now();
    const told = await get("/board/clock");
    synchronise(told, (performance.now() - asked) / 2);
    store.unready = told.ready ? null : told.trouble;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.status === 401) leave("login.ended");
    // No answer: the stream notices by itself, and says so.
  }
  await lookAtLinks();
  changed();
}

/** The links that the reports of the area come by. Without an answer nothing is said of them. */
async function lookAtLinks() {
  const situation = store.situation;
  if (situation === null) return;
  const query = new URLSearchParams({ code: situation.area.code, reality: situation.reality });
  try {
    const told = await get(`/v1/links?${query}`);
    if (store.situation === situation) store.links = told;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    store.links = null;
  }
}

/** The exercises that concern the area. Without an answer what was known of them stands: an abort is not taken back. */
async function lookAtExercises() {
  const situation = store.situation;
  if (situation === null || document.hidden) return;
  const query = new URLSearchParams({ code: situation.area.code, reality: situation.reality });
  try {
    const told = await get(`/v1/exercises?${query}`);
    if (store.situation === situation) store.exercises = told;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
}

dress();
followLinks();
onAddress(() => {
  const spoken = language();
  dress();
  if (board === null) {
    if (spoken !== language() && store.me === null) login.render();
    return;
  }
  follow();
  changed({ now: true });
});
onSystemTheme(() => {
  applyTheme();
  changed({ now: true });
});
onChange(render);
startTicking(() => board?.tick());
window.setInterval(look, LOOK);
window.setInterval(() => lookAtExercises().then(changed), EXERCISES);
window.addEventListener("online", () => feed?.hurry());
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  feed?.hurry();
  look();
  lookAtExercises().then(changed);
});
window.addEventListener("beforeprint", () => board?.beforePrint());
attr(root, "aria-busy", null);

if (document.documentElement.dataset.session === "yes") await resume();
else leave(null);
