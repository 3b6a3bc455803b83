import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Iterable, Sequence

import pytest

from servers import Dial, Link, MakeServer, NatsServer
from vardkase.runtime.jetstream.api import ApiError, call
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.errors import WriteConflict, WriteRefused, WriteTimeout
from vardkase.runtime.jetstream.values import last_values, scan
from vardkase.runtime.jetstream.writer import StreamWriter

LOG = {"name": "LOG", "subjects": ["log.>"], "storage": "file", "allow_atomic": True}
LAST = {"name": "LAST", "subjects": ["last.>"], "storage": "file", "allow_atomic": True, "max_msgs_per_subject": 1}


@pytest.fixture
async def streams(nc: Connection) -> None:
    for config in (LOG, LAST):
        await call(nc, f"STREAM.CREATE.{config['name']}", config)


def log(numbers: Sequence[int], **fields: object) -> list[Outgoing]:
    return [Outgoing(subject=f"log.{n % 7}", data=b"%d" % n, **fields) for n in numbers]  # type: ignore[arg-type]


def named(numbers: Sequence[int]) -> list[Outgoing]:
    return [Outgoing(subject=f"log.{n % 7}", data=b"%d" % n, message_id=f"id-{n}") for n in numbers]


async def everything(nc: Connection, stream: str = "LOG") -> list[Delivery]:
    return [one async for one in scan(nc, stream, [])]


async def numbers(nc: Connection) -> list[int]:
    return [int(one.data) for one in await everything(nc)]


@pytest.mark.usefixtures("streams")
async def test_stores_in_order_and_tells_the_sequences(nc: Connection) -> None:
    """One message, a batch, and more than a batch: in order, with their sequences, each marked as ours."""
    writer = StreamWriter(nc, "LOG", batch=1000)
    assert await writer.write(log([0])) == [1]
    assert await writer.write(log(range(1, 10))) == list(range(2, 11))
    assert await writer.write(log(range(10, 2510))) == list(range(11, 2511))
    assert await writer.write([]) == []
    stored = await everything(nc)
    assert [int(one.data) for one in stored] == list(range(2510))
    assert len({one.headers["Tp-Writer"] for one in stored}) == 2510


@pytest.mark.usefixtures("streams")
async def test_a_batch_is_bounded_in_bytes(nc: Connection) -> None:
    """Long messages are cut into smaller batches; one that no batch holds goes alone."""
    writer = StreamWriter(nc, "LOG", batch_bytes=1000)
    await writer.write([Outgoing(subject="log.a", data=b"x" * size) for size in (10, 400, 400, 5000, 10)])
    assert [len(one.data) for one in await everything(nc)] == [10, 400, 400, 5000, 10]


@pytest.mark.usefixtures("streams")
async def test_compare_and_set_refuses_a_second_writer(nc: Connection) -> None:
    """An expected sequence that does not hold stores nothing of the batch and names the subject."""
    writer, other = StreamWriter(nc, "LAST"), StreamWriter(nc, "LAST")
    first = [Outgoing(subject=f"last.{n}", data=b"1", expected=0) for n in range(5)]
    sequences = await writer.write(first)
    await other.write([Outgoing(subject="last.3", data=b"2", expected=sequences[3])])
    second = [Outgoing(subject=f"last.{n}", data=b"3", expected=sequences[n]) for n in range(5)]
    with pytest.raises(WriteConflict) as caught:
        await writer.write(second)
    assert caught.value.subject == "last.3"
    with pytest.raises(WriteConflict) as caught:
        await writer.write([Outgoing(subject="last.0", data=b"3", expected=0)])
    assert caught.value.subject == "last.0"
    values = {one.subject: one.data async for one in last_values(nc, "LAST", ["last.>"])}
    assert values == {f"last.{n}": b"2" if n == 3 else b"1" for n in range(5)}


@pytest.mark.usefixtures("streams")
async def test_a_subject_stands_once_in_a_batch_with_compare_and_set(nc: Connection) -> None:
    """Two messages on one subject, each expecting what comes before it, go in two batches."""
    writer = StreamWriter(nc, "LAST")
    messages = [
        Outgoing(subject="last.a", data=b"1", expected=0),
        Outgoing(subject="last.b", data=b"1", expected=0),
        Outgoing(subject="last.a", data=b"2", expected=1),
    ]
    assert await writer.write(messages) == [1, 2, 3]


