"""The points of a run before anything happens: where they are, what they are made for, how they are equipped."""

import math
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from vardkase.simulator import names
from vardkase.simulator.draw import Choice
from vardkase.simulator.parameters import Points, Register
from vardkase.simulator.scenario import Scenario
from vardkase_contracts.areas import KOMMUNER, Kommun
from vardkase_contracts.vocab import BackupType, PointKind, Publish, ServiceCode

KM_PER_DEGREE: Final = 111.2
"""Kilometres in a degree of latitude."""

_NEAR: Final = 0.4
"""A point lies no farther from its own kommun's point than this part of the way to the next kommun's."""
_ACCESSIBILITY: Final = ("wheelchair", "accessible_toilet", "hearing_loop", "step_free")
_LABELS: Final[dict[PointKind, str]] = {"varmestuga": "Värmestuga", "informationsplats": "Krispunkt"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """A point as its kommun has planned it."""

    id: str
    """`<kommun>-<slug>`."""
    slug: str
    kommun: str
    lan: str
    name: str
    kind: PointKind
    position: tuple[float, float]
    """Longitude, latitude."""
    address: str
    org_unit: str
    number: int
    """What it is called over radio; its own in its kommun."""
    publish: Publish
    services: tuple[ServiceCode, ...]
    accessibility: tuple[str, ...]
    capacity_day: int
    capacity_night: int | None
    staff_required: int
    staff_required_told: bool
    """Whether the register says how many; else the reports from the place do."""
    backup: BackupType
    refill_lead_h: int
    fuel_priority: int
    registered: bool
    """Whether it is ever registered: some report without."""
    mobile: bool

    def profile(self, publish: Publish | None = None) -> dict[str, Any]:
        """The data of its `register` report, with another `publish` if given."""
        data: dict[str, Any] = {
            "name": self.name,
            "kind": self.kind,
            "position": {"lon": self.position[0], "lat": self.position[1]},
            "publish": publish or self.publish,
            "no": self.number,
            "address": self.address,
            "org_unit": self.org_unit,
            "service_level": 3 if self.capacity_night is not None else 2 if "food" in self.services else 1,
            "mobility": "mobile" if self.mobile else "fixed",
            "planned_services": list(self.services),
            "accessibility": list(self.accessibility),
            "capacity_day": self.capacity_day,
            "backup_type": self.backup,
            "refill_lead_h": self.refill_lead_h,
            "fuel_priority": self.fuel_priority,
        }
        if self.kind in _LABELS:
            data["local_label"] = _LABELS[self.kind]
        if self.capacity_night is not None:
            data["capacity_night"] = self.capacity_night
        if self.staff_required_told:
            data["staff_required"] = self.staff_required
        return data


def points_per_kommun(points: Points, rng: Random) -> dict[str, int]:
    """How many points each kommun has: by weight and chance, within the bounds, `total` together."""
    weight = dict.fromkeys(KOMMUNER, points.default_weight)
    for group in points.weights:
        weight.update(dict.fromkeys(group.kommuner, group.weight))
    weight = {code: usual * math.exp(rng.gauss(0.0, points.uneven)) for code, usual in weight.items()}
    count = dict.fromkeys(KOMMUNER, points.per_kommun_min)
    left = points.total - sum(count.values())
    while left > 0:
        # What a kommun at its upper bound cannot take is shared by the others, so this ends within a few rounds.
        open_ = {code: weight[code] for code in count if count[code] < points.per_kommun_max}
        whole = sum(open_.values())
        wanted = {code: left * share / whole for code, share in open_.items()}
        granted = {code: min(int(want), points.per_kommun_max - count[code]) for code, want in wanted.items()}
        if not any(granted.values()):
            most = sorted(wanted, key=lambda code: (-wanted[code], code))[:left]
            granted = dict.fromkeys(most, 1)
        for code, more in granted.items():
            count[code] += more
        left -= sum(granted.values())
    return count


def make_sites(scenario: Scenario, rng: Random) -> dict[str, list[Site]]:
    """The points of every kommun, by its code, in order of code."""
    maker = _Maker(scenario.register_, scenario.points, rng)
    counts = points_per_kommun(scenario.points, rng)
    return {code: maker.kommun(KOMMUNER[code], count) for code, count in counts.items()}


class _Maker:
    def __init__(self, register: Register, points: Points, rng: Random) -> None:
        self._rng = rng
        self._register = register
        self._points = points
        self._publish = Choice(register.publish)
        self._kinds = Choice(register.kinds)
        self._backups = Choice(register.backup)
        self._leads = Choice(register.refill_lead_h)
        self._room_km = room_km()

    def kommun(self, kommun: Kommun, count: int) -> list[Site]:
        rng = self._rng
        source = names.place_names(kommun.name, rng)
        taken: set[str] = set()
        priorities = rng.sample(range(1, count + 1), count)
        sites: list[Site] = []
        while len(sites) < count:
            name, district = next(source)
            slug = names.slug(name)
            if slug not in taken:
                taken.add(slug)
                sites.append(self._site(kommun, name, slug, district, len(sites) + 1, priorities[len(sites)]))
        return sites

    def _site(self, kommun: Kommun, name: str, slug: str, district: str, number: int, priority: int) -> Site:
        rng = self._rng
        register = self._register
        services: tuple[ServiceCode, ...] = tuple(
            code for code, share in register.services.items() if rng.random() < share
        )
        day = max(10, round(register.capacity_day.draw(rng) / 5) * 5)
        night = "overnight" in services and rng.random() < register.capacity_night_share
        backup = self._backups.draw(rng)
        return Site(
            id=f"{kommun.code}-{slug}",
            slug=slug,
            kommun=kommun.code,
            lan=kommun.lan,
            name=name,
            kind=self._kinds.draw(rng),
            position=self._position(kommun),
            address=names.address(rng),
            org_unit=district,
            number=number,
            publish=self._publish.draw(rng),
            services=services,
            accessibility=tuple(code for code in _ACCESSIBILITY if rng.random() < 0.6),
            capacity_day=day,
            capacity_night=max(5, day // 3) if night else None,
            staff_required=round(register.staff_required.draw(rng)),
            staff_required_told=rng.random() < register.staff_required_told_share,
            backup=backup,
            refill_lead_h=self._leads.draw(rng),
            fuel_priority=priority,
            registered=True,
            mobile=rng.random() < 0.02,
        )

    def _position(self, kommun: Kommun) -> tuple[float, float]:
        distance = min(self._points.distance_km.draw(self._rng), self._room_km[kommun.code])
        return near(kommun, distance, 2 * math.pi * self._rng.random())


def near(kommun: Kommun, km: float, turn: float) -> tuple[float, float]:
    """The place so far from a kommun's own point, in a direction (radians from north): longitude, latitude."""
    lon, lat = kommun.position
    north = km * math.cos(turn) / KM_PER_DEGREE
    east = km * math.sin(turn) / (KM_PER_DEGREE * math.cos(math.radians(lat)))
    return round(lon + east, 4), round(lat + north, 4)


def room_km() -> dict[str, float]:
    """How far from each kommun's own point its points may lie, by its code, so that small kommuner hold theirs."""
    east = KM_PER_DEGREE * math.cos(math.radians(62))
    places = {k.code: (k.position[0] * east, k.position[1] * KM_PER_DEGREE) for k in KOMMUNER.values()}
    return {
        code: _NEAR * min(math.dist(here, there) for other, there in places.items() if other != code)
        for code, here in places.items()
    }
