"""Letting go of the archive by a decision: whole months, never what is newer, nor what something still rests on."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from archived import Filled, filled
from histories import LAN, RULES, START, Act, Log, Row, logs
from servers import NatsServer
from shifts import Night
from vardkase.archive.replay import Question, canonical, recreate
from vardkase.archive.retention.gone import Letting
from vardkase.archive.retention.policy import Keep, Policy, default, load
from vardkase.archive.retention.work import Done, let_go, needed, plan
from vardkase.archive.store import opened
from vardkase.federation import topology
from vardkase.runtime.database import Away
from vardkase.runtime.errors import Refused
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase_contracts import streams
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import DAY, HOUR, MINUTE, iso, parse

BOUNDARY = parse("2026-02-01T00:00:00Z")
NOW = parse("2026-03-10T00:00:00Z")
DECISION = Keep(31, "KS 2026/123")


def policy(*classes: str) -> Policy:
    """These classes for 31 days, all else for ever."""
    return {name: DECISION if name in classes else keep for name, keep in default().items()}


class Audit:
    """What the audit was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    async def tell(self, on: str, outcome: str) -> None:
        self.told.append((on, outcome))


async def let(url: str, nc: Any, by: Policy, now: int = NOW) -> tuple[list[Done], Audit]:
    """Let go of what a policy names."""
    audit = Audit()
    letting = await Letting.open(SecretStr(url))
    try:
        async with opened(SecretStr(url), "test") as store:
            steps = await plan(store, by, now)
            kept = await needed(store, steps)
        return await let_go(letting, nc, steps, kept, audit.tell), audit
    finally:
        letting.close()


@pytest.fixture
async def archive(database: str) -> AsyncIterator[Filled]:
    async with filled(database) as made:
        yield made


async def rows(archive: Filled, query: str) -> list[Any]:
    """The rows of a query."""
    return [tuple(row) for row in await archive._session._connection.fetch(query)]


def moved(log: Log, by: int) -> Log:
    """A log at another time."""

    def event(of: Any) -> Any:
        return {**of, "time": iso(parse(of["time"]) + by)}

    made: list[Row] = []
    for row in log.rows:
        told = event(row.event)
        made.append(Row(row.stored_at + by, row.sequence, row.received + by, json.dumps(told).encode(), told))
    acts = [Act(act.stored_at + by, act.sequence, act.given_at + by, act.data, act.event) for act in log.acts]
    return Log(tuple(made), tuple(acts))


# -- what stays --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_pictures_after_the_boundary_stay_as_they_were(archive: Filled, database: str) -> None:
    """Whatever came before: each picture and state from then on is the same, known and observed, when it has gone."""
    loop = asyncio.get_running_loop()

    async def pictures(instants: list[int]) -> list[bytes]:
        found: list[bytes] = []
        async with opened(SecretStr(database), "test") as store:
            for instant in instants:
                for basis in ("known", "observed"):
                    for reality in ("act", "exe"):
                        question = Question(LAN, reality, instant, basis)  # type: ignore[arg-type]
                        then = await recreate(store, question, lambda: RULES)
                        found.append(canonical(then.picture()))
                        found += [orjson.dumps(state, option=orjson.OPT_SORT_KEYS) for state in then.states()]
        return found

    async def same(log: Log, instants: list[int]) -> int:
        await archive._session._connection.execute("DROP TABLE IF EXISTS deciding")
        await archive.put(log)
        before = await pictures(instants)
        done, _ = await let(database, None, policy("reports"))
        assert await pictures(instants) == before
        return sum(month.rows for each in done for month in each.months)

    gone: list[int] = []

    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(logs(most=40), st.integers(8, 40))
    def agree(log: Log, place: int) -> None:
        """A log is moved so that the boundary lies right after one of its reports."""
        times = sorted(row.stored_at for row in log.rows) or [START]
        log = moved(log, BOUNDARY - times[min(place, len(times) - 1)] - MINUTE)
        instants = [BOUNDARY + 3 * MINUTE, BOUNDARY + 5 * HOUR, max(log.end, BOUNDARY) + HOUR, BOUNDARY + 3 * DAY]
        gone.append(asyncio.run_coroutine_threadsafe(same(log, instants), loop).result(60))

    await asyncio.to_thread(agree)
    assert sum(gone) > 0, "nothing went: nothing was tried"


