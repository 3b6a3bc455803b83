"""Replay: what the archive says a picture was is what it was."""

import json
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from archive_kit import FAST, LAN, Archive, order
from pydantic import SecretStr

from servers import Dial, Eventually, NatsServer
from vardkase.aggregator.app import Aggregator
from vardkase.aggregator.rules_file import load_rules
from vardkase.archive.replay import Answer, Question, canonical, replay
from vardkase.archive.store import Basis, opened
from vardkase.federation import topology
from vardkase.runtime.database import Away
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.values import last_values
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import HOUR, MINUTE, iso, parse
from vardkase_contracts.vocab import Reality

BASES: tuple[Basis, ...] = ("known", "observed")
AREAS = (Area.parse("24"), Area.parse("2480"), Area.parse("2401"))


class Story:
    """Reports of some points, some of them late, twice, with another's id, withdrawn, or in an exercise."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._made = 0
        self.points = [f"{code}-p{number}" for code in ("2480", "2401", "2482") for number in range(5)]

    def report(
        self, point: str, kind: str, at: int, data: dict[str, Any], *, name: str | None = None, reality: str = "act"
    ) -> Outgoing:
        """A report as it stands in the log."""
        self._made += 1
        name = name or f"r{self._made}"
        kommun, slug = point[:4], point[5:]
        event = {
            "specversion": "1.0",
            "id": name,
            "source": f"urn:tp:kommun:{kommun}:{self._chance.choice('ab')}",
            "type": f"se.trygghetspunkt.{kind}.v1",
            "subject": point,
            "time": iso(at),
            "reality": reality,
            "data": data,
        }
        return Outgoing(
            subject=f"tp.v1.{reality}.accepted.24.{kommun}.{slug}.{kind}",
            data=json.dumps(event).encode(),
            headers={"Tp-Received": iso(max(at, 0)), "Tp-Origin": f"lan-24/{self._made}"},
            message_id=f"{reality}.{kommun}.{name}.{self._made}",
        )

    def beginning(self, now: int) -> list[Outgoing]:
        """Points that are registered and open."""
        made: list[Outgoing] = []
        for point in self.points:
            profile = {"name": point, "kind": "trygghetspunkt", "position": {"lon": 20.0, "lat": 64.0}}
            made.append(self.report(point, "register", now - 30 * HOUR, profile | {"staff_required": 3}))
            made.append(self.report(point, "status", now - 10 * HOUR, {"lifecycle": "open"}))
            made.append(self.report(point, "status", now - 2 * HOUR, {"lifecycle": "open"}, reality="exe"))
        made.append(self.report("2480-_", "activation", now - HOUR, {"state": "active"}))
        made.append(self.report("2401-p1", "retire", now - HOUR, {"reason": "x", "replaced_by": "2480-p1"}))
        made.append(
            self.report(
                "2401-p1",
                "need",
                now - 3 * HOUR,
                {"need_id": "n", "direction": "need", "kind": "fuel", "priority": "urgent", "state": "requested"},
            )
        )
        return made

    def more(self, count: int, *, earliest: int, latest: int) -> list[Outgoing]:
        """What comes in, observed between two instants."""
        chance, made = self._chance, list[Outgoing]()
        for _ in range(count):
            point = chance.choice(self.points)
            at = chance.randrange(earliest, latest)
            name = chance.choice((None, None, None, None, "r7", f"c{chance.randrange(5)}"))
            backup = {"source": "backup", "backup_state": "running", "endurance_h": chance.choice((1, 5, 30))}
            kind, data = chance.choice(
                [
                    ("resources", {"power": chance.choice((backup, {"source": "mains"}, {"source": "none"}))}),
                    ("resources", {"staff": {"present": chance.randrange(5)}}),
                    ("status", {"occupancy": chance.randrange(80), "lifecycle": chance.choice(("open", "closed"))}),
                    ("heartbeat", {}),
                    ("confirm", {}),
                ]
            )
            made.append(self.report(point, kind, at, data, name=name))
        return made

    def withdraw(self, kommun: str, names: list[str], at: int) -> Outgoing:
        """Those reports were wrong."""
        return self.report(f"{kommun}-_", "withdraw", at, {"report_ids": names, "reason": "x"})


class Living:
    """A node's aggregator beside its archiver, and the pictures that it publishes."""

    def __init__(self, archive: Archive, nc: Connection, eventually: Eventually) -> None:
        self.archive = archive
        self._nc = nc
        self._eventually = eventually

    async def picture(self, area: Area, after: int, reality: Reality = "act") -> dict[str, Any]:
        """The picture of an area, of an instant after this one."""
        found: dict[str, Any] = {}

        async def there() -> bool:
            pattern = subjects.picture(reality, area)
            async for delivery in last_values(self._nc, streams.PICTURES, [pattern]):
                found.update(json.loads(delivery.data))
            return bool(found) and parse(found["as_of"]) > after

        await self._eventually(there, what="a picture", within=15)
        return found

    async def settled(self) -> int:
        """An instant at which everything is merged and archived."""
        await self.archive.until_caught_up()
        return time.time_ns() // 1000 + MINUTE // 60

    async def replayed(self, area: Area, at: int, basis: Basis, reality: Reality = "act") -> Answer:
        """What the archive says."""
        async with opened(SecretStr(self.archive.database), "test") as store:
            return await replay(store, Question(area, reality, at, basis), lambda: load_rules(None))


