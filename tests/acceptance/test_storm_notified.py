"""A night of the simulated storm in a län, on a driven clock, with a real Alertmanager and a webhook behind it.

Run by `uv run pytest -m campaign tests/acceptance/test_storm_notified.py -s`; it prints how early people were told.
"""

import asyncio
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from notify_kit import AlertmanagerServer, Got, Sink, hooks_file, scaled
from servers import Eventually
from up import Up, node_up
from vardkase.cli.storm import Inlet, Paused, load_scenario
from vardkase.runtime.clock import DrivenTime
from vardkase.runtime.jetstream.connection import Connection, connect
from vardkase.runtime.jetstream.values import scan
from vardkase.simulator.player import play
from vardkase.simulator.simulation import Simulation
from vardkase_contracts import streams
from vardkase_contracts.instants import HOUR, MINUTE, SECOND, parse

pytestmark = [pytest.mark.alertmanager, pytest.mark.campaign, pytest.mark.timeout(900)]

LAN: Final = "14"
"""Västra Götaland: with 49 kommuner the one that is told of most."""
HOURS: Final = 24.0
SPEED: Final = 300.0
MOST_AN_HOUR: Final = 30
KEPT: Final = 30
"""Seconds between two times that Alertmanager writes down what it has notified of, as operators are told to have it."""
MUTED: Final = ("heat.low", "comms.112", "service.stopped")
WARNINGS: Final = ("power.endurance", "power.battery")
_SAME_MOMENT: Final = 30 * MINUTE
_BUCKETS: Final = (5, 15, 30, 60, 120, 240, 480, 960)
"""Minutes."""


@dataclass
class Night:
    """What came of a night: all in the node's time, µs."""

    alerts: list[dict[str, Any]]
    """Every change of an alert, as published."""
    notified: list[tuple[int, dict[str, Any]]]
    """What Alertmanager notified, and when."""
    hooked: list[tuple[int, dict[str, Any]]]
    """What our own webhook told, and when."""
    truth: dict[str, Any]
    held: set[str]
    """The keys that Alertmanager held in the end."""
    away: tuple[int, int] | None = None
    """When Alertmanager was away."""
    began: int = 0
    unforeseen: list[str] = field(default_factory=list)

    def first_notified(self) -> dict[str, list[int]]:
        """When each key was notified as firing, each time."""
        found: dict[str, list[int]] = defaultdict(list)
        for at, body in self.notified:
            for each in body["alerts"]:
                if each["status"] == "firing":
                    found[each["labels"]["key"]].append(at)
        return found


@asynccontextmanager
async def sinks() -> AsyncIterator[Sink]:
    sink = Sink()
    await sink.start()
    try:
        yield sink
    finally:
        await sink.stop()


async def night(directory: Path, *, killed: bool, eventually: Eventually) -> Night:
    """Play it, from the storm's beginning; in its middle Alertmanager is killed for ten minutes of the node's time."""
    storm = load_scenario("storm-gotaland", None)
    anchor = time.time_ns() // 1000
    driven = DrivenTime(start=anchor - round(1000 * HOUR), speed=SPEED, anchor=anchor + 20 * SECOND)
    async with sinks() as sink:
        kept = f"{round(1000 * KEPT / SPEED)}ms"
        server = AlertmanagerServer(directory / "am", sink.url("/am"), route=scaled(SPEED), kept=kept)
        server.start()
        variables = {name.upper(): value for name, value in driven.settings().items()}
        file = hooks_file(directory, hook=f'url = "{sink.url("/hook")}"')
        variables |= {
            "ALERTMANAGER_URL": server.url,
            "NOTIFY_WEBHOOKS": str(file),
            "NOTIFY_RESEND": "500ms",
            "ARCHIVE": "off",
            "GATEWAY": "off",
            "LOG_LEVEL": "warning",
            # Alerts alone are counted here: nobody acknowledges anything all night.
            **dict.fromkeys(
                (f"ESCALATION_{level}_{to}" for level in ("RED", "CRITICAL") for to in ("SIDEWAYS", "UP")), "0"
            ),
        }
        try:
            with node_up(directory, area=LAN, **variables) as up:
                return await _play(up, driven, storm, sink, server, killed=killed, eventually=eventually)
        finally:
            server.kill()


