"""A hostile kommun with a key, a client and a server of its own: refused or harmless, counted, and no harm to others.

Who is hostile is let in rightly: Skellefteå has a node whose server its owner has altered to deny nothing, and
Nordmaling reports at the län's node with a client that follows no rule. The neighbour is Umeå.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import nats
import nats.errors
import pytest
import pytest_asyncio
from nats.aio.client import Client

from federation.kit import Federation, Level
from federation.services_kit import LevelServices, log, merged, report, require_signatures, signer_of
from federation.test_keys import Hostile
from servers import Eventually
from vardkase.federation.keys import new_user
from vardkase.federation.wiring import UP
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.nats_refusals import Refusals
from vardkase_contracts import signing, streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.client.signer import Ed25519Signer

pytestmark = pytest.mark.asyncio(loop_scope="module")

OWN, NEIGHBOUR = "2482-skolan", "2480-skolan"
STRANGER = Ed25519Signer(b"\7" * 32)
QUIET = 2.0
"""Seconds in which what must not come would have come."""
FLOOD, AT_ONCE = 10_000, 500
FILLING = 8_000
PACE = 0.2
"""Seconds between two of its writes: the log here has room for seconds, and not for hours as a real one."""
PATIENCE = 5.0
"""Seconds that a neighbour's report may take through a flood, on a computer that does other things too."""


class Ring:
    """The nation, the län with its aggregator, the neighbour, and the hostile one."""

    def __init__(self, federation: Federation, eventually: Eventually) -> None:
        self.federation = federation
        self.eventually = eventually
        self.nation: Level
        self.lan: Level
        self.neighbour: Level
        self.hostile: Hostile
        self.services: LevelServices
        self.refusals: Refusals

    async def start(self) -> None:
        federation = self.federation
        self.nation = await federation.begin()
        self.lan = await federation.join("24", parent=True)
        self.neighbour = await federation.join("2480")
        federation.office.add(Area.parse("2482"), parent=None, leaf=None)
        federation.office.add_reporter(Area.parse("2401"), node=None)
        require_signatures(federation, "2480", "2482", "2401")
        name = "kommun-2482"
        self.hostile = Hostile(name, "2482", federation.file, federation.directory / name, None)
        federation.levels[name] = self.hostile
        await self.hostile.start()
        self.hostile.allow_all()
        await self.hostile.links._relink()
        for stream, family in ((streams.REPORTS, "accepted"), (streams.ORDERS_UP, "order")):
            config = (await call(self.hostile.nc, f"STREAM.INFO.{stream}"))["config"]
            widened = config | {"subjects": [f"tp.v1.*.{family}.>"]}
            await call(self.hostile.nc, f"STREAM.UPDATE.{stream}", widened)
        await federation.until_up()
        self.refusals = Refusals(self.lan.bus.log_file)
        self.services = LevelServices(self.lan, self.eventually)
        await self.services.start("aggregator")

    def foreign(self) -> int:
        """What the län has counted of messages that were not the hostile one's to send."""
        return next(each.foreign for each in self.lan.links.seen if each.node == "kommun-2482")

    def metric(self, name: str, **labels: str) -> float:
        """A sample of the län's aggregator; 0 when there is none."""
        shown = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
        return self.services.metrics("aggregator").get(f"{name}{{{shown}}}", 0.0)

    async def occupancy(self, point: str) -> Any:
        """How many are at a point, as the län's states say."""
        states = {each.get("id"): each for each in (await self.services.last(streams.STATE)).values()}
        return states.get(point, {}).get("facts", {}).get("occupancy", {}).get("value")

    async def neighbours_word_arrives(self, number: int, name: str) -> float:
        """The neighbour says how many are there; seconds until the län's state says so, too."""
        began = time.monotonic()
        signer = signer_of(self.federation, "kommun-2480")
        said = report(NEIGHBOUR, "status", {"lifecycle": "open", "occupancy": number}, id=name)
        await log(self.neighbour, merged(said, signer))

        async def there() -> bool:
            return await self.occupancy(NEIGHBOUR) == number

        await self.eventually(there, what="the neighbour's word", within=20)
        return time.monotonic() - began


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ring(tmp_path_factory: pytest.TempPathFactory, eventually: Eventually) -> AsyncIterator[Ring]:
    made = Ring(Federation(tmp_path_factory.mktemp("hostile"), eventually), eventually)
    try:
        await made.start()
        yield made
    finally:
        if hasattr(made, "services"):
            await made.services.stop()
        await made.federation.stop()


