/** Sweden's outlines: arcs that neighbours share, on a grid of SWEREF 99 TM (infra/map/derive.py). */

const D = Math.PI / 180;

/** Read the file, and make of it the areas and how they are drawn. */
export async function loadOutlines(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`the map could not be read: ${answer.status}`);
  return new Outlines(await answer.json());
}

export class Outlines {
  constructor(file) {
    this.credit = file.credit;
    this.file = file;
    this.arcs = file.arcs.map(absolute);
    this.civo = new Map(file.civo.map(([code, name]) => [code, { level: "civo", code, name }]));
    this.lan = new Map(
      file.lan.map(([code, name, letter, civo, x, y]) => [code, { level: "lan", code, name, letter, civo, x, y }]),
    );
    this.kommuner = new Map(
      file.kommuner.map(([code, name, lan, x, y, polygons]) => [
        code,
        { level: "kommun", code, name, lan, x, y, polygons },
      ]),
    );
    for (const kommun of this.kommuner.values()) kommun.box = boxOf(this.rings(kommun));
  }

  /** An area by its code: `{ level, code, name }`, or `null`. */
  area(code) {
    if (code === "SE") return { level: "nation", code, name: "Sverige" };
    return this.kommuner.get(code) ?? this.lan.get(code) ?? this.civo.get(code) ?? null;
  }

  /** Codes of the kommuner of an area. */
  kommunerOf(area) {
    const all = [...this.kommuner.values()];
    if (area.level === "nation") return all;
    if (area.level === "kommun") return all.filter((each) => each.code === area.code);
    if (area.level === "lan") return all.filter((each) => each.lan === area.code);
    return all.filter((each) => this.lan.get(each.lan).civo === area.code);
  }

  /** The areas around an area, outermost first, itself last. */
  around(area) {
    const nation = this.area("SE");
    if (area.level === "nation") return [nation];
    if (area.level !== "kommun") return [nation, area];
    return [nation, this.lan.get(area.lan), area];
  }

  /** What lies around several kommuner: [west, north, east, south]. */
  box(kommuner) {
    return kommuner.reduce((box, each) => join(box, each.box), [Infinity, Infinity, -Infinity, -Infinity]);
  }

  /** A kommun's outline, for a path's `d`. */
  path(kommun) {
    return this.rings(kommun)
      .map((ring) => `${draw(ring)}z`)
      .join("");
  }

  /** The borders between län, and the coast, for a path's `d`. `code`: of this län alone. */
  borders(code = null) {
    const sides = new Map();
    for (const kommun of this.kommuner.values()) {
      if (code !== null && kommun.lan !== code) continue;
      for (const number of kommun.polygons.flat(2)) {
        const arc = number < 0 ? ~number : number;
        const lan = sides.get(arc);
        sides.set(arc, lan === undefined ? [kommun.lan] : [...lan, kommun.lan]);
      }
    }
    const between = [...sides].filter(([, lan]) => lan.length === 1 || lan[0] !== lan[1]);
    return between.map(([arc]) => draw(this.arcs[arc])).join("");
  }

  /** Where a place on earth lies on the grid (WGS 84 to SWEREF 99 TM, by Krüger's series to the third order). */
  place([lon, lat]) {
    const [east, north] = toSweref(lon, lat);
    return [(east - this.file.west) / this.file.grid, (this.file.north - north) / this.file.grid];
  }

  rings(kommun) {
    return kommun.polygons.flat().map((ring) => {
      const places = [];
      for (const number of ring) {
        const arc = number < 0 ? [...this.arcs[~number]].reverse() : this.arcs[number];
        places.push(...(places.length > 0 ? arc.slice(1) : arc));
      }
      return places;
    });
  }
}

function absolute(flat) {
  let [x, y] = flat;
  const places = [[x, y]];
  for (let at = 2; at < flat.length; at += 2) {
    x += flat[at];
    y += flat[at + 1];
    places.push([x, y]);
  }
  return places;
}

function draw(places) {
  return places.map(([x, y], at) => (at === 0 ? `M${x} ${y}` : `L${x} ${y}`)).join("");
}

function boxOf(rings) {
  return rings.flat().reduce((box, [x, y]) => join(box, [x, y, x, y]), [Infinity, Infinity, -Infinity, -Infinity]);
}

function join(a, b) {
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
}

/** Lantmäteriet's formulas (Gauss conformal projection), of GRS 80 and the central meridian 15° E. */
function toSweref(lon, lat) {
  const flattening = 1 / 298.257222101;
  const e2 = flattening * (2 - flattening);
  const n = flattening / (2 - flattening);
  const radius = (6378137 / (1 + n)) * (1 + n ** 2 / 4 + n ** 4 / 64);
  const [A, B, C] = [e2, (5 * e2 ** 2 - e2 ** 3) / 6, (104 * e2 ** 3) / 120];
  const beta = [
    n / 2 - (2 * n ** 2) / 3 + (5 * n ** 3) / 16,
    (13 * n ** 2) / 48 - (3 * n ** 3) / 5,
    (61 * n ** 3) / 240,
  ];
  const phi = lat * D;
  const sin = Math.sin(phi);
  const conformal = phi - sin * Math.cos(phi) * (A + B * sin ** 2 + C * sin ** 4);
  const away = (lon - 15) * D;
  const xi = Math.atan2(Math.tan(conformal), Math.cos(away));
  const eta = Math.atanh(Math.cos(conformal) * Math.sin(away));
  let north = xi;
  let east = eta;
  beta.forEach((factor, at) => {
    const times = 2 * (at + 1);
    north += factor * Math.sin(times * xi) * Math.cosh(times * eta);
    east += factor * Math.cos(times * xi) * Math.sinh(times * eta);
  });
  return [500000 + 0.9996 * radius * east, 0.9996 * radius * north];
}
