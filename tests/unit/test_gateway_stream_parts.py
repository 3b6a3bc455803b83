"""Nothing is lost between what comes and who listens, however it is cut."""

import asyncio
import json
import random
import zlib
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from starlette.requests import Request

from gateway_kit import alert_of, state_of
from vardkase.domain.escalation import Policy
from vardkase.gateway import stream
from vardkase.gateway.client import Question
from vardkase.gateway.documents import AlertHeld, Held, Point, around
from vardkase.gateway.frames import GZIP_HEAD, Gathered, Position, Resume, deflated, event, pieces
from vardkase.gateway.hub import Hub
from vardkase.gateway.live import Change, World
from vardkase.gateway.metrics import GatewayMetrics
from vardkase.gateway.principal import Principal
from vardkase.gateway.recent import RecentAlerts
from vardkase.runtime.settings import load
from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import REALITIES

WHO = Principal(id="who", role="reader", area=Area.parse("SE"), realities=frozenset(REALITIES))
EPOCH = "0123456789ab"


class Fake:
    """What is live, without a bus: what is put is held, and told."""

    whole = True
    epoch = EPOCH

    def __init__(self) -> None:
        self.worlds = {reality: World(reality) for reality in REALITIES}
        self.last_seq = {"picture": 0, "alert": 0, "state": 0}
        self.log: list[Change] = []
        self._listeners: list[Callable[[Change], None]] = []

    def listen(self, listener: Callable[[Change], None]) -> None:
        self._listeners.append(listener)

    def on_reset(self, told: Callable[[], None]) -> None:
        """Never."""

    def put(self, kind: Any, key: str, reality: Any = "act") -> Change:
        """A change about an area, a point or an alert."""
        sequence = self.last_seq[kind] + 1
        world, held = self.worlds[reality], Held(sequence, 0, b'{"n":%d,"key":"%s"}' % (sequence, key.encode()), "")
        if kind == "picture":
            area = Area.parse(key)
            world.pictures[area] = held
            areas = around(area)
        elif kind == "state":
            world.put_point(Point(state_of(key), held))
            areas = around(Area("kommun", key[:4]))
        else:
            alert = AlertHeld(alert_of(key), held, Policy())
            world.put_alert(alert)
            areas = alert.areas
        change = Change(reality, kind, key, areas, held)
        self.log.append(change)
        for listener in self._listeners:
            listener(change)
        self.last_seq[kind] = sequence
        return change


class Listener:
    """A client that is cut now and then, in the middle of what it is told, and comes back with the last id."""

    def __init__(self, house: Any, question: Question) -> None:
        self.house = house
        self.question = question
        self.last: str | None = None
        self.alerts: list[int] = []
        self.newest: dict[tuple[str, str], int] = {}
        self.resets = 0
        self._parts: AsyncIterator[bytes] | None = None
        self._coming: asyncio.Task[bytes] | None = None

    async def hear(self, most: int) -> None:
        """Take up to so many parts, as far as there are any."""
        if self._parts is None:
            request = Request({"type": "http", "headers": [(b"accept-encoding", b"identity")]})
            self._parts = stream._told(request, self.house, self.question, WHO, self.last)
        for _ in range(most):
            if self._coming is None:
                self._coming = asyncio.ensure_future(anext(self._parts))  # type: ignore[arg-type]
            for _ in range(8):
                await asyncio.sleep(0)
            if not self._coming.done():
                return
            part, self._coming = self._coming.result(), None
            self._take(part)

    async def cut(self, chance: random.Random) -> None:
        """The connection is lost; perhaps a part of what was under way still came."""
        if self._coming is not None and self._coming.done():
            part = self._coming.result()
            self._take(part[: chance.randrange(len(part) + 1)])
        elif self._coming is not None:
            self._coming.cancel()
            await asyncio.gather(self._coming, return_exceptions=True)
        if self._parts is not None:
            await self._parts.aclose()  # type: ignore[attr-defined]
        self._parts = self._coming = None

    def _take(self, part: bytes) -> None:
        for text in part.decode().split("\n\n")[:-1]:  # what is not whole is not taken
            fields = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
            self.last = fields.get("id", self.last)
            name = fields.get("event")
            if name == "reset":
                self.resets += 1
            elif name in {"alert", "picture", "state"}:
                data = json.loads(fields["data"])
                if name == "alert":
                    self.alerts.append(data["n"])
                assert data["n"] > self.newest.get((name, data["key"]), 0), "nothing comes twice, or goes back"
                self.newest[name, data["key"]] = data["n"]