async def test_publishing_for_another_kommun(ring: Ring) -> None:
    """In its own log, in another's name, with a signature of its own: it lands, is counted, and goes no further."""
    signer = signer_of(ring.federation, "kommun-2482")
    forged = [report(NEIGHBOUR, "status", {"lifecycle": "open", "occupancy": 1_000 + n}, id=f"f{n}") for n in range(5)]
    before, counted = await ring.services.counted("tp.v1.*.accepted.24.2480.>"), ring.foreign()
    await log(ring.hostile, *(merged(each, signer) for each in forged))
    await ring.hostile.order("forged", "2480", "ack")
    await ring.hostile.order("forged too", "24", "incident")
    own = report(OWN, "status", {"lifecycle": "open", "occupancy": 7}, id="own")
    await log(ring.hostile, merged(own, signer))

    async def own_is_there() -> bool:
        return await ring.occupancy(OWN) == 7

    await ring.eventually(own_is_there, what="its own word", within=20)
    await ring.eventually(lambda: ring.foreign() == counted + 7, what="seven counted", within=10)
    assert await ring.services.counted("tp.v1.*.accepted.24.2480.>") == before
    assert await ring.lan.count(streams.ORDERS_UP) == 0
    assert f'vardkase_link_foreign_total{{child="kommun-2482"}} {counted + 7}' in ring.lan.links.exposition()
    assert 'vardkase_link_foreign_total{child="kommun-2480"} 0' in ring.lan.links.exposition()
    [told] = [each.detail for each in ring.lan.links.checks() if each.name == "link kommun-2482"]
    assert f"{counted + 7} messages that were not its to send" in told


async def test_wrong_signatures_and_replays(ring: Ring) -> None:
    """None counts, each is counted; what was rightly signed once and is sent again changes nothing."""
    signer, theirs = signer_of(ring.federation, "kommun-2482"), signer_of(ring.federation, "kommun-2480")
    first = report(OWN, "status", {"lifecycle": "open", "occupancy": 11}, id="first")
    second = report(OWN, "status", {"lifecycle": "open", "occupancy": 12}, id="second")
    await log(ring.hostile, merged(first, signer), merged(second, signer))

    async def says(number: int) -> bool:
        return await ring.occupancy(OWN) == number

    await ring.eventually(lambda: says(12), what="its newest word", within=20)

    def seen() -> dict[str, float]:
        outcomes = ("missing", "unknown_key", "wrong", "malformed")
        told = {each: ring.metric("vardkase_signatures_total", outcome=each, reality="act") for each in outcomes}
        return told | {"rejected": ring.metric("vardkase_rejected_total", reality="act", reason="signature")}

    before = seen()
    attack = [report(OWN, "status", {"lifecycle": "open", "occupancy": 100 + n}, id=f"a{n}") for n in range(4)]
    word = report(NEIGHBOUR, "status", {"lifecycle": "open", "occupancy": 500}, id="moved")
    moved = merged(word, theirs).headers[signing.HEADER]  # as it would have been read off somewhere
    await log(
        ring.hostile,
        merged(attack[0], None),
        merged(attack[1], STRANGER),
        merged(attack[2], None, headers={signing.HEADER: moved, "Tp-Received": attack[2]["time"]}),
        merged(attack[3], None, headers={signing.HEADER: "nonsense", "Tp-Received": attack[3]["time"]}),
        # What was signed and received once, again and again: under other ids of messages the server takes each.
        *(merged(first, signer, message_id=f"again-{n}") for n in range(3)),
        merged(first, signer, message_id=None),
    )
    wanted = {"missing": 1.0, "unknown_key": 1.0, "wrong": 1.0, "malformed": 1.0, "rejected": 4.0}

    def all_seen() -> bool:
        # The neighbour's key is none of this kommun's: what it signed is of an unknown key here.
        new = {name: count - before[name] for name, count in seen().items()}
        return new in (wanted, wanted | {"unknown_key": 2.0, "wrong": 0.0})

    await ring.eventually(all_seen, what="four refused", within=20)
    assert await ring.neighbours_word_arrives(21, "after-replays") < PATIENCE
    assert await ring.occupancy(OWN) == 12
    # The same into the neighbour's name: signed rightly, and replayed by who may not say it.
    landed = ring.foreign()
    await log(ring.hostile, merged(word, theirs))
    await ring.eventually(lambda: ring.foreign() == landed + 1, what="counted", within=10)
    assert await ring.occupancy(NEIGHBOUR) == 21


