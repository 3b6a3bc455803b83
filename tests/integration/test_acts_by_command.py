"""`vardkase request`, `note` and `adopt` against a running node, in real time."""

import hashlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from node import Node, subject_of
from program import Done, program
from servers import Eventually
from vardkase.federation.landing import get
from vardkase.runtime.jetstream.connection import connect
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import SECOND, iso, parse

Cli = Callable[..., Awaitable[Done]]
POINT = "2480-umedalen"


def status(name: str) -> tuple[str, bytes]:
    """A report about the point, observed now."""
    event = {
        "specversion": "1.0",
        "id": name,
        "source": "urn:tp:kommun:2480",
        "type": "se.trygghetspunkt.status.v1",
        "subject": POINT,
        "time": iso(time.time_ns() // 1000),
        "reality": "act",
        "data": {"lifecycle": "open"},
    }
    return subject_of(event), json.dumps(event).encode()


@pytest.fixture
async def node(tmp_path: Path, eventually: Eventually) -> AsyncIterator[Node]:
    """A län's node."""
    node = Node(tmp_path, eventually, VARDKASE_AREA="24")
    await node.start("intake", "aggregator")
    try:
        await node.publish([status("first")])
        await node.until_quiet()
        yield node
    finally:
        await node.stop()


@pytest.fixture
def cli(node: Node) -> Cli:
    """The program, at the node."""

    async def run(*arguments: str) -> Done:
        return await program(*arguments, VARDKASE_NATS_URL=node.nats.url)

    return run


async def document(cli: Cli, *arguments: str) -> Any:
    """The one JSON document that a command prints."""
    done = await cli(*arguments, "--json")
    assert done.code == 0, done.stderr
    (line,) = done.stdout.splitlines()
    return json.loads(line)


async def standing(node: Node, code: str) -> tuple[str, int, list[str]] | None:
    """How the one request stands in the picture that was published last."""
    nc = await connect(node.nats.url, name="test", reconnect_wait=0.05)
    try:
        found = await get(nc, streams.PICTURES, last_by_subj=subjects.picture("act", Area.parse(code)))
    finally:
        await nc.close()
    requests = [] if found is None else json.loads(found.data)["requests"]
    return next(((each["state"], each["answered"], each["missing"]) for each in requests), None)


@pytest.mark.slow
async def test_reports_are_asked_for_answered_and_overdue_in_real_time(
    node: Node, cli: Cli, eventually: Eventually
) -> None:
    """By the clock on the wall: a report answers for one kommun, the other is reminded, and then overdue."""
    deadline = iso(time.time_ns() // 1000 + 50 * SECOND)
    asked = await document(cli, "request", "give", "2480", "2482", "--as", "24", "--deadline", deadline)
    assert asked["status"] == "taken"

    async def stands(code: str, state: str, missing: list[str]) -> bool:
        found = await standing(node, code)
        return found is not None and (found[0], found[2]) == (state, missing)

    await eventually(lambda: stands("2480", "open", ["2480"]), what="the request known")
    await node.publish([status("answer")])
    await eventually(lambda: stands("2480", "answered", []), what="the report counted")
    assert await stands("24", "open", ["2482"])
    await eventually(lambda: stands("24", "reminded", ["2482"]), what="the reminder", within=60)
    assert time.time_ns() // 1000 < parse(deadline)
    await eventually(lambda: stands("24", "overdue", ["2482"]), what="the deadline", within=60)
    assert time.time_ns() // 1000 >= parse(deadline)
    shown = (await cli("request", "list", "24")).stdout
    assert "tiden är ute, 1 av 2 har svarat" in shown
    assert "saknas: Skellefteå" in shown
    answered = await cli("request", "answer", asked["request"], "Lugnt hos oss", "--as", "2482")
    assert answered.stdout == "Begäran är besvarad för Skellefteå (2482)\n"
    await eventually(lambda: stands("24", "answered", []), what="the answer counted")
    assert (await cli("request", "end", asked["request"], "--as", "24")).code == 0
    again = await cli("request", "end", asked["request"], "--as", "24")
    assert (again.code, "has no request" in again.stderr) == (1, True)


@pytest.mark.slow
async def test_a_picture_is_annotated_adopted_and_printed(cli: Cli) -> None:
    """What is printed is what was adopted; a version that is not current is refused, and the current one told."""
    noted = await cli("note", "2480", "Elverk på väg", "--as", "24")
    assert (noted.code, noted.stdout) == (0, "Anteckningen står på lägesbilden: Umeå (2480)\n")
    stale = await cli("adopt", "now", "--as", "24", "--version", "0" * 64)
    assert (stale.code, "is not the current one any more" in stale.stderr) == (1, True)
    adopted = await document(cli, "adopt", "now", "--as", "24", "--note", "Stabsgenomgång")
    assert adopted["status"] == "taken"
    listed = await document(cli, "adopt", "list", "24")
    assert (listed["version"], listed["sha256"], listed["note"]) == (
        adopted["version"],
        adopted["sha256"],
        "Stabsgenomgång",
    )
    printed = (await cli("adopt", "show", adopted["version"][:12])).stdout.removesuffix("\n").encode()
    assert hashlib.sha256(printed).hexdigest() == adopted["sha256"]
    assert json.loads(printed)["version"] == adopted["version"]
    other = await cli("adopt", "show", "0" * 12)
    assert other.code == 1
