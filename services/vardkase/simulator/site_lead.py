"""The person at the point who reports: what, when, how well. Habits come from the scenario."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vardkase.simulator import gauges
from vardkase.simulator.draw import hours, minutes
from vardkase.simulator.reporter import Reporter
from vardkase.simulator.world import World
from vardkase_contracts.vocab import Lifecycle, Quality, ReportKind, ServiceCode, ServiceState

if TYPE_CHECKING:
    from vardkase.simulator.point import Point

_NIGHT_PAUSE = 1.4
"""At night the time between reports is so much longer."""
_CROWD, _CROWD_SHARE = 12, 0.4
"""A change in the number of visitors that is worth a report: so many, and such a part of what was told last."""
_WARMTH_C = 1.5
"""A change of the temperature indoors that is worth a report."""
_WATER_SHARE = 0.75
"""The tank is worth a report when less than this part is left of what was told last."""
_MESSAGES = (
    {"sv": "Varmt kaffe och laddning av telefoner. Välkomna!", "en": "Hot coffee and phone charging. Welcome!"},
    {"sv": "Vi håller öppet hela natten. Ta med filt.", "en": "We are open all night. Bring a blanket."},
    {"sv": "Information om elavbrottet ges varje hel timme."},
    {"sv": "Dricksvatten finns att hämta. Ta med dunk.", "en": "Drinking water is available. Bring a container."},
)


class _Told:
    """What was last told, so that changes are noticed."""

    __slots__ = ("comms", "indoor", "litres", "mode", "power_at", "services", "staff", "visitors")

    def __init__(self) -> None:
        self.visitors: int | None = None
        self.services: dict[ServiceCode, ServiceState] | None = None
        self.mode: str | None = None
        self.power_at: int | None = None
        self.staff: tuple[int, int | None, bool] | None = None
        self.indoor: float | None = None
        self.litres: float | None = None
        self.comms: tuple[bool, bool] | None = None


class SiteLead:
    """One point's site lead."""

    __slots__ = (
        "_diligence",
        "_fades",
        "_limited",
        "_pending",
        "_point",
        "_reading_h",
        "_reporter",
        "_silent_until",
        "_style",
        "_tells_power",
        "_tells_staff",
        "_told",
        "_turn",
        "_world",
        "app",
    )

    def __init__(self, world: World, point: "Point") -> None:
        scenario, rng = world.scenario, world.rng
        habits, mistakes = scenario.habits, scenario.mistakes
        self._world = world
        self._point = point
        self.app = rng.random() < habits.app_share
        fast = minutes(mistakes.fast_clock_min) if rng.random() < mistakes.fast_clock_share else 0
        form = rng.random() < habits.form_share
        self._reporter = Reporter(
            world,
            kommun=point.site.kommun,
            name=f"{point.site.slug}.1",
            role="site_lead",
            channel="app" if self.app else "form" if form else "phone",
            time="local" if rng.random() < habits.local_time_share else "utc",
            fast=fast,
        )
        self._diligence = habits.diligence.draw(rng)
        self._reading_h = habits.reading_every_h.draw(rng)
        self._tells_power = rng.random() >= habits.never_power_share
        self._tells_staff = rng.random() >= habits.never_staff_share
        style = rng.random()
        shares = habits.endurance
        self._style: gauges.EnduranceStyle = (
            "fuel"
            if style < shares.fuel_share
            else "hours"
            if style < shares.fuel_share + shares.hours_share
            else "none"
        )
        self._fades = rng.random() < habits.silent_share
        self._limited: frozenset[ServiceCode] = frozenset(
            code for code in point.site.services if rng.random() < habits.limited_share
        )
        self._told = _Told()
        self._turn = 0
        self._pending = False
        self._silent_until = 0

    def begin(self, at: int) -> None:
        """The point opens: the first reports, and from then on now and then."""
        world, habits = self._world, self._world.scenario.habits
        rng = world.rng
        self._turn += 1
        self._told = _Told()
        message = rng.choice(_MESSAGES) if rng.random() < habits.message_share else None
        self.status(at, lifecycle="open", message=message)
        self._while_here(at + minutes(habits.first_resources_min.draw(rng)), self._first_resources)
        self._next(at)
        if self._fades:
            after = at + hours(habits.silent_after_h.draw(rng))
            self._while_here(after, self._fall_silent)

    def end(self) -> None:
        """The point is closed: no more reports."""
        self._turn += 1
        self._pending = False

    def notice(self, at: int) -> None:
        """Something has changed: it is told soon, unless it is being told already."""
        if self._pending:
            return
        self._pending = True
        delay = self._world.scenario.habits.change_min.draw(self._world.rng)
        self._while_here(at + minutes(delay), self._tell_change)

    def last_word(self, at: int) -> None:
        """The last one to leave tells that nobody is left."""
        if self._tells_staff and at >= self._silent_until:
            self._send(at, "resources", {"staff": self._staff()})

    def doubted(self) -> None:
        """Somebody told for the place that it is cut off: when that is over it has to be said."""
        self._told.comms = (False, False)

    def status(self, at: int, *, lifecycle: Lifecycle | None = None, message: dict[str, str] | None = None) -> None:
        """How it is towards visitors, as the site lead sees it."""
        rng, mistakes = self._world.rng, self._world.scenario.mistakes
        point, told = self._point, self._told
        visitors = point.house.visitors(at)
        states = self._services(at)
        estimated = visitors > 20 and rng.random() < self._world.scenario.habits.estimated_share
        shown = round(visitors / 10) * 10 if estimated else visitors
        typo = shown >= 20 and rng.random() < mistakes.typo_share
        data: dict[str, Any] = {"occupancy": shown * 10 if typo else shown}
        if lifecycle is not None:
            data = {"lifecycle": lifecycle} | data
        if not typo:
            data["availability"] = gauges.availability(visitors, point.house.capacity(at), states)
        if states != told.services:
            data["services"] = {code: {"state": state} for code, state in states.items()}
            told.services = states
        if message is not None:
            data["message"] = message
        told.visitors = visitors
        report = self._send(at, "status", data, quality="estimated" if estimated else "observed")
        if typo and rng.random() < mistakes.noticed_share:
            self._while_here(at + minutes(mistakes.noticed_min.draw(rng)), lambda when: self._correct(when, report))
        elif not typo and rng.random() < mistakes.differs_share:
            point.krisledning.heard_otherwise(at, point, shown)

    def need(self, at: int, data: dict[str, Any]) -> None:
        """A need as it stands."""
        self._send(at, "need", data)

    def beat(self, at: int) -> dict[str, Any]:
        """A heartbeat's event."""
        line = self._point.line
        return self._reporter.event(at, "heartbeat", self._point.site.id, {"outbox_depth": line.waiting})

    def _next(self, at: int) -> None:
        world = self._world
        delay = world.scenario.habits.interval_min.draw(world.rng) * self._diligence
        if not 6 <= world.local.hour(at) < 23:
            delay *= _NIGHT_PAUSE
        self._while_here(at + minutes(delay), self._occasion)

    def _occasion(self, at: int) -> None:
        self._next(at)
        if self._point.team.present > 0:
            self._point.heating.look(at)
        if not self._speaks(at):
            return
        if not self._tell_changes(at):
            habits, rng = self._world.scenario.habits, self._world.rng
            if rng.random() < habits.confirm_share:
                self._send(at, "confirm", {})
            elif rng.random() < 0.5:
                self.status(at)
            else:
                self._resources(at, everything=False, at_least_one=True)
        self._point.refills.look(at)

    def _tell_change(self, at: int) -> None:
        self._pending = False
        if self._speaks(at):
            self._tell_changes(at)
            self._point.refills.look(at)

    def _tell_changes(self, at: int) -> bool:
        habits, rng = self._world.scenario.habits, self._world.rng
        told, point = self._told, self._point
        said = False
        visitors = point.house.visitors(at)
        crowd = told.visitors is None or abs(visitors - told.visitors) > max(_CROWD, _CROWD_SHARE * told.visitors)
        if (crowd or self._services(at) != told.services) and rng.random() < habits.tells_change_share:
            self.status(at)
            said = True
        if rng.random() < habits.tells_change_share:
            said = self._resources(at, everything=False, at_least_one=False) or said
        return said

    def _first_resources(self, at: int) -> None:
        if self._speaks(at):
            self._resources(at, everything=True, at_least_one=True)
            self._point.refills.look(at)

    def _resources(self, at: int, *, everything: bool, at_least_one: bool) -> bool:
        """What it lives on: the sections that changed, all of them, or at least one. Whether anything was said."""
        data = (
            self._power_section(at, everything=everything)
            | self._staff_sections(everything=everything)
            | self._heat_section(at, everything=everything)
            | self._water_section(at, everything=everything)
            | self._comms_section(everything=everything)
        )
        if not data and at_least_one:
            data = self._heat_section(at, everything=True)
        if data:
            self._send(at, "resources", data)
        return bool(data)

    def _power_section(self, at: int, *, everything: bool) -> dict[str, Any]:
        told, supply = self._told, self._point.supply
        old = supply.mode in ("running", "battery") and gauges.is_older(told.power_at, at, self._reading_h)
        if not self._tells_power or not (everything or old or supply.mode != told.mode):
            return {}
        told.mode, told.power_at = supply.mode, at
        return {"power": gauges.power(supply, at, self._style)}

    def _staff_sections(self, *, everything: bool) -> dict[str, Any]:
        told, team = self._told, self._point.team
        now = (team.present, team.shift_at, team.covered)
        if not self._tells_staff or not (everything or now != told.staff):
            return {}
        told.staff = now
        shift = gauges.next_shift(team, self._world)
        return {"staff": self._staff()} | ({} if shift is None else {"next_shift": shift})

    def _heat_section(self, at: int, *, everything: bool) -> dict[str, Any]:
        told, indoor = self._told, self._point.house.indoor(at)
        if not everything and told.indoor is not None and abs(indoor - told.indoor) < _WARMTH_C:
            return {}
        told.indoor = indoor
        return {"heat": {"indoor_c": indoor}}

    def _water_section(self, at: int, *, everything: bool) -> dict[str, Any]:
        told, house = self._told, self._point.house
        if not house.has_tank:
            return {}
        visitors = told.visitors or 0
        litres = house.litres(at, visitors)
        if litres < 2 * house.litres_per_day(visitors):
            self._point.wants_water(at)
        same = told.litres is not None and _WATER_SHARE * told.litres <= litres <= told.litres
        if same and not everything:
            return {}
        told.litres = litres
        return {"water": {"litres": float(round(litres)), "source": "tank"}}

    def _comms_section(self, *, everything: bool) -> dict[str, Any]:
        told, point = self._told, self._point
        now = (point.line.mobile, point.can_call)
        changed = told.comms is not None and told.comms != now
        if not changed and not (
            everything and self._world.rng.random() < self._world.scenario.habits.tells_comms_share
        ):
            return {}
        told.comms = now
        return {"comms": gauges.comms(point.line, rakel=point.rakel)}

    def _staff(self) -> dict[str, Any]:
        return gauges.staff(self._point.team, with_required=not self._point.site.staff_required_told)

    def _services(self, at: int) -> dict[ServiceCode, ServiceState]:
        point = self._point
        return gauges.services(point.site.services, self._limited, point.supply, warmth=point.heating.share, at=at)

    def _correct(self, at: int, report: str) -> None:
        self._send(at, "withdraw", {"report_ids": [report], "reason": "Fel antal: en siffra för mycket"})
        self.status(at)

    def _fall_silent(self, at: int) -> None:
        self._silent_until = at + hours(self._world.scenario.habits.silent_h.draw(self._world.rng))

    def _speaks(self, at: int) -> bool:
        return at >= self._silent_until and self._point.team.present > 0

    def _send(self, at: int, kind: ReportKind, data: dict[str, Any], *, quality: Quality = "observed") -> str:
        event = self._reporter.event(at, kind, self._point.site.id, data, quality=quality)
        self._point.line.send(at, self._point.prefix + kind, event)
        return event["id"]

    def _while_here(self, when: int, action: Callable[[int], None]) -> None:
        turn = self._turn

        def go(at: int) -> None:
            if self._turn == turn:
                action(at)

        self._world.at(when, go)