async def test_reading_anothers_reports(ring: Ring) -> None:
    """Whatever it listens to, it hears nothing of its neighbour's; the server refuses, and counts."""
    heard: list[tuple[str, bytes]] = []

    async def hear(message: Any) -> None:
        heard.append((message.subject, message.data))

    everything = (
        *("tp.>", "tp.v1.*.accepted.24.2480.>", "up.>", "up.2480.>", "up.2480.reports", "down.>", "down.2480.>"),
        *("_INBOX.>", "_R_.>", "$JSC.R.>", "$JS.FC.>", "$JS.ACK.>", "$KV.>", "landing.>", "$SYS.>"),
        *("$JS.lan-24.API.>", "$JS.kommun-2480.API.>", "$JS.SE.API.>"),
    )
    listening = [await ring.hostile.nc.subscribe(subject, cb=hear) for subject in everything]
    await ring.hostile.nc.flush()
    ring.federation.links["lan-24"].reset()  # all that is said when links are made is said while it listens
    await ring.federation.until_up()
    await ring.neighbours_word_arrives(22, "overheard-secret")
    await ring.neighbour.order("overheard-secret", "2480")
    await ring.eventually(lambda: ring.lan.count(streams.ORDERS_UP), what="the order", within=20)
    await asyncio.sleep(QUIET)
    for each in listening:
        await each.unsubscribe()
    assert [each for each in heard if b"overheard-secret" in each[1]] == []
    assert [subject for subject, _ in heard if "2480" in subject] == []
    for stream in (streams.REPORTS, streams.STATE, "CHILD_2480", "KV_TOKENS"):
        for question in (f"STREAM.INFO.{stream}", f"STREAM.MSG.GET.{stream}", f"CONSUMER.CREATE.{stream}"):
            with contextlib.suppress(nats.errors.Error, TimeoutError):
                answer = await ring.hostile.nc.request(f"$JS.lan-24.API.{question}", b'{"seq":1}', timeout=0.1)
                assert not answer.data, question


async def test_guessing_where_answers_go(ring: Ring) -> None:
    """What it sends to another's inboxes does not arrive: of all subjects above, its own link's alone."""
    heard: list[str] = []

    async def hear(message: Any) -> None:
        if b"guessed" in message.data:
            heard.append(message.subject)

    inboxes = (
        "up.2480.inbox.x.1",
        "down.2480.inbox.x.1",
        "_INBOX.x.1",
        "_INBOX.2401.x",
        "_R_.x",
        "$JS.ACK.REPORTS.a",
    )
    others = ("up.2480.reports", "up.2480.same", "landing.CHILD_2480", "$KV.TOKENS.x", "tp.v1.act.state.24.2480.skolan")
    own = "up.2482.inbox.x"
    listening = [await ring.lan.nc.subscribe(each, cb=hear) for each in (*inboxes, *others, "up.2482.>")]
    await ring.lan.nc.flush()

    async def its_own(number: int) -> bool:
        await ring.hostile.nc.publish(f"{own}.{number}", b"guessed")
        await ring.hostile.nc.flush()
        return f"{own}.{number}" in heard

    # Its own server sends only what somebody above listens to, and learns of that a moment after; a link that was
    # altered would send it all.
    await ring.eventually(lambda: its_own(1), what="its own is heard")
    for subject in (*inboxes, *others):
        await ring.hostile.nc.publish(subject, b"guessed")
    await ring.eventually(lambda: its_own(2), what="its own is heard after them")  # a link keeps the order
    for each in listening:
        await each.unsubscribe()
    assert set(heard) == {f"{own}.1", f"{own}.2"}
    assert await ring.neighbours_word_arrives(23, "after-guesses") < PATIENCE