async def _play(
    up: Up,
    driven: DrivenTime,
    storm: Any,
    sink: Sink,
    server: AlertmanagerServer,
    *,
    killed: bool,
    eventually: Eventually,
) -> Night:
    nc = await connect(up.told["nats"], name="storm")
    away: tuple[int, int] | None = None
    try:
        inlet = await Inlet.find(nc)
        began = driven.now()
        simulation = await asyncio.to_thread(Simulation, storm, 1, began)
        emissions = Paused(simulation)
        end = began + round(HOURS * HOUR)
        if killed:
            middle = began + round(HOURS / 2 * HOUR)
            await play(emissions.until(middle), inlet.publish, start=began, speed=SPEED)
            server.kill()
            gone = driven.now()
            await play(emissions.until(middle + 10 * MINUTE), inlet.publish, start=driven.now(), speed=SPEED)
            away = (gone, driven.now())
            await asyncio.to_thread(server.start)
        await play(emissions.until(end), inlet.publish, start=driven.now(), speed=SPEED)
        await eventually(lambda: _settled(nc, server), what="Alertmanager holds what stands", within=30)
        # Alertmanager waits for nothing but time before it tells the last: twice its longest interval.
        await asyncio.sleep(2 * 30 * 60 / SPEED)
        alerts = await _alerts(nc)
        return Night(
            alerts=alerts,
            notified=_in_node_time(sink.to("/am"), driven),
            hooked=_in_node_time(sink.to("/hook"), driven),
            truth=dict(simulation.truth),
            held=set(await asyncio.to_thread(server.alerts)),
            away=away,
            began=began,
        )
    finally:
        await nc.close()


async def _alerts(nc: Connection) -> list[dict[str, Any]]:
    return [json.loads(each.data) async for each in scan(nc, streams.ALERTS, [])]


def _standing(alerts: Iterable[dict[str, Any]]) -> dict[str, str]:
    last = {each["key"]: each for each in alerts}
    return {key: each["level"] for key, each in last.items() if each["status"] == "firing"}


async def _settled(nc: Connection, server: AlertmanagerServer) -> bool:
    """Whether it holds what stands; the node's clock goes on, so both are asked in the same moment."""
    standing = _standing(await _alerts(nc))
    return {key: held.split()[0] for key, held in (await asyncio.to_thread(server.alerts)).items()} == standing


def _in_node_time(got: list[Got], driven: DrivenTime) -> list[tuple[int, dict[str, Any]]]:
    offset = time.time() - time.monotonic()
    return [
        (driven.start + round(((each.at + offset) * SECOND - driven.anchor) * driven.speed), each.json) for each in got
    ]


def leads(told: Night) -> tuple[list[int], Counter[str]]:
    """How long before each point ran dry somebody was notified, µs; and what became of all of those that did."""
    episodes: dict[str, list[tuple[int, int | None]]] = defaultdict(list)
    for each in told.alerts:
        if each["rule"] in WARNINGS:
            point, at = each["point"]["id"], parse(each["changed_at"])
            open_now = episodes[point] and episodes[point][-1][1] is None
            if each["status"] == "cleared":
                episodes[point][-1] = (episodes[point][-1][0], at)
            elif not open_now:
                episodes[point].append((at, None))
    notified = told.first_notified()
    found: list[int] = []
    counts: Counter[str] = Counter()
    for point in told.truth.values():
        for spell in point.ran_dry:
            if not point.id.startswith(LAN):
                continue
            counts["ran dry"] += 1
            published = [
                since
                for since, until in episodes[point.id]
                if since <= spell.since and (until is None or until >= spell.since - _SAME_MOMENT)
            ]
            if not published:
                blind = spell.last_sent is None or not spell.online
                counts["no report could tell" if blind else "reported too late"] += 1
                continue
            counts["warned of"] += 1
            at = [
                when
                for rule in WARNINGS
                for when in notified[f"{rule}/{point.id}"]
                if min(published) <= when <= spell.since
            ]
            if at:
                found.append(spell.since - min(at))
            else:
                told.unforeseen.append(f"{point.id}: warned {(spell.since - min(published)) / MINUTE:.1f} min before")
    return found, counts


