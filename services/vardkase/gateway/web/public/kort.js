// A point as a card. Only textContent: what a kommun writes is text, whatever it looks like.

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

const clock = new Intl.DateTimeFormat("sv-SE", { hour: "2-digit", minute: "2-digit", timeZone: "Europe/Stockholm" });
const date = new Intl.DateTimeFormat("sv-SE", { day: "numeric", month: "short", timeZone: "Europe/Stockholm" });

export function when(time, now) {
  const at = `kl ${clock.format(time)}`;
  return date.format(time) === date.format(now) ? at : `${date.format(time)} ${at}`;
}

export function ago(time, now) {
  const minutes = Math.floor((now - time) / 60000);
  if (minutes < 60) return minutes < 1 ? "nyss" : `${minutes} min sedan`;
  return minutes < 2880 ? `${Math.floor(minutes / 60)} tim sedan` : `${Math.floor(minutes / 1440)} dygn sedan`;
}

export function kilometres(distance) {
  if (distance < 1) return `${Math.max(50, Math.round(distance * 20) * 50)} m`;
  return `${distance.toLocaleString("sv-SE", { maximumFractionDigits: distance < 10 ? 1 : 0 })} km`;
}

function room(point, words) {
  if (point.status !== "open") return [];
  const told = [];
  if (point.availability) told.push(words.availability[point.availability] ?? point.availability);
  if (point.crowding && point.crowding !== "unknown") told.push(words.crowding[point.crowding] ?? point.crowding);
  return told;
}

function services(point, words) {
  if (point.status === "closed") return [];
  const list = element("ul", "tjanster");
  const now = point.services && Object.keys(point.services).length > 0;
  list.setAttribute("aria-label", now ? "Det här finns" : "Det här är planerat");
  const given = now ? Object.entries(point.services) : (point.planned_services || []).map((code) => [code, "planned"]);
  for (const [code, state] of given) {
    const word = words.services[code] ?? code;
    const said = !now || state === "available" ? word : `${word}: ${words.states[state] ?? state}`;
    list.append(element("li", words.states[state] ? state : "unknown", said));
  }
  if (!given.length) return [];
  return now ? [list] : [element("p", "liten", "Det här är planerat:"), list];
}

function messages(point) {
  const texts = Object.entries(point.message || {});
  return texts.map(([language, text]) => {
    const line = element("p", "meddelande", text);
    line.lang = language;
    return line;
  });
}

// now: ms since the epoch. km: how far away, where it is known.
export function card(feature, point, words, now, km) {
  const status = point.status ?? "none";
  const made = element("li", `punkt ${words.statuses[status] ? status : "none"}`);
  made.append(element("h3", "", point.name));
  const line = element("p", "status");
  line.append(element("strong", "", words.statuses[status] ?? status));
  if (km !== undefined) line.append(element("span", "", kilometres(km)));
  for (const word of room(point, words)) line.append(element("span", "", word));
  made.append(line);
  const place = element("p", "plats", [words.kinds[point.kind] ?? point.kind, point.address].filter(Boolean).join(", "));
  const [lon, lat] = feature.geometry.coordinates;
  const map = element("a", "", "Öppna i kartapp");
  map.append(element("span", "dold", `: ${point.name}`));
  map.href = `geo:${Number(lat)},${Number(lon)}`;
  place.append(" ", map);
  made.append(place, ...messages(point));
  made.append(...services(point, words));
  if (point.accessibility?.length) {
    const told = point.accessibility.map((code) => words.accessibility[code] ?? code).join(", ");
    made.append(element("p", "liten", `Tillgänglighet: ${told}`));
  }
  if (point.opens_at && Date.parse(point.opens_at) > now) {
    made.append(element("p", "liten", `Öppnar ${when(Date.parse(point.opens_at), now)}`));
  }
  if (point.closes_at && Date.parse(point.closes_at) > now) {
    made.append(element("p", "liten", `Stänger ${when(Date.parse(point.closes_at), now)}`));
  }
  made.append(age(point, now));
  return made;
}

function age(point, now) {
  if (!point.updated_at) return element("p", "alder", "Ingen uppgift om läget just nu.");
  const told = Date.parse(point.updated_at);
  const old = now >= Date.parse(point.valid_until);
  const line = element("p", old ? "alder gammal" : "alder", `Uppgift från ca ${when(told, now)} (${ago(told, now)})`);
  if (old) line.append(": för gammal att lita på");
  return line;
}