async def test_having_answers_sent_where_documents_stand(ring: Ring) -> None:
    """It can choose where an answer about its own consumer goes, and nothing of what is in it: it is written over."""
    await ring.neighbours_word_arrives(24, "before-answers")
    state = subjects.state("act", "2480", "skolan")
    question = f"$JS.lan-24.API.CONSUMER.INFO.{streams.ORDERS_DOWN}.down-2482"

    async def stands() -> bool:
        return "type" in (await ring.services.last(streams.STATE))[state]

    async def put() -> None:
        for place in (state, subjects.picture("act", Area.parse("2480")), subjects.alert("act", "power.lost/2480-x")):
            await ring.hostile.nc.publish(question, b"", reply=place)
        await ring.hostile.nc.flush()
        await ring.eventually(stands, what="the answer stands there")

    await put()
    assert await ring.neighbours_word_arrives(25, "written-over") < PATIENCE
    assert (await ring.services.last(streams.STATE))[state]["id"] == NEIGHBOUR
    await put()
    await ring.services.again("aggregator")

    async def right() -> bool:
        return (await ring.services.last(streams.STATE))[state].get("id") == NEIGHBOUR

    await ring.eventually(right, what="written over at its start", within=20)
    assert await ring.occupancy(NEIGHBOUR) == 25
    assert await ring.neighbours_word_arrives(26, "after-answers") < PATIENCE


@pytest.mark.slow
async def test_flooding(ring: Ring) -> None:
    """Ten thousand reports of its own at once: they are merged, and the neighbour's word arrives meanwhile."""
    signer = signer_of(ring.federation, "kommun-2482")
    flood = [merged(report(OWN, "confirm", {}, id=f"flood-{n}"), signer) for n in range(FLOOD)]

    async def pour() -> None:
        for start in range(0, FLOOD, AT_ONCE):
            await log(ring.hostile, *flood[start : start + AT_ONCE])

    pouring = asyncio.create_task(pour())
    waits = [await ring.neighbours_word_arrives(30 + n, f"through-{n}") for n in range(5)]
    await pouring
    waits.append(await ring.neighbours_word_arrives(40, "through-last"))
    assert max(waits) < PATIENCE, waits
    own = subjects.accepted_filter("act", Area.parse("2482"))

    async def all_there() -> bool:
        return await ring.services.counted(own) >= FLOOD

    await ring.eventually(all_there, what="the flood merged", within=60)
    place = await call(ring.hostile.nc, f"CONSUMER.INFO.{streams.REPORTS}.{UP}")
    assert place["ack_floor"]["stream_seq"] > FLOOD // 4, "what has come is acknowledged: the link flows on for ever"
    assert ring.lan.up("kommun-2480")
    assert ring.lan.up("kommun-2482")


@pytest.mark.slow
async def test_filling_the_log(ring: Ring) -> None:
    """Who fills it waits, and loses nothing; what is left of it is the others'."""
    told = await call(ring.lan.nc, f"STREAM.INFO.{streams.REPORTS}")
    used, config = told["state"]["bytes"], told["config"]
    room = used * 3 // 2
    signer = signer_of(ring.federation, "kommun-2482")
    own = subjects.accepted_filter("act", Area.parse("2482"))
    before = await ring.services.counted(own)
    await call(ring.lan.nc, f"STREAM.UPDATE.{streams.REPORTS}", config | {"max_bytes": room})
    try:
        for start in range(0, FILLING, AT_ONCE):
            wave = (report(OWN, "confirm", {}, id=f"fill-{start + n}") for n in range(AT_ONCE))
            await log(ring.hostile, *(merged(each, signer) for each in wave))
            await asyncio.sleep(PACE)

        def held() -> bool:
            [check] = [each for each in ring.lan.links.checks() if each.name == "link kommun-2482"]
            return not check.ok and check.detail.startswith("held")

        await ring.eventually(held, what="it waits", within=20)
        assert 'vardkase_link_held{child="kommun-2482"} 1' in ring.lan.links.exposition()
        assert await ring.neighbours_word_arrives(60, "beside-the-full") < PATIENCE
        assert (await call(ring.lan.nc, f"STREAM.INFO.{streams.REPORTS}"))["state"]["bytes"] < room
        assert await ring.services.counted(own) < before + FILLING
        assert ring.lan.up("kommun-2480")
    finally:
        await call(ring.lan.nc, f"STREAM.UPDATE.{streams.REPORTS}", config)

    async def all_there() -> bool:
        return await ring.services.counted(own) == before + FILLING

    await ring.eventually(all_there, what="what waited is there, once", within=60)