@pytest.fixture
async def living(
    nats_server: NatsServer, dial: Dial, database: str, tmp_path: Path, eventually: Eventually
) -> AsyncIterator[Living]:
    nc = await dial(nats_server.url)
    await topology.ensure(nc, LAN, share=0.1)
    archive = Archive(nc, database, tmp_path, eventually)
    own = {"aggregator": {"republish": 0.2, "coalesce": 0.05, "tick": 0.05}}
    aggregator = Aggregator(Settings(data_dir=tmp_path, area="24", **{**FAST, **own}), Metrics())
    await aggregator.start(await dial(nats_server.url))
    await archive.start()
    yield Living(archive, nc, eventually)
    await archive.stop()
    aggregator.tasks.closing()
    await aggregator.stop()


def told(picture: dict[str, Any]) -> dict[str, Any]:
    """The picture without its course of events, which is a matter of when things were seen."""
    return {name: value for name, value in picture.items() if name != "events"}


async def test_a_picture_is_what_it_was(living: Living) -> None:
    """Replayed, known or observed, an instant is as it was live; late reports change what we now know it was alone."""
    now = time.time_ns() // 1000
    story = Story(7)
    await living.archive.write(
        streams.ORDERS_UP,
        [
            order("incident", _incident(now), identity="i1", at=now - HOUR),
            order(
                "rules",
                {"scope": "2480", "override": {"power.endurance": {"keep": "1h"}}},
                identity="o1",
                at=now - HOUR,
            ),
        ],
    )
    await living.archive.reports(*story.beginning(now), *story.more(150, earliest=now - 9 * HOUR, latest=now - MINUTE))
    await living.archive.reports(story.withdraw("2480", ["r3", "c1"], now - MINUTE))
    first = await living.settled()
    before: dict[Area, dict[str, Any]] = {}
    for area in AREAS:
        live = before[area] = await living.picture(area, first)
        for basis in BASES:
            answer = await living.replayed(area, parse(live["as_of"]), basis)
            assert told(answer.picture) == told(live), (area, basis)
            assert canonical(answer.picture) == canonical(
                (await living.replayed(area, parse(live["as_of"]), basis)).picture
            )
    exercise = await living.picture(AREAS[0], first, "exe")
    answer = await living.replayed(AREAS[0], parse(exercise["as_of"]), "known", "exe")
    assert told(answer.picture) == told(exercise)
    assert exercise["coverage"]["expected"] > len(story.points) / 2  # by the registers of `act`

    late = story.more(60, earliest=now - 9 * HOUR, latest=now - MINUTE)
    await living.archive.reports(*late, story.withdraw("2401", ["r8", "c2"], now))
    second = await living.settled()
    changed = 0
    for area, live in before.items():
        at = parse(live["as_of"])
        assert told((await living.replayed(area, at, "known")).picture) == told(live)
        since = (await living.replayed(area, at, "observed")).picture
        changed += told(since) != told(live)
        again = await living.picture(area, second)
        for basis in BASES:
            answer = await living.replayed(area, parse(again["as_of"]), basis)
            assert told(answer.picture) == told(again), (area, basis)
    assert changed


def _incident(now: int) -> dict[str, Any]:
    return {
        "id": "storm",
        "name": "Storm",
        "areas": ["2480", "2481"],
        "from": iso(now - HOUR),
        "until": iso(now + HOUR),
    }


async def test_what_was_raised_and_cleared_is_told(living: Living) -> None:
    """The course of events before an instant, from the alerts that were published; not what came after it."""
    now = time.time_ns() // 1000
    story = Story(1)
    await living.archive.reports(
        story.report("2480-p1", "status", now - HOUR, {"lifecycle": "open"}),
        story.report("2480-p1", "resources", now - HOUR, {"power": {"source": "none"}}),
    )
    first = await living.settled()
    await living.picture(AREAS[1], first)
    await living.archive.until_caught_up()
    at = time.time_ns() // 1000
    await living.archive.reports(story.report("2480-p1", "resources", now - MINUTE, {"power": {"source": "mains"}}))
    await living.settled()

    async def kinds(instant: int) -> list[tuple[str, str | None]]:
        answer = await living.replayed(AREAS[1], instant, "known")
        return [(event["kind"], event["rule"]) for event in answer.picture["events"] if event["rule"] == "power.lost"]

    assert await kinds(at) == [("raised", "power.lost")]
    assert await kinds(time.time_ns() // 1000 + 1) == [("cleared", "power.lost"), ("raised", "power.lost")]


async def test_a_database_that_is_no_archive_is_refused(database: str) -> None:
    """An empty database is told of in one line."""
    with pytest.raises(Away, match="no tables of an archive"):
        async with opened(SecretStr(database), "test"):
            pass
