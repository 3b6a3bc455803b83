"""One point in a run: its life from planned to closed, and what its parts tell each other."""

from typing import TYPE_CHECKING

from vardkase.simulator import gauges
from vardkase.simulator.draw import hours, minutes
from vardkase.simulator.heating import Heating
from vardkase.simulator.house import House
from vardkase.simulator.line import Line
from vardkase.simulator.needs import Need, Needs
from vardkase.simulator.refills import Refills
from vardkase.simulator.reporter import Reporter
from vardkase.simulator.site_lead import SiteLead
from vardkase.simulator.sites import Site
from vardkase.simulator.supply import Supply
from vardkase.simulator.team import Team
from vardkase.simulator.truth import Dark, PointTruth, Spell, end
from vardkase.simulator.world import Action, World
from vardkase_contracts.subjects import report
from vardkase_contracts.vocab import Lifecycle, NeedKind, Priority

if TYPE_CHECKING:
    from vardkase.simulator.krisledning import Krisledning

_OTHER_NEEDS: tuple[tuple[NeedKind, float, str], ...] = (
    ("food", 50, "portions"),
    ("equipment", 20, "blankets"),
    ("medical", 1, "kit"),
    ("transport", 1, "vehicle"),
    ("heat", 2, "heaters"),
)
_NOT_BOUGHT: tuple[tuple[NeedKind, float, str, Priority], ...] = (
    ("food", 60, "portions", "high"),
    ("transport", 1, "vehicle", "high"),
    ("medical", 1, "kit", "urgent"),
)
"""What is asked for where nothing can be bought."""
_COLD_C = 15
"""Below this a house is no refuge: the most serious level of the rule about heat (docs/rules.md)."""
_SURPLUS: tuple[tuple[NeedKind, float, str], ...] = (
    ("water", 300, "l"),
    ("food", 80, "portions"),
    ("staff", 2, "persons"),
    ("equipment", 30, "blankets"),
)