@pytest.mark.usefixtures("streams")
@pytest.mark.parametrize("known", [[], [0], [499], range(0, 500, 7), range(500)])
async def test_write_once_leaves_out_what_is_known(nc: Connection, known: Sequence[int]) -> None:
    """Repeats come back as None wherever they stand, the rest is stored once and in order."""
    writer = StreamWriter(nc, "LOG")
    await writer.write_once(named(known))
    result = await writer.write_once(named(range(500)))
    assert [n for n, sequence in enumerate(result) if sequence is None] == list(known)
    stored = {int(one.data): one.sequence for one in await everything(nc)}
    assert sorted(stored) == list(range(500))
    assert all(sequence is None or stored[n] == sequence for n, sequence in enumerate(result))


@pytest.mark.usefixtures("streams")
async def test_write_once_stores_a_repeat_within_a_call_once(nc: Connection) -> None:
    """The same id twice in one call is stored once."""
    writer = StreamWriter(nc, "LOG")
    assert await writer.write_once([*named([1, 2]), *named([1, 3])]) == [1, 2, None, 3]


@pytest.mark.usefixtures("streams")
async def test_a_known_id_in_a_plain_write_is_an_error(nc: Connection) -> None:
    """`write` does not hide that a message id was known."""
    writer = StreamWriter(nc, "LOG")
    await writer.write(named([1]))
    for again in ([1], [0, 1]):
        with pytest.raises(WriteRefused) as caught:
            await writer.write(named(again))
        assert caught.value.code == 10201


async def test_a_full_stream_refuses_and_takes_the_same_later(nc: Connection) -> None:
    """A full stream refuses the whole batch, says that it is full, and takes it when there is room again."""
    small = LOG | {"max_bytes": 3000, "discard": "new"}
    await call(nc, "STREAM.CREATE.LOG", small)
    writer = StreamWriter(nc, "LOG")
    with pytest.raises(WriteRefused) as caught:
        await writer.write(log(range(100)))
    assert caught.value.full
    assert await everything(nc) == []
    await call(nc, "STREAM.UPDATE.LOG", small | {"max_bytes": 100_000})
    assert len(await writer.write(log(range(100)))) == 100