def house_of(live: Fake, *, remembered: int) -> Any:
    settings = load(web={"recent_alerts": remembered, "heartbeat": 1000, "gather": 1000})
    counts = GatewayMetrics(CollectorRegistry())
    hub = Hub(live, settings, counts, lambda *_: lambda: None)  # type: ignore[arg-type]
    live.listen(hub._changed)
    hub.begin_recent()
    return SimpleNamespace(live=live, hub=hub, settings=settings, counts=counts)


QUESTIONS = (
    Question("act", Area.parse("SE")),
    Question("act", Area.parse("24"), "all", alerts=True, states=True),
    Question("act", Area.parse("2480"), "none", alerts=True, states=True),
    Question("exe", Area.parse("SE"), "all", alerts=True),
)
KEYS = {
    "picture": ("SE", "norra", "24", "01", "2480", "0180"),
    "state": ("2480-a", "2480-b", "2401-c", "0180-d"),
    "alert": ("power.lost/2480-a", "heat.low/2480-a", "power.lost/0180-d", "area.silent/2401", "area.red_share/24"),
}


@pytest.mark.parametrize("seed", range(60))
async def test_nobody_misses_anything_however_it_is_cut(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """For random changes, slowness and cuts: every change of an alert once, in order; of the rest the last."""
    chance = random.Random(seed)
    live = Fake()

    async def from_the_log(_: Any, question: Question, since: Position, *, upto: int) -> AsyncIterator[bytes]:
        alerts = [c for c in live.log if c.kind == "alert" and since.alert < c.held.sequence <= upto]
        for piece, _ in pieces(filter(question.wants, alerts), EPOCH, since):
            yield piece

    monkeypatch.setattr(stream, "missed_alerts", from_the_log)
    for _ in range(20):
        kind = chance.choice(list(KEYS))
        live.put(kind, chance.choice(KEYS[kind]), chance.choice(("act", "act", "exe")))
    house = house_of(live, remembered=chance.choice((1, 5, 1000)))
    listeners = [Listener(house, question) for question in QUESTIONS for _ in range(2)]
    for each in listeners:
        await each.hear(100)
    began = live.last_seq["alert"]
    for _ in range(120):
        match chance.random():
            case x if x < 0.6:
                kind = chance.choice(list(KEYS))
                live.put(kind, chance.choice(KEYS[kind]), chance.choice(("act", "act", "exe")))
            case x if x < 0.75:
                house.hub.flush()
            case x if x < 0.9:
                await chance.choice(listeners).hear(chance.choice((1, 2, 100)))
            case _:
                await chance.choice(listeners).cut(chance)
    house.hub.flush()
    for each in listeners:
        await each.hear(1000)
        house.hub.flush()
        await each.hear(1000)
        wanted = [change for change in live.log if each.question.wants(change)]
        after = [change.held.sequence for change in wanted if change.kind == "alert" and change.held.sequence > began]
        assert [number for number in each.alerts if number > began] == after
        last = {(change.kind, change.key): change.held.sequence for change in wanted}
        assert {key: each.newest[key] for key in last if key[0] != "alert"} == {
            key: number for key, number in last.items() if key[0] != "alert"
        }
        assert not each.resets
        await each.cut(chance)
    assert not len(house.hub)
    assert not house.hub._groups
    assert not house.hub._by_area
    assert not house.hub._each


def test_what_is_gathered_is_bounded_by_its_keys() -> None:
    """Of a picture or a state the newest alone; of alerts every one; in the order of their sequences."""
    live, gathered = Fake(), Gathered()
    for _ in range(50):
        gathered.add(live.put("picture", "24"))
        gathered.add(live.put("picture", "SE"))
        gathered.add(live.put("alert", "power.lost/2480-a"))
        gathered.add(live.put("state", "2480-a"))
    assert gathered.counts() == {"alert": 50, "picture": 2, "state": 1}
    assert gathered.coalesced == {"picture": 98, "state": 49}
    told = [(change.kind, change.held.sequence) for change in gathered.changes()]
    assert told == [*(("alert", number) for number in range(1, 51)), ("picture", 99), ("picture", 100), ("state", 50)]


def test_an_event_is_one_event_whatever_is_in_it() -> None:
    """A line break in the JSON does not end it."""
    made = event("alert", b'{"a":\n1,\r\n"b":2}', "x.1.2.3")
    assert made.count(b"\n\n") == 1
    fields = dict(line.split(b": ", 1) for line in made.splitlines() if line)
    assert json.loads(fields[b"data"]) == {"a": 1, "b": 2}


def test_deflated_parts_make_one_gzip_stream_in_any_order() -> None:
    """A part is compressed once, and each client's stream is whole though they began at different times."""
    parts = [event("alert", b'{"n":%d}' % number) * 20 for number in range(5)]
    packed = [deflated(part) for part in parts]
    for order in ((0, 1, 2, 3, 4), (3, 4), (4, 0, 2)):
        reader = zlib.decompressobj(wbits=31)
        text = reader.decompress(GZIP_HEAD + b"".join(packed[number] for number in order))
        assert text == b"".join(parts[number] for number in order), "at once, without the end of the stream"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        f"{EPOCH}.1.2",
        f"{EPOCH}.1.2.-3",
        f"{EPOCH}.1.2.3.4",
        f"{EPOCH}.1.2.3\n",
        f"{EPOCH}.\uff11.2.3",
        "." * 99,
    ],
)
def test_an_id_that_is_none_of_ours_is_none(text: str) -> None:
    """Whatever a client sends as its last id."""
    assert Resume.parse(text) is None