def twins(notified: list[tuple[int, dict[str, Any]]]) -> list[str]:
    """Notifications that say what the one before of the same group said, and alerts that stand twice in one."""
    found: list[str] = []
    last: dict[str, Any] = {}
    for _, body in notified:
        said = sorted(
            (each["status"], each["labels"]["level"], each["labels"]["key"], each["labels"]["event"])
            for each in body["alerts"]
        )
        firing = [key for status, _, key, _ in said if status == "firing"]
        found += [f"{key}: two levels in one" for key, count in Counter(firing).items() if count > 1]
        if last.get(body["groupKey"]) == said and firing:
            found.append(f"{body['groupKey']}: the same again")
        last[body["groupKey"]] = said
    return found


def left_open(told: Night) -> list[str]:
    """Groups that people were last told of as firing though nothing that they were told of stands any more.

    But for what another alert mutes: Alertmanager is silent about its end too.
    """
    last = {body["groupKey"]: body for _, body in told.notified}
    return [
        group
        for group, body in last.items()
        if body["status"] == "firing"
        and body["groupLabels"].get("rule") not in MUTED
        and not any(each["status"] == "firing" and each["labels"]["key"] in told.held for each in body["alerts"])
    ]


def show(told: Night, found: list[int], counts: Counter[str], hours: Counter[int]) -> None:
    """The histogram, for people."""
    minutes = sorted(lead / MINUTE for lead in found)
    lines = [f"{LAN}: {dict(counts)}; notified before it ran dry: {len(found)}"]
    for low, high in zip((0, *_BUCKETS), (*_BUCKETS, 10**6), strict=True):
        count = sum(low <= each < high for each in minutes)
        lines.append(f"  {low:>4} min or more: {count:>4} {'#' * count}")
    if minutes:
        lines.append(f"  least {minutes[0]:.1f} min, median {minutes[len(minutes) // 2]:.0f} min")
    lines.append(
        f"changes of alerts {len(told.alerts)}, notifications {len(told.notified)}, webhooks {len(told.hooked)}"
    )
    worst = max(hours.values(), default=0)
    lines.append(f"worst hour: {worst} notifications; Alertmanager away: {told.away is not None}")
    sys.stdout.write("\n".join(["", *lines, ""]))


@pytest.mark.parametrize("killed", [False, True], ids=["whole", "alertmanager killed for ten minutes"])
async def test_a_storm_is_notified_in_time(tmp_path: Path, eventually: Eventually, *, killed: bool) -> None:
    """Every point that ran dry and could be foreseen was notified before it did; nothing twice; ended when over."""
    told = await night(tmp_path, killed=killed, eventually=eventually)
    found, counts = leads(told)
    hours = Counter(at // HOUR for at, _ in told.notified)
    show(told, found, counts, hours)
    assert counts["warned of"] > 10
    assert not told.unforeseen
    assert not twins(told.notified)
    after = set() if told.away is None else {hour // HOUR for hour in (told.away[0], told.away[1], told.away[1] + HOUR)}
    assert max(count for hour, count in hours.items() if hour not in after) < MOST_AN_HOUR
    # Back again, it tells of what is new in each group at once, and not when that would have been its turn.
    assert max((count for hour, count in hours.items() if hour in after), default=0) < 2 * MOST_AN_HOUR
    standing = _standing(told.alerts)
    hook: dict[str, str] = {}
    for _, body in told.hooked:
        key = body["data"]["labels"]["key"]
        hook[key] = body["type"]
    assert {key for key, what in hook.items() if what != "alert.cleared"} <= set(standing) | told.held
    ids = [body["data"]["id"] for _, body in told.hooked]
    assert len(ids) == len(set(ids))
    assert not left_open(told)