class Point:
    """A point with everything in it."""

    __slots__ = (
        "_heats_on_backup",
        "_prefix",
        "_sensor",
        "_troubles",
        "_turn",
        "_unbought_per_h",
        "_world",
        "heating",
        "house",
        "krisledning",
        "lead",
        "lifecycle",
        "line",
        "needs",
        "rakel",
        "refills",
        "site",
        "supply",
        "team",
        "trade",
        "truth",
    )

    def __init__(self, world: World, site: Site, krisledning: "Krisledning", truth: PointTruth) -> None:
        scenario, rng = world.scenario, world.rng
        self._world = world
        self.site = site
        self.krisledning = krisledning
        self.truth = truth
        self.lifecycle: Lifecycle = "planned"
        self._turn = 0
        self._prefix = report(world.reality, site.kommun, site.slug, "status").removesuffix("status")
        self._heats_on_backup = rng.random() < scenario.power.heat_on_backup_share
        self.rakel = rng.random() < scenario.networks.rakel_share
        self.supply = Supply(world, site.backup, self._power_changed)
        truth.reaches = self.supply.reaches
        self.team = Team(world, site.staff_required, truth, self._staff_changed)
        self.house = House(world, site)
        self.lead = SiteLead(world, self)
        fixed = rng.random() < scenario.networks.fixed_line_share
        self.line = Line(world, fixed=fixed, offline=truth.offline, tell=self._calls_changed)
        self.trade = krisledning.trade
        self.needs = Needs(world, self, self.trade)
        self.refills = Refills(world, site, self.supply, self.needs, self, self.trade)
        self.heating = Heating(world, self.house, self.needs)
        self._troubles: set[str] = set()
        self._unbought_per_h = 0.0
        self._sensor: Reporter | None = None
        if site.backup == "fixed" and rng.random() < scenario.habits.sensor_share:
            self._sensor = Reporter(
                world, kommun=site.kommun, name=f"{site.slug}.sensor", role="sensor", channel="sensor", time="utc"
            )

    @property
    def prefix(self) -> str:
        """Its subject up to the kind of report."""
        return self._prefix

    @property
    def in_use(self) -> bool:
        """Whether it is being set up, open or closing."""
        return self.lifecycle in ("establishing", "open", "closing")

    @property
    def can_call(self) -> bool:
        """Whether 112 can be called from it, by whatever carries a voice."""
        return self.line.calls or self.rakel

    @property
    def relieved(self) -> bool:
        """Whether what it was opened for is over, here."""
        return self.supply.has_mains and not self._troubles

    def is_refuge(self, at: int) -> bool:
        """Whether it is warm enough to be opened, as far as its net of district heating goes."""
        return not self.heating.district or self.house.degrees(at) >= _COLD_C

    # What the krisledning decides.

    def establish(self, at: int) -> None:
        """It is being set up: staff comes, power is switched on."""
        if self.in_use:
            return
        world, settings = self._world, self._world.scenario.krisledning
        self.lifecycle = "establishing"
        self._turn += 1
        self.team.arrive(at)
        self.supply.engage(at)
        self._calls_changed(at)
        if self.lead.app:
            self._beat_from(at)
        if world.rng.random() < settings.tells_establishing_share:
            self.krisledning.tell_lifecycle(at, self, "establishing")
        self._unless_over(at + minutes(settings.open_min.draw(world.rng)), self._open)

    def begin_closing(self, at: int) -> None:
        """Visitors are asked to go home."""
        world = self._world
        self.lifecycle = "closing"
        end(self.truth.open, at)
        if world.rng.random() < world.scenario.habits.tells_closing_share:
            self.krisledning.tell_lifecycle(at, self, "closing")
        self._unless_over(at + minutes(world.scenario.krisledning.close_min.draw(world.rng)), self._close)

    # What strikes it.

    def trouble(self, at: int, what: str, unbought_per_h: float) -> None:
        """Something has struck here; `unbought_per_h`: how often something is asked for since nothing can be bought."""
        self._troubles.add(what)
        if unbought_per_h > 0:
            self._unbought_per_h = unbought_per_h
            if self.lifecycle == "open":
                self._want_later(at)

    def relieve(self, what: str) -> None:
        """It is over."""
        self._troubles.discard(what)

    def warmed(self, at: int, share: float) -> None:
        """The net of district heating gives this share of the warmth that is needed."""
        if not self.heating.district:
            return
        self.heating.set_net(at, share)
        degrees = self.house.degrees(at)
        if self.lifecycle == "open" and self.heating.is_hopeless(degrees):
            self.begin_closing(at)
        if self.in_use and degrees < _COLD_C:
            if not self.truth.cold or self.truth.cold[-1].until is not None:
                self.truth.cold.append(Spell(since=at))
        else:
            end(self.truth.cold, at)

    def mains_lost(self, at: int) -> None:
        """The mains are gone."""
        self.supply.mains_lost(at)

    def mains_back(self, at: int) -> None:
        """The mains are back."""
        self.supply.mains_back(at)

    def network_lost(self, at: int) -> None:
        """The mobile network is gone."""
        self.line.set_mobile(at, works=False)
        if self.in_use:
            self.lead.notice(at)

    def network_back(self, at: int) -> None:
        """The mobile network is back."""
        self.line.set_mobile(at, works=True)
        if self.in_use:
            self.lead.notice(at)

    # What its parts tell.

    def need(self, at: int, need: Need, *, by_krisledning: bool) -> None:
        """A need was raised or has changed: it is reported."""
        data = need.data(self._world)
        if by_krisledning:
            self.krisledning.tell(at, self, "need", data)
        else:
            self.lead.need(at, data)

    def refill(self, at: int, eta: int, *, confirmed: bool) -> None:
        """Fuel was promised: it is reported."""
        data = {"refill": {"eta": self._world.local.utc(eta), "confirmed": confirmed}}
        self.krisledning.tell(at, self, "resources", data)

    def wants_water(self, at: int) -> None:
        """The tank is getting empty."""
        world = self._world
        if not self.needs.has("water") and world.rng.random() < world.scenario.needs.water_share:
            deadline = self.needs.default_deadline(at)
            self.needs.ask(at, "water", 500, "l", "high", needed_by=deadline, arrives=self.house.fill)

    def _open(self, at: int) -> None:
        world, settings = self._world, self._world.scenario.needs
        self.lifecycle = "open"
        self.truth.open.append(Spell(since=at))
        self.house.open(at)
        self.lead.begin(at)
        self.krisledning.opened(at)
        if self._sensor is not None:
            self._read_sensor(at)
        for rate, action in ((settings.other_per_h, self._other_need), (settings.surplus_per_h, self._surplus)):
            if rate > 0:
                self._unless_over(at + hours(min(world.rng.expovariate(rate), 1_000)), action)
        self._want_later(at)

    def _close(self, at: int) -> None:
        world = self._world
        self._turn += 1
        self.lifecycle = "closed"
        leaves = world.rng.random() < world.scenario.habits.leaves_occupancy_share
        self.needs.end_all(at)
        self.refills.stop()
        self.lead.end()
        self.team.leave(at)
        self.house.close()
        self.supply.release(at)
        self.heating.release(at)
        self.line.set_powered(at, powered=True)
        for spells in (self.truth.dark, self.truth.no_112, self.truth.cold):
            end(spells, at)
        self.krisledning.tell_lifecycle(at, self, "closed", emptied=not leaves)
        self.krisledning.closed(at)

    def _power_changed(self, at: int) -> None:
        supply = self.supply
        self.line.set_powered(at, powered=supply.powered)
        self.heating.set_power(
            at, powered=supply.mode == "mains" or (supply.mode == "running" and self._heats_on_backup)
        )
        if supply.powered:
            end(self.truth.dark, at)
        elif not self.truth.dark or self.truth.dark[-1].until is not None:
            sent = self.line.last_sent
            self.truth.dark.append(Dark(since=at, cause=supply.cause, online=self.line.online, last_sent=sent))
        if self.lifecycle == "open":
            self.lead.notice(at)

    def _calls_changed(self, at: int) -> None:
        calls = self.truth.no_112
        if self.can_call or not self.in_use:
            end(calls, at)
        elif not calls or calls[-1].until is not None:
            calls.append(Spell(since=at))

    def _staff_changed(self, at: int) -> None:
        if self.lifecycle != "open":
            return
        world, team = self._world, self.team
        if team.present == 0:
            if world.rng.random() < world.scenario.habits.last_word_share:
                self.lead.last_word(at)
            return
        self.lead.notice(at)
        if team.present < team.required and world.rng.random() < world.scenario.needs.staff_share:
            missing = team.required - team.present
            deadline = self.needs.default_deadline(at)
            self.needs.ask(
                at,
                "staff",
                missing,
                "persons",
                "high",
                needed_by=deadline,
                arrives=lambda when: team.join(when, missing),
            )

    def _other_need(self, at: int) -> None:
        kind, quantity, unit = self._world.rng.choice(_OTHER_NEEDS)
        priority = self._world.rng.choice(("low", "normal", "normal", "high"))
        deadline = self.needs.default_deadline(at)
        self.needs.ask(at, kind, quantity, unit, priority, needed_by=deadline, arrives=_nothing)

    def _want_later(self, at: int) -> None:
        rate = self._unbought_per_h
        if rate > 0 and not self.trade.works:
            self._unless_over(at + hours(min(self._world.rng.expovariate(rate), 1_000)), self._want)

    def _want(self, at: int) -> None:
        self._want_later(at)
        if self.lifecycle == "open" and not self.trade.works:
            kind, quantity, unit, priority = self._world.rng.choice(_NOT_BOUGHT)
            deadline = self.needs.default_deadline(at)
            self.needs.ask(at, kind, quantity, unit, priority, needed_by=deadline, arrives=_nothing)

    def _surplus(self, at: int) -> None:
        kind, quantity, unit = self._world.rng.choice(_SURPLUS)
        self.needs.ask(at, kind, quantity, unit, "low", direction="surplus")

    def _beat_from(self, at: int) -> None:
        period = self._world.scenario.habits.heartbeat_min
        self._unless_over(at + minutes(period * self._world.rng.random()), self._beat)

    def _beat(self, at: int) -> None:
        if self.line.online:
            self._world.send(at, f"{self._prefix}heartbeat", self.lead.beat(at))
        self._unless_over(at + minutes(self._world.scenario.habits.heartbeat_min), self._beat)

    def _read_sensor(self, at: int) -> None:
        sensor = self._sensor
        if sensor is not None and self.supply.mode != "mains":
            data = {"power": gauges.power(self.supply, at, "fuel")}
            self.line.send(at, f"{self._prefix}resources", sensor.event(at, "resources", self.site.id, data))
        self._unless_over(at + minutes(self._world.scenario.habits.sensor_min), self._read_sensor)

    def _unless_over(self, when: int, action: Action) -> None:
        turn = self._turn

        def go(at: int) -> None:
            if self._turn == turn:
                action(at)

        self._world.at(when, go)


def _nothing(_at: int) -> None:
    """What comes changes nothing that is simulated."""