async def test_what_is_old_goes_and_what_is_needed_stays(archive: Filled, database: str) -> None:
    """The last word on each thing is kept, however old; the audit knows each month, and by which decision it went."""
    night = Night()
    far = 60 * 24 * 100
    night.report(far, "register", {"name": "A", "kind": "trygghetspunkt", "position": {"lon": 20.2, "lat": 63.8}})
    night.report(far - 10, "status", {"lifecycle": "prepared", "occupancy": 1})
    last = night.report(far - 20, "status", {"occupancy": 2})
    for minute in range(30, 60):
        night.report(far - minute, "heartbeat", {"outbox_depth": 0})
    night.report(10, "heartbeat", {"outbox_depth": 0})
    night.alert(far, "heat.low/2480-a", level="red")
    night.alert(far - 5, "heat.low/2480-a", status="cleared", cleared_reason="recovered")
    night.alert(far, "power.lost/2480-a", level="red")
    night.alert(10, "staff.short/2480-a")
    night.state(far, "2480-a", "prepared")
    night.state(far - 1, "2480-a", "closed")
    night.rejected(far, "schema", "data")
    night.rejected(5, "schema", "data")
    night.order(far, "note", {"note": "gammal"})
    night.order(
        far, "silence", {"matcher": {"rule": "heat.low"}, "from": iso(night.ago(far)), "until": iso(night.ago(far - 9))}
    )
    night.order(far, "incident", {"id": "i", "name": "Storm", "areas": ["24"], "from": iso(night.ago(far))})
    await night.put(archive)
    done, audit = await let(database, None, policy("reports", "alerts", "states", "orders"), night.now)
    assert not [each.trouble for each in done if each.trouble]
    kept = {row[0] for row in await rows(archive, "SELECT kind || ' ' || coalesce(id, '') FROM report")}
    assert f"status {last}" in kept
    assert sum(each.startswith("heartbeat") for each in kept) == 2
    assert sum(each.startswith("register") for each in kept) == 1
    assert {row[0] for row in await rows(archive, "SELECT key FROM alert_change")} == {
        "power.lost/2480-a",
        "staff.short/2480-a",
    }
    assert await rows(archive, "SELECT lifecycle FROM state_change") == [("closed",)]
    assert {row[0] for row in await rows(archive, "SELECT kind FROM act")} == {"incident"}
    assert await rows(archive, "SELECT count(*) FROM rejected") == [(2,)]  # for ever
    assert audit.told
    assert all("KS 2026/123" in on and outcome == "done" for on, outcome in audit.told)
    again, audit = await let(database, None, policy("reports", "alerts", "states", "orders"), night.now)
    assert sum(month.rows for each in again for month in each.months) == 0


async def test_by_default_nothing_goes(archive: Filled, database: str) -> None:
    """Everything is kept for ever unless a decision says otherwise; nothing newer than it says, to the month."""
    night = Night()
    night.rejected(60 * 24 * 500, "schema", "data")
    night.rejected(60 * 24 * 32, "schema", "data")
    await night.put(archive)
    done, audit = await let(database, None, default(), night.now)
    assert (done, audit.told) == ([], [])
    async with opened(SecretStr(database), "test") as store:
        (step,) = [each for each in await plan(store, policy("rejected"), night.now) if each.of == "rejected"]
    assert [month.rows for month in step.months if month.rows] == [1]
    assert step.before is not None
    assert step.before <= night.now - 31 * DAY


async def test_a_month_that_came_again_is_archived_again(archive: Filled, database: str) -> None:
    """The archiver makes the partition of a month that went anew: what comes late is not a misfit."""
    night = Night()
    night.rejected(60 * 24 * 100, "schema", "data")
    await night.put(archive)
    await let(database, None, policy("reports", "alerts"), night.now)
    night.alert(60 * 24 * 100, "heat.low/2480-a", status="cleared", cleared_reason="recovered")
    await archive.add(streams.ALERTS, night._held[streams.ALERTS])
    await let(database, None, policy("alerts"), night.now)
    assert await rows(archive, "SELECT count(*) FROM alert_change") == [(0,)]
    night.alert(60 * 24 * 100, "heat.low/2480-a", status="cleared", cleared_reason="recovered")
    await archive.add(streams.ALERTS, night._held[streams.ALERTS][1:])
    assert await rows(archive, "SELECT count(*) FROM alert_change") == [(1,)]