@pytest.mark.usefixtures("streams")
async def test_a_batch_of_which_the_server_lost_a_part_is_sent_again(
    nc: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a server with a full disk drops without a word is no fault of the batch: it is stored once there is room."""
    send, sent = nc.publish_all, 0

    async def lossy(messages: Iterable[tuple[str, bytes, bytes]]) -> None:
        nonlocal sent
        sent += 1
        await send(list(messages)[1:] if sent <= 4 else messages)

    monkeypatch.setattr(nc, "publish_all", lossy)
    told: list[str] = []
    writer = StreamWriter(nc, "LOG", tell=told.append)
    assert await writer.write(log(range(20))) == list(range(1, 21))
    assert sent == 5
    assert set(told) == {"LOG stored only a part of what was sent, and dropped it: its disk may be full"}
    assert not writer.trouble


async def test_a_message_too_long_for_the_stream_is_refused_by_name(nc: Connection) -> None:
    """Of a batch, of which the server tells only that something is missing."""
    await call(nc, "STREAM.CREATE.LOG", LOG | {"max_msg_size": 1000})
    messages = [*log(range(3)), Outgoing(subject="log.long", data=b"x" * 2000), *log(range(3))]
    with pytest.raises(WriteRefused, match=r"log\.long is longer than the 1000 bytes") as caught:
        await StreamWriter(nc, "LOG").write(messages)
    assert not caught.value.full
    assert await everything(nc) == []


@pytest.mark.usefixtures("streams")
async def test_what_no_stream_takes_is_refused_in_bounded_time(nc: Connection) -> None:
    """A subject of no stream, or of another one, a message that is too long: an error, not a hang."""
    writer = StreamWriter(nc, "LOG", timeout=0.5, patience=1.0)
    with pytest.raises(WriteTimeout, match=r"no stream takes elsewhere\.1"):
        await writer.write([Outgoing(subject="elsewhere.1", data=b"")])
    with pytest.raises(WriteRefused, match="belongs to the stream LAST"):
        await writer.write([Outgoing(subject="last.1", data=b"")])
    with pytest.raises(WriteRefused, match=r"elsewhere\.1 is no subject that it takes"):
        await writer.write([Outgoing(subject="elsewhere.1", data=b""), *log([1])])
    for length in (2_000_000, nc.max_payload - 10):  # the headers count too
        with pytest.raises(WriteRefused) as caught:
            await writer.write([Outgoing(subject="log.1", data=b"x" * length)])
        assert caught.value.code == 413
    assert nc.stats["reconnects"] == 0
    assert await everything(nc) == []


async def test_a_forbidden_subject_is_refused_by_name(make_server: MakeServer, dial: Dial) -> None:
    """What this user may not publish is said so, although the server tells it only on the side."""
    users = '[{user: a, password: a}, {user: b, password: b, permissions: {publish: {allow: ["$JS.API.>", "log.1"]}}}]'
    server = make_server("limited", extra=f"authorization {{ users: {users} }}")
    await call(await dial(server.url.replace("//", "//a:a@")), "STREAM.CREATE.LOG", LOG)
    writer = StreamWriter(await dial(server.url.replace("//", "//b:b@")), "LOG", timeout=0.3)
    assert await writer.write(log([1])) == [1]
    for forbidden in ([2], [2, 1], [1, 2]):
        with pytest.raises(WriteRefused, match=r"may not publish to log\.2"):
            await writer.write(log(forbidden))


@pytest.mark.usefixtures("streams")
async def test_nothing_is_lost_or_doubled_over_sigkills(nats_server: NatsServer, nc: Connection) -> None:
    """The server killed again and again while batches are written: each message once, in order, at its sequence."""
    writer = StreamWriter(nc, "LOG", timeout=1.0, batch=200)
    done = asyncio.Event()

    async def write() -> list[int]:
        sequences = []
        for first in range(0, 20_000, 200):
            sequences += await writer.write(log(range(first, first + 200)))
        done.set()
        return sequences

    writing = asyncio.create_task(write())
    kills = 0
    while not done.is_set() and kills < 6:
        await asyncio.sleep(random.uniform(0.02, 0.2))
        nats_server.kill()
        nats_server.start()
        kills += 1
    sequences = await writing
    stored = await everything(nc)
    assert [int(one.data) for one in stored] == list(range(20_000))
    assert [one.sequence for one in stored] == sequences
    assert kills


@pytest.mark.usefixtures("streams")
async def test_compare_and_set_survives_sigkills(nats_server: NatsServer, nc: Connection) -> None:
    """A repeated attempt whose first one was stored after all is a success, not a conflict with oneself."""
    writer = StreamWriter(nc, "LAST", timeout=1.0)
    rounds, points = 150, 50

    async def write() -> None:
        last = [0] * points
        for number in range(rounds):
            last = await writer.write(
                [Outgoing(subject=f"last.{n}", data=b"%d" % number, expected=last[n]) for n in range(points)]
            )

    writing = asyncio.create_task(write())
    for _ in range(6):
        await asyncio.sleep(random.uniform(0.01, 0.1))
        nats_server.kill()
        nats_server.start()
    await writing
    values = [one.data async for one in last_values(nc, "LAST", [])]
    assert values == [b"%d" % (rounds - 1)] * points


@pytest.mark.usefixtures("streams")
async def test_a_lost_answer_is_no_lost_and_no_second_message(nc: Connection, link: Link, dial: Dial) -> None:
    """Links reset in the middle of everything: each plain message once, each named one once."""
    far = await dial(link.url, reconnect_wait=0.005)
    writer = StreamWriter(far, "LOG", timeout=0.3)
    stop = asyncio.Event()

    async def reset() -> None:
        while not stop.is_set():
            await asyncio.sleep(random.uniform(0.02, 0.06))
            link.reset()

    resetting = asyncio.create_task(reset())
    try:
        for first in range(0, 1000, 20):
            await writer.write(log(range(first, first + 20)))
            await writer.write_once(named(range(10_000 + first, 10_000 + first + 20)))
            await writer.write(log([100_000 + first]))
    finally:
        stop.set()
        await resetting
    counted = Counter(await numbers(nc))
    expected = [*range(1000), *range(10_000, 11_000), *range(100_000, 101_000, 20)]
    assert counted == Counter(expected)
    assert writer.retried > 0


@pytest.mark.usefixtures("streams")
async def test_a_black_hole_and_a_frozen_server_end_in_time(
    nats_server: NatsServer, nc: Connection, link: Link, dial: Dial
) -> None:
    """Without any answer writing ends after its patience; afterwards the same writer goes on."""
    far = await dial(link.url)
    writer = StreamWriter(far, "LOG", timeout=0.3, patience=1.0)
    await writer.write(log([0]))
    link.hole()
    began = time.monotonic()
    with pytest.raises(WriteTimeout):
        await writer.write(log(range(1, 10)))
    assert time.monotonic() - began < 3
    link.heal()
    patient = StreamWriter(far, "LOG", timeout=0.5, patience=20.0)
    await patient.write(log(range(10, 20)))
    nats_server.freeze()
    writing = asyncio.create_task(patient.write(log(range(20, 30))))
    await asyncio.sleep(1.2)
    nats_server.thaw()
    await writing
    stored = [n for n in await numbers(nc) if not 1 <= n < 10]
    assert stored == [0, *range(10, 30)]


async def test_values_are_complete_for_many_subjects(nc: Connection) -> None:
    """The last value of each of 20,000 subjects, while some are written to: none is missing, none is older."""
    await call(nc, "STREAM.CREATE.LAST", LAST)
    writer = StreamWriter(nc, "LAST", batch=1000)
    count = 20_000
    await writer.write([Outgoing(subject=f"last.{n}", data=b"0") for n in range(count)])
    stop = asyncio.Event()

    async def disturb() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            chosen = random.sample(range(count), 100)
            await writer.write([Outgoing(subject=f"last.{n}", data=b"%d" % number) for n in chosen])

    disturbing = asyncio.create_task(disturb())
    seen: dict[str, int] = {}
    async for one in last_values(nc, "LAST", ["last.>"]):
        assert one.sequence > seen.get(one.subject, 0)
        seen[one.subject] = one.sequence
    stop.set()
    await disturbing
    assert len(seen) == count
    assert [one async for one in last_values(nc, "LAST", ["last.none"])] == []


@pytest.mark.usefixtures("streams")
async def test_a_scan_is_in_order_and_ends(nc: Connection) -> None:
    """From a sequence or a time, filtered or not, to an end or to what is there: in order, each once."""
    writer = StreamWriter(nc, "LOG")
    await writer.write(log(range(5000)))
    async with contextlib.aclosing(scan(nc, "LOG", ["log.3"], start=100, end=200)) as found:
        some = [one.sequence async for one in found]
    assert some == [n + 1 for n in range(5000) if n % 7 == 3 and 100 <= n + 1 <= 200]
    middle = (await everything(nc))[2500]
    later = [one async for one in scan(nc, "LOG", [], since=middle.stored_at)]
    assert later[0].stored_at >= middle.stored_at
    assert later[-1].sequence == 5000
    assert middle.sequence in {one.sequence for one in later}
    assert [one async for one in scan(nc, "LOG", [], start=5001)] == []
    assert [one async for one in scan(nc, "LOG", ["log.none"])] == []
    (bare,) = [one async for one in scan(nc, "LOG", [], start=7, end=7, headers_only=True)]
    assert (bare.data, "Tp-Writer" in bare.headers) == (b"", True)
    with pytest.raises(ApiError, match="stream not found"):
        await everything(nc, "NONE")


@pytest.mark.usefixtures("streams")
async def test_a_scan_survives_a_sigkill(nats_server: NatsServer, nc: Connection) -> None:
    """The server killed in the middle of a scan: it goes on after the last message, nothing missing, nothing twice."""
    writer = StreamWriter(nc, "LOG")
    await writer.write(log(range(20_000)))
    got = []
    async for one in scan(nc, "LOG", []):
        got.append(int(one.data))
        if len(got) == 3000:
            nats_server.kill()
            nats_server.start()
    assert got == list(range(20_000))
