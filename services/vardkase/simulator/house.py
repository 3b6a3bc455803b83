"""The building and its visitors: how many come, the water they use, the warmth that is left."""

import math

from vardkase.simulator.sites import Site
from vardkase.simulator.world import World
from vardkase_contracts.instants import DAY, HOUR

_NIGHT_FROM, _NIGHT_TO = 22, 7
"""The local hours for which the night's capacity counts (CONTRACT's rules)."""


class House:
    """Visitors, water and warmth, worked out when somebody looks."""

    __slots__ = (
        "_demand",
        "_litres",
        "_looked",
        "_opened",
        "_share",
        "_site",
        "_tank",
        "_target",
        "_tau",
        "_temperature",
        "_warm_at",
        "_world",
    )

    def __init__(self, world: World, site: Site) -> None:
        scenario, rng = world.scenario, world.rng
        house = scenario.house
        self._world = world
        self._site = site
        self._demand = scenario.visitors.demand.draw(rng)
        self._tank = round(house.tank_l.draw(rng), -1) if rng.random() < house.tank_share else None
        self._litres = self._tank or 0.0
        self._target = house.indoor_c.draw(rng)
        self._tau = house.cools_h.draw(rng)
        self._temperature = self._target
        self._share = 1.0
        self._warm_at = 0
        self._looked = 0
        self._opened: int | None = None

    @property
    def has_tank(self) -> bool:
        """Whether drinking water comes from a tank."""
        return self._tank is not None

    def open(self, at: int) -> None:
        """Visitors begin to come."""
        self._opened = at
        self._looked = at

    def close(self) -> None:
        """Visitors are gone."""
        self._opened = None

    def capacity(self, at: int) -> int:
        """How many it holds now, by day or by night."""
        night = self._site.capacity_night
        return night if night is not None and self._is_night(at) else self._site.capacity_day

    def visitors(self, at: int) -> int:
        """How many are there now: by the time of day, and more as the outage goes on."""
        if self._opened is None:
            return 0
        world, settings = self._world, self._world.scenario.visitors
        came = 1 - math.exp(-(at - self._opened) / HOUR / settings.ramp_h)
        night = self._is_night(at)
        if night and self._site.capacity_night is not None:
            wanted = self._site.capacity_night * self._demand * settings.night_factor
        else:
            wanted = self._site.capacity_day * self._demand * settings.rhythm[int(world.local.hour(at))]
        noise = 1 + settings.noise * (2 * world.rng.random() - 1)
        return min(round(wanted * came * noise), round(self.capacity(at) * 1.08))

    def litres(self, at: int, visitors: int) -> float:
        """Litres left in the tank, given how many drink of it."""
        per_person = self._world.scenario.house.litres_per_person_day
        self._litres = max(0.0, self._litres - visitors * per_person * (at - self._looked) / DAY)
        self._looked = at
        return self._litres

    def litres_per_day(self, visitors: int) -> float:
        """What so many drink in a day; a point counts on ten at least, as the rules do."""
        return max(10, visitors) * self._world.scenario.house.litres_per_person_day

    def fill(self, at: int) -> None:
        """Water comes."""
        self._litres = self._tank or 0.0
        self._looked = at

    def indoor(self, at: int) -> float:
        """Degrees Celsius indoors, as read."""
        return round(self.degrees(at) + 0.3 * (2 * self._world.rng.random() - 1), 1)

    def degrees(self, at: int) -> float:
        """Degrees Celsius indoors, as they are."""
        scenario = self._world.scenario
        outdoor = self._outdoor(at)
        target = outdoor + self._share * (self._target - outdoor)
        # A house is warmed faster than it cools, where there is all the warmth that it needs.
        tau = scenario.house.warms_h if self._share >= 1 else self._tau
        since = max(0, at - self._warm_at) / HOUR
        # The weather changes so little in the time that one step is right enough.
        return target + (self._temperature - target) * math.exp(-since / tau)

    def heat(self, at: int, *, share: float) -> None:
        """From now on the heating gives this share of what the house needs to be warm: 0 nothing, 1 all."""
        if share != self._share:
            self._temperature = self.degrees(at)
            self._share = share
            self._warm_at = at

    def _outdoor(self, at: int) -> float:
        weather = self._world.scenario.house.outdoor_c
        day = 0.5 - 0.5 * math.cos((self._world.local.hour(at) - 3) / 24 * 2 * math.pi)
        return weather.low + (weather.high - weather.low) * day

    def _is_night(self, at: int) -> bool:
        hour = self._world.local.hour(at)
        return hour >= _NIGHT_FROM or hour < _NIGHT_TO