def test_an_id_is_read_as_it_was_written() -> None:
    """Epoch and the three positions."""
    position = Position(picture=3, alert=2, state=1)
    assert Resume.parse(position.id(EPOCH)) == Resume(EPOCH, position)


def test_the_memory_of_alerts_knows_what_it_does_not_know() -> None:
    """Beyond what it holds it says so; filled from the log, it reaches further back; never with a gap."""
    live = Fake()
    changes = [live.put("alert", "power.lost/2480-a") for _ in range(20)]
    recent = RecentAlerts(6)
    assert recent.since(0) is None
    recent.begin(10)
    for change in changes[10:14]:
        recent.add(change)
    assert recent.since(10) == changes[10:14]
    assert recent.since(12) == changes[12:14]
    assert recent.since(9) is None
    recent.recall(changes[3:10], 3)
    assert recent.since(8) == changes[8:14]
    assert recent.since(7) is None, "there is room for six"
    for change in changes[14:]:
        recent.add(change)
    assert recent.since(14) == changes[14:]
    assert recent.since(13) is None
    recent.forget()
    assert recent.since(19) is None


def test_the_memory_is_filled_whole_when_there_is_room() -> None:
    """All that was before is held, from where it was read."""
    live = Fake()
    changes = [live.put("alert", "power.lost/2480-a") for _ in range(8)]
    recent = RecentAlerts(100)
    recent.begin(5)
    recent.recall(changes[2:5], 2)
    recent.add(changes[5])
    assert recent.since(2) == changes[2:6]
    assert recent.since(1) is None