async def _reporter(ring: Ring, errors: list[str]) -> Client:
    """Nordmaling's client, at the län's node."""

    async def told(error: Exception) -> None:
        errors.append(str(error).lower())

    seed = (ring.federation.directory / "secrets" / "kommun-2401" / "link.nk").read_text().strip()
    return await nats.connect(
        ring.lan.bus.url, nkeys_seed_str=seed, inbox_prefix=b"_INBOX.2401", error_cb=told, allow_reconnect=False
    )


async def test_a_client_without_a_node(ring: Ring) -> None:
    """Its own reports are stored. Others' it can neither send nor hear, nor have an answer stored in their place."""
    errors: list[str] = []
    client = await _reporter(ring, errors)
    heard: list[str] = []

    async def hear(message: Any) -> None:
        heard.append(message.subject)

    try:
        own = "tp.v1.act.report.24.2401.skolan.status"
        stored = json.loads((await client.request(own, b"{}", timeout=5)).data)
        assert stored["stream"] == streams.INTAKE
        held = [streams.ORDERS_UP, "KV_TOKENS"]
        before = [await ring.lan.count(stream) for stream in held]
        for place in (
            "tp.v1.act.accepted.24.2480.skolan.status",
            "tp.v1.act.picture.24._",
            "tp.v1.act.state.24.2480.skolan",
            "tp.v1.act.order.24.2480.ack",
            "tp.v1.act.report.24.2480.skolan.status",
            "$KV.TOKENS.x",
            "$JS.API.STREAM.PURGE.REPORTS",
        ):
            await client.publish(own, b"{}", reply=place)
        denied = ("tp.v1.act.report.24.2480.skolan.status", "tp.v1.act.accepted.24.2401.skolan.status", "$KV.TOKENS.x")
        for subject in (*denied, "$JS.API.STREAM.INFO.REPORTS", "_INBOX.2480.x", "up.2480.inbox.x"):
            await client.publish(subject, b"{}")
        for subject in ("tp.>", "_INBOX.>", "_INBOX.2480.>", "$KV.>", "up.>", "$JS.>", ">"):
            await client.subscribe(subject, cb=hear)
        await client.flush()
        await ring.eventually(lambda: sum("publish" in each for each in errors) == 6, what="six refused")
        await ring.eventually(lambda: sum("subscription" in each for each in errors) == 7, what="seven refused")
        assert await ring.neighbours_word_arrives(50, "beside-a-client") < PATIENCE
        await asyncio.sleep(QUIET / 2)
        assert heard == []
        assert [await ring.lan.count(stream) for stream in held] == before
        assert await ring.services.counted("tp.v1.*.accepted.24.2480.>") == await _of_the_neighbour(ring)
        assert await ring.services.counted("tp.v1.*.report.24.2480.>", streams.INTAKE) == 0
        assert await ring.services.counted("tp.v1.*.report.24.2401.>", streams.INTAKE) == 8
        states = (await ring.services.last(streams.STATE)).values()
        assert [each for each in states if "id" not in each] == []
    finally:
        await client.close()
    seen = ring.refusals.counts
    ring.refusals.look()
    told = ring.refusals.counts
    assert (told["publish"] - seen["publish"], told["subscribe"] - seen["subscribe"]) >= (6, 7)


async def _of_the_neighbour(ring: Ring) -> int:
    """How many reports the neighbour itself has written."""
    return await ring.neighbour.count()


async def test_a_key_that_nobody_has_given(ring: Ring) -> None:
    """A client with a key of its own making is not let in, and counted."""
    ring.refusals.look()
    before = ring.refusals.counts["login"]
    reader, writer = await asyncio.open_connection("127.0.0.1", int(ring.lan.bus.url.rpartition(":")[2]))
    try:
        await reader.readline()
        said = {"nkey": new_user().public, "sig": "A" * 86, "verbose": False, "pedantic": False}
        writer.write(f"CONNECT {json.dumps(said)}\r\nPING\r\n".encode())
        async with asyncio.timeout(5):
            assert b"Authorization Violation" in await reader.readline()
    finally:
        writer.transport.abort()

    def counted() -> bool:
        ring.refusals.look()
        return ring.refusals.counts["login"] > before

    await ring.eventually(counted, what="counted")
