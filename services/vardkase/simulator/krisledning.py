"""A kommun's krisledning: says whether points are needed, opens and closes them, calls those that are not heard."""

from typing import Any, Protocol

from vardkase.simulator.draw import hours, minutes
from vardkase.simulator.line import Line
from vardkase.simulator.point import Point
from vardkase.simulator.reporter import Reporter
from vardkase.simulator.sites import Site
from vardkase.simulator.trade import Trade
from vardkase.simulator.truth import Spell
from vardkase.simulator.world import World
from vardkase_contracts.ids import KOMMUN_ITSELF
from vardkase_contracts.subjects import report
from vardkase_contracts.vocab import ActivationState, Channel, Lifecycle, Quality, ReportKind

_TOUCHED = 0.12
"""The storm's force from which a kommun takes it seriously; below it points are soon said not to be needed."""


class Publisher(Protocol):
    """Who publishes a point's profile anew."""

    def republish(self, at: int, site: Site) -> None:
        """The kommun makes a point public."""
        ...


class Krisledning:
    """The krisledning of one kommun."""

    __slots__ = (
        "_about",
        "_active",
        "_areas_out",
        "_closing",
        "_decided",
        "_heard",
        "_hit",
        "_line",
        "_points",
        "_prefix",
        "_register",
        "_reporter",
        "_silent",
        "_state",
        "_watching",
        "_waves",
        "_world",
        "cut_off",
        "kommun",
        "trade",
    )

    def __init__(self, world: World, kommun: str, register: Publisher) -> None:
        rng = world.rng
        self._world = world
        self.kommun = kommun
        self.trade = Trade()
        self._waves = 0
        self._register = register
        self._prefix = report(world.reality, kommun, KOMMUN_ITSELF, "activation")
        self._about = f"{kommun}-{KOMMUN_ITSELF}"
        self._reporter = Reporter(
            world,
            kommun=kommun,
            name="krisledning",
            role="krisledning",
            channel="form",
            time="utc" if rng.random() < 0.5 else "local",
        )
        self._silent = rng.random() < world.scenario.krisledning.never_heard_share
        self.cut_off: list[Spell] = []
        self._line = Line(world, fixed=True, offline=self.cut_off)
        self._points: list[Point] = []
        self._heard: dict[str, int] = {}
        self._closing: set[str] = set()
        self._areas_out = 0
        self._hit = False
        self._decided = False
        self._active = 0
        self._watching = False
        self._state: ActivationState | None = None

    def take(self, points: list[Point]) -> None:
        """These are its points; retired ones are not among them."""
        self._points = points

    def plan(self, at: int, strikes: int, force: float) -> None:
        """What it does before anything has happened, given when and how hard the storm will strike."""
        world, settings = self._world, self._world.scenario.krisledning
        rng = world.rng
        if force < _TOUCHED:
            world.at(at + hours(settings.none_needed_h.draw(rng)), self._none_needed)
            return
        warned = max(at, strikes - hours(settings.warned_before_h.draw(rng)))
        world.at(warned, lambda when: self._say(when, "assessing"))
        world.at(strikes + hours(settings.none_needed_h.draw(rng)), self._none_needed)
        if rng.random() < settings.early_share:
            early = max(warned, strikes - hours(settings.early_h.draw(rng)))
            world.at(early, self._open_early)

    # What it hears of.

    def outage(self, at: int) -> None:
        """A grid area has failed."""
        world, networks = self._world, self._world.scenario.networks
        if not self._hit and world.rng.random() < networks.kommun_cut_share:
            world.at(at + hours(networks.kommun_cut_after_h.draw(world.rng)), self._cut)
        self._hit = True
        self._areas_out += 1
        if not self._decided:
            self._decided = True
            world.at(at + minutes(world.scenario.krisledning.decide_min.draw(world.rng)), self._decide)

    def _cut(self, at: int) -> None:
        """Nothing gets out of the kommun, neither from its desk nor from its points, for hours."""
        world = self._world
        for line in (self._line, *(point.line for point in self._points)):
            line.set_cut(at, cut=True)
        world.at(at + hours(world.scenario.networks.kommun_cut_h.draw(world.rng)), self._reconnect)

    def _reconnect(self, at: int) -> None:
        for line in (self._line, *(point.line for point in self._points)):
            line.set_cut(at, cut=False)

    def repaired(self, at: int) -> None:
        """A grid area works again: points may close after a while."""
        self._areas_out -= 1
        for point in self._points:
            if point.in_use:
                self._consider_closing(at, point)

    def opened(self, at: int) -> None:
        """One of its points has opened."""
        self._active += 1
        self._say(at, "active")
        if not self._watching:
            self._watching = True
            self._watch_later(at)

    def closed(self, at: int) -> None:
        """One of its points has closed."""
        self._active -= 1
        if self._active == 0 and self._areas_out == 0:
            self._say(at, "none_needed")

    def heard_otherwise(self, at: int, point: Point, visitors: int) -> None:
        """Somebody else at a point tells it another number than the site lead reported."""
        world = self._world
        rng = world.rng
        other = max(0, visitors + rng.choice((-1, 1)) * max(3, round(visitors * (0.15 + 0.2 * rng.random()))))
        when = at + minutes(world.scenario.mistakes.differs_min.draw(rng))
        world.at(when, lambda then: self.tell(then, point, "status", {"occupancy": other}, quality="relayed"))

    # What it reports about points.

    def tell(
        self,
        at: int,
        point: Point,
        kind: ReportKind,
        data: dict[str, Any],
        *,
        quality: Quality = "observed",
        channel: Channel | None = None,
    ) -> None:
        """Report about a point, from its own desk."""
        event = self._reporter.event(at, kind, point.site.id, data, quality=quality, channel=channel)
        self._line.send(at, point.prefix + kind, event)

    def tell_lifecycle(self, at: int, point: Point, lifecycle: Lifecycle, *, emptied: bool = True) -> None:
        """Report that a point has come to another part of its life; `emptied`: a closed one has no visitors."""
        data: dict[str, Any] = {"lifecycle": lifecycle}
        if lifecycle == "closed" and emptied:
            data |= {"occupancy": 0}
        share = self._world.scenario.krisledning.provisional_share
        provisional = lifecycle == "establishing" and self._world.rng.random() < share
        self.tell(at, point, "status", data, quality="provisional" if provisional else "observed")
        if lifecycle == "closed" and not emptied:
            world = self._world
            later = at + hours(0.5 + 2 * world.rng.random())
            world.at(later, lambda when: self._empty(when, point))

    def _empty(self, at: int, point: Point) -> None:
        if not point.in_use:
            self.tell(at, point, "status", {"occupancy": 0})

    def _say(self, at: int, state: ActivationState) -> None:
        if self._silent or state == self._state:
            return
        self._state = state
        event = self._reporter.event(at, "activation", self._about, {"state": state})
        self._line.send(at, self._prefix, event)

    def _none_needed(self, at: int) -> None:
        if self._decided:
            return
        if self._active == 0:
            self._say(at, "none_needed")
        for point in self._points:
            if point.in_use:
                self._consider_closing(at, point)

    # Opening.

    def _open_early(self, at: int) -> None:
        self._say(at, "activating")
        self._open(at, self._world.scenario.krisledning.early_opens)

    def _decide(self, at: int) -> None:
        world, settings = self._world, self._world.scenario.krisledning
        if self._areas_out == 0:
            # The power came back while they thought about it.
            self._none_needed_after_all(at)
            return
        self._say(at, "activating")
        self._open(at, settings.opens.draw(world.rng))
        if world.rng.random() < settings.second_wave_share:
            world.at(at + hours(settings.second_wave_h.draw(world.rng)), self._second_wave)

    def _none_needed_after_all(self, at: int) -> None:
        self._decided = False
        if self._active == 0:
            self._say(at, "none_needed")

    def _second_wave(self, at: int) -> None:
        world, settings = self._world, self._world.scenario.krisledning
        if self._areas_out > 0:
            self._open(at, settings.second_wave_opens)
            self._waves += 1
            if self._waves < settings.waves:
                world.at(at + hours(settings.second_wave_h.draw(world.rng)), self._second_wave)

    def _open(self, at: int, share: float) -> None:
        """Open a share of those not in use, rather those that have power."""
        world, settings = self._world, self._world.scenario.krisledning
        rng = world.rng
        idle = [point for point in self._points if not point.in_use and point.is_refuge(at)]
        liked = sorted(idle, key=lambda point: -self._liking(point))
        for point in liked[: max(1, round(share * len(liked)))]:
            world.at(at + minutes(settings.establish_min.draw(rng)), point.establish)
            if self._line.online and rng.random() < world.scenario.register_.publish_at_opening_share:
                self._register.republish(at, point.site)

    def _liking(self, point: Point) -> float:
        secured = (point.supply.has_mains or point.site.backup == "fixed") and point.heating.secure
        half = point.site.backup in ("mobile", "inlet")
        weight = self._world.scenario.krisledning.prefers_power
        return self._world.rng.random() + weight * (1.0 if secured else 0.6 if half else 0.0)

    # Watching.

    def _watch_later(self, at: int) -> None:
        world = self._world
        world.at(at + minutes(world.scenario.krisledning.watch_min.draw(world.rng)), self._watch)

    def _watch(self, at: int) -> None:
        if self._active == 0:
            self._watching = False
            return
        self._watch_later(at)
        quiet = minutes(self._world.scenario.krisledning.quiet_min)
        for point in self._points:
            if point.lifecycle == "open":
                heard = max(point.line.last_sent or 0, self._heard.get(point.site.id, 0), point.truth.open[-1].since)
                if at - heard >= quiet and self._world.rng.random() < self._world.scenario.krisledning.contact_share:
                    self._call(at, point)

    def _call(self, at: int, point: Point) -> None:
        rng, settings = self._world.rng, self._world.scenario.krisledning
        by_radio = not point.line.online and point.rakel
        reached = (
            point.team.present > 0 and (point.line.online or point.rakel) and rng.random() < settings.reached_share
        )
        channel: Channel = "rakel" if by_radio else "phone"
        self.tell(at, point, "contact", {"result": "reached" if reached else "failed"}, channel=channel)
        if reached:
            self._heard[point.site.id] = at
            if rng.random() < settings.relay_share:
                status = {"lifecycle": "open", "occupancy": round(point.house.visitors(at) / 5) * 5}
                self.tell(at, point, "status", status, quality="relayed", channel=channel)
                staff = {"staff": {"present": point.team.present, "required": point.team.required}}
                self.tell(at, point, "resources", staff, quality="relayed", channel=channel)
        elif not point.line.online and rng.random() < settings.tells_cut_off_share:
            comms = {"comms": {"mobile": "down", "can_call_112": False}}
            self.tell(at, point, "resources", comms, quality="estimated")
            point.lead.doubted()

    # Closing.

    def _consider_closing(self, at: int, point: Point) -> None:
        if point.site.id in self._closing:
            return
        self._closing.add(point.site.id)
        world = self._world
        delay = hours(world.scenario.krisledning.close_after_h.draw(world.rng))
        world.at(at + delay, lambda when: self._may_close(when, point))

    def _may_close(self, at: int, point: Point) -> None:
        world, settings = self._world, self._world.scenario.krisledning
        if not settings.morning <= world.local.hour(at) < settings.evening:
            # Nobody is sent home at night.
            morning = world.local.next_hour(at, settings.morning) + minutes(240 * world.rng.random())
            world.at(morning, lambda when: self._may_close(when, point))
            return
        self._closing.discard(point.site.id)
        if point.lifecycle == "open" and (self._areas_out == 0 or (point.relieved and world.rng.random() < 0.5)):
            point.begin_closing(at)