async def test_a_reader_keeps_its_month_for_now(archive: Filled, database: str) -> None:
    """While somebody reads the table nothing of it goes; it is told, and goes the next time."""
    night = Night()
    night.alert(60 * 24 * 100, "heat.low/2480-a", status="cleared", cleared_reason="recovered")
    await night.put(archive)
    async with opened(SecretStr(database), "reader") as reading:
        assert [row async for row in reading.rows("SELECT count(*) FROM alert_change")]
        done, audit = await let(database, None, policy("alerts"), night.now)
        assert done[0].trouble
        assert [outcome for _, outcome in audit.told] == ["done", "failed"]
    assert await rows(archive, "SELECT count(*) FROM alert_change") == [(1,)]
    done, _ = await let(database, None, policy("alerts"), night.now)
    assert not done[0].trouble
    assert await rows(archive, "SELECT count(*) FROM alert_change") == [(0,)]


async def test_two_do_not_let_go_at_once(archive: Filled, database: str) -> None:
    """The second is told that another does."""
    del archive
    first = await Letting.open(SecretStr(database))
    try:
        with pytest.raises(Away, match="another"):
            await Letting.open(SecretStr(database))
    finally:
        first.close()


# -- streams -----------------------------------------------------------------------------------------------------------


async def test_a_stream_goes_as_far_as_it_is_archived(
    archive: Filled, database: str, nats_server: NatsServer, nc: Connection
) -> None:
    """REJECTED is shortened to the boundary; what is not archived stays, and so does the log."""
    del nats_server
    await topology.ensure(nc, Area.parse("24"), share=0.05)
    message = Outgoing(subject="tp.v1.act.rejected.24.2480.a", data=b"{}")
    await StreamWriter(nc, streams.REJECTED).write([message] * 5)
    born = (await call(nc, f"STREAM.INFO.{streams.REJECTED}"))["created"]
    night = Night()
    soon = night.now + 100 * DAY  # all of the stream is old then
    await night.put(archive)
    execute = archive._session._connection.execute
    await execute("INSERT INTO position (stream, born, sequence) VALUES ($1, $2, 3)", streams.REJECTED, born)
    done, audit = await let(database, nc, policy("rejected", "reports"), soon)
    assert [each.streamed for each in done if each.of == "rejected"] == [3]
    assert (await call(nc, f"STREAM.INFO.{streams.REJECTED}"))["state"]["first_seq"] == 4
    assert any(streams.REJECTED in on for on, _ in audit.told)
    await execute("UPDATE position SET born = 'another' WHERE stream = $1", streams.REJECTED)
    done, _ = await let(database, nc, policy("rejected"), soon)
    assert [each.streamed for each in done] == [0]
    await execute("UPDATE position SET born = $2 WHERE stream = $1", streams.REJECTED, born)
    done, _ = await let(database, nc, policy("rejected"), night.now)  # nothing of it is old now
    assert [each.streamed for each in done] == [0]


def test_a_policy_that_is_not_understood_deletes_nothing(tmp_path: Path) -> None:
    """Each fault is named; a period without a decision is one."""
    for text, named in {
        "[report]\nkeep_days = 40\ndecision = 'x'": "report: no such class",
        "[reports]\nkeep_days = 40": "reports.decision",
        "[reports]\nkeep_days = 40\ndecision = '  '": "reports.decision",
        "[reports]\nkeep_days = 30\ndecision = 'x'": "reports.keep_days",
        "[reports]\nkeep_days = '40'\ndecision = 'x'": "reports.keep_days",
        "[reports]\nkeep_days = true\ndecision = 'x'": "reports.keep_days",
        "[reports]\nkeep = 'a while'": "reports.keep",
        "[reports]\ndays = 40": "reports.days",
        "reports = 40": "reports: expected a table",
        "[reports": "expected TOML",
    }.items():
        path = tmp_path / "retention.toml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(Refused, match="VARDKASE_RETENTION_FILE") as refused:
            load(path)
        assert named in str(refused.value), text
    path.write_text("[audit]\nkeep_days = 400\ndecision = 'KS 1'\n[reports]\nkeep = 'for ever'\n", encoding="utf-8")
    found = load(path)
    assert (found["audit"], found["reports"], found["alerts"]) == (
        Keep(400, "KS 1"),
        Keep(None, None),
        Keep(None, None),
    )
