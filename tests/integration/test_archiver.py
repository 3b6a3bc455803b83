"""The archiver: every message once, whatever repeats, dies, fills or lies."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import asyncpg
import pytest
from archive_kit import AT, FAST, LAN, Archive, connected, order, report

from servers import Dial, Eventually, NatsServer
from vardkase.archiver import line, migrations, trim
from vardkase.archiver.partitions import Month, Partitions
from vardkase.federation import topology
from vardkase.federation.topology import config
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import DAY, iso, to_datetime


@pytest.fixture
async def archive(
    nats_server: NatsServer, dial: Dial, database: str, tmp_path: Path, eventually: Eventually
) -> AsyncIterator[Archive]:
    nc = await dial(nats_server.url)
    await topology.ensure(nc, LAN, share=0.1)
    made = Archive(nc, database, tmp_path, eventually)
    yield made
    await made.stop()


async def test_each_copy_is_there_once_with_its_first_arrival_and_its_bytes(archive: Archive) -> None:
    """A copy that comes again adds nothing; other bytes under the same id are another copy; the bytes stay as sent."""
    first = report(identity="a", message_id="act.2480.a")
    again = Outgoing(
        subject=first.subject,
        data=first.data,
        headers={"Tp-Received": iso(AT + 7 * DAY), "Tp-Origin": "kommun-2480/9"},
        message_id="another window",
    )
    other = report(identity="a", message_id=f"act.2480.a.{'0' * 16}")
    exercise = report(identity="a", reality="exe")
    await archive.start()
    await archive.reports(first, again)  # in one batch
    await archive.until_caught_up()
    await archive.reports(again._replace(message_id="a third"), other, exercise)
    await archive.until_caught_up()
    rows = await archive.rows("SELECT * FROM report ORDER BY sequence")
    assert [row["data"] for row in rows] == [first.data, other.data, exercise.data]
    row = rows[0]
    assert (row["reality"], row["kommun"], row["slug"], row["kind"], row["id"]) == ("act", "2480", "x", "status", "a")
    assert (row["sequence"], row["origin"]) == (1, first.headers["Tp-Origin"])
    assert row["received"] == row["observed"] == to_datetime(AT)
    assert row["digest"] == hashlib.sha256(first.data).digest()
    assert row["source"] == "urn:tp:kommun:2480:a"
    assert {each["id"] for each in rows} == {"a"}
    assert archive.counted(streams.REPORTS, "stored") == 3
    assert archive.counted(streams.REPORTS, "repeated") == 2


async def test_what_every_stream_holds_is_archived(archive: Archive) -> None:
    """Alerts, changes of states, orders, audit and refusals: each message of each stream, told apart by columns."""
    alert = {
        "key": "power.lost/2480-x",
        "alert_id": "A1",
        "rule": "power.lost",
        "rules_version": "default-1",
        "level": "red",
        "status": "firing",
        "cleared_reason": None,
        "raised_at": iso(AT),
        "changed_at": iso(AT),
        "point": {"id": "2480-x", "name": "X"},
        "area": {"level": "kommun", "code": "2480"},
    }
    state = {
        "id": "2480-x",
        "version": "ab" * 32,
        "as_of": iso(AT),
        "facts": {"lifecycle": {"value": "open"}},
        "condition": "red",
        "freshness": "fresh",
        "link": "up",
        "dark": True,
        "runs_out_at": iso(AT + DAY),
        "alerts": [{"key": "power.lost/2480-x"}],
    }
    audit = {
        "id": "u1",
        "time": iso(AT),
        "subject": "24",
        "data": {"who": {"id": "t1", "role": "tib"}, "what": "read.picture", "on": "24", "outcome": "done"},
    }
    refusal = {"data": {"reason": "schema", "field": "time", "received": iso(AT), "origin": "lan-24/7"}}
    rejected = [subjects.rejected("act", "24", "2480", "x"), "tp.v1.act.rejected.24.2480._"]
    await archive.write(
        streams.ALERTS, [Outgoing(subject=subjects.alert("act", alert["key"]), data=json.dumps(alert).encode())]
    )
    await archive.write(
        streams.STATE, [Outgoing(subject=subjects.state("act", "2480", "x"), data=json.dumps(state).encode())]
    )
    await archive.write(streams.AUDIT, [Outgoing(subject="tp.v1.act.audit.24._", data=json.dumps(audit).encode())])
    await archive.write(
        streams.REJECTED, [Outgoing(subject=subject, data=json.dumps(refusal).encode()) for subject in rejected]
    )
    silence = {"matcher": {"rule": "heat.low", "area": "2480"}, "from": iso(AT), "until": iso(AT + DAY)}
    rules = {"scope": "2480-x", "override": {"heat.low": {"yellow": 15}, "power.lost": None}}
    await archive.write(
        streams.ORDERS_UP, [order("silence", silence, identity="s1"), order("rules", rules, identity="o1")]
    )
    await archive.start()
    await archive.until_caught_up()

    (row,) = await archive.rows("SELECT * FROM alert_change")
    told = [row[name] for name in ("key", "alert_id", "rule", "rules_version", "level", "status", "point")]
    assert told == ["power.lost/2480-x", "A1", "power.lost", "default-1", "red", "firing", "2480-x"]
    assert (row["raised_at"], row["area_code"]) == (to_datetime(AT), "2480")
    (row,) = await archive.rows("SELECT * FROM state_change")
    told = [row[name] for name in ("kommun", "slug", "lifecycle", "condition", "freshness", "dark", "open_alerts")]
    assert told == ["2480", "x", "open", "red", "fresh", True, 1]
    assert (row["version"], row["runs_out_at"]) == (bytes.fromhex("ab" * 32), to_datetime(AT + DAY))
    (row,) = await archive.rows("SELECT * FROM audit")
    assert [row[name] for name in ("area", "who", "role", "what", "outcome")] == [
        "24",
        "t1",
        "tib",
        "read.picture",
        "done",
    ]
    rows = await archive.rows("SELECT * FROM rejected ORDER BY sequence")
    assert [(row["kommun"], row["slug"], row["reason"], row["origin"]) for row in rows] == [
        ("2480", "x", "schema", "lan-24/7"),
        ("2480", None, "schema", "lan-24/7"),
    ]
    (row,) = await archive.rows("SELECT * FROM silence")
    assert (row["rule"], row["matched_area"], row["from_text"], row["by_code"]) == ("heat.low", "2480", iso(AT), "24")
    rows = await archive.rows("SELECT scope, override, given_at FROM rule_override")
    assert [(row["scope"], json.loads(row["override"]), row["given_at"]) for row in rows] == [
        ("2480-x", rules["override"], to_datetime(AT))
    ]


POISON = {
    "nul in a text": b'{"id":"p","source":"a\\u0000b","time":"2026-11-20T02:40:00Z"}',
    "half a surrogate": b'{"id":"p","source":"\\ud800"}',
    "not UTF-8": b'{"id":"\xff\xfe"}',
    "no JSON": b"\x00\x01",
    "empty": b"",
    "out of range": b'{"id":"p","time":"0001-01-01T00:00:00+23:59"}',
    "another kind": b'{"id":7,"time":{},"source":[]}',
    "no object": b"[1]",
    "deep": b'{"a":' * 3000 + b"1" + b"}" * 3000,
}


async def test_poison_goes_in_with_what_can_be_told_and_stops_nothing(archive: Archive) -> None:
    """Bytes that are no report are archived as they are, and those around them as if nothing was."""
    messages = [report(slug="a")]
    for number, data in enumerate(POISON.values()):
        messages += [report(slug=f"p{number}", data=data, message_id=f"poison.{number}"), report(slug="b")]
    await archive.start()
    await archive.reports(*messages)
    await archive.until_caught_up()
    rows = await archive.rows("SELECT * FROM report ORDER BY sequence")
    assert [row["data"] for row in rows] == [message.data for message in messages]
    assert [row["slug"] for row in rows if row["source"] is None] == [f"p{number}" for number in range(len(POISON))]
    assert await archive.value("SELECT count(*) FROM report WHERE document(data) IS NULL") >= 4
    assert await archive.value("SELECT count(*) FROM misfit") == 0


async def test_what_the_database_refuses_is_kept_apart_and_the_rest_goes_in(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that PostgreSQL does not take is found among a thousand, and kept as bytes with the reason."""
    whole = line.TABLES[streams.REPORTS]

    def row(delivery: object, stream: str) -> tuple[object, ...]:
        made = list(whole.row(delivery, stream))  # type: ignore[arg-type]
        made[5] = "a\0b" if made[5] in {"bad1", "bad2"} else made[5]
        return tuple(made)

    monkeypatch.setitem(
        line.TABLES,  # type: ignore[arg-type]
        streams.REPORTS,
        type(whole)(name=whole.name, columns=whole.columns, row=row, keyed=True),  # type: ignore[arg-type]
    )
    strange = Outgoing(subject="tp.v1.act.accepted.24.2480.x", data=b"short", message_id="short")
    await call(archive.nc, "STREAM.UPDATE.REPORTS", {**await _config(archive), "subjects": ["tp.v1.*.accepted.24.>"]})
    slugs = ["bad1" if number == 17 else "bad2" if number == 450 else f"s{number}" for number in range(600)]
    await archive.reports(*(report(slug=slug) for slug in slugs), strange)
    await archive.start()
    await archive.until_caught_up()
    rows = await archive.rows("SELECT slug FROM report ORDER BY sequence")
    assert [row["slug"] for row in rows] == [slug for slug in slugs if not slug.startswith("bad")]
    kept = await archive.rows("SELECT * FROM misfit ORDER BY sequence")
    assert [each["sequence"] for each in kept] == [18, 451, 601]
    assert kept[2]["data"] == b"short"
    assert "subject" in kept[2]["why"]
    assert archive.counted(streams.REPORTS, "misfit") == 3


async def _config(archive: Archive) -> dict[str, object]:
    return (await call(archive.nc, "STREAM.INFO.REPORTS"))["config"]


async def test_a_transaction_holds_no_more_than_a_batch(archive: Archive) -> None:
    """However much has come while it waited for more."""
    await archive.start(archiver=FAST["archiver"] | {"batch": 30, "linger": 0.2})
    await archive.until_caught_up()
    for _ in range(4):
        await archive.reports(*(report() for _ in range(29)))
    await archive.until_caught_up()
    most = {"stream": streams.REPORTS, "le": "50.0"}
    batches = archive.metrics.registry.get_sample_value("vardkase_batch_size_count", {"stream": streams.REPORTS})
    assert archive.metrics.registry.get_sample_value("vardkase_batch_size_bucket", most) == batches
    assert batches is not None
    assert batches >= 4


async def test_an_archiver_goes_on_where_the_database_stands(archive: Archive) -> None:
    """After a restart what was acknowledged is not read again; what came meanwhile is archived."""
    await archive.start()
    await archive.reports(*(report() for _ in range(50)))
    await archive.until_caught_up()
    await archive.stop()
    await archive.reports(*(report() for _ in range(50)))
    await archive.start()
    await archive.until_caught_up()
    assert await archive.value("SELECT count(*) FROM report") == 100
    assert archive.counted(streams.REPORTS, "repeated") == 0


async def test_a_database_made_anew_or_put_back_is_filled_again(archive: Archive, eventually: Eventually) -> None:
    """An empty database, and one from an older backup: the streams are read again from what it says it has."""
    await archive.start()
    await archive.reports(*(report() for _ in range(30)))
    await archive.until_caught_up()

    await archive.execute("DROP SCHEMA vardkase CASCADE")
    await archive.reports(*(report() for _ in range(10)))

    async def all_there() -> bool:
        try:
            return await archive.value("SELECT count(*) FROM report") == 40
        except asyncpg.UndefinedTableError:
            return False

    await eventually(all_there, what="everything read again")
    await archive.until_caught_up()

    await archive.execute("TRUNCATE report, report_key; UPDATE position SET sequence = 0 WHERE stream = 'REPORTS'")
    await archive.reports(report())  # under a connection that lives: seen with the next batch
    await eventually(lambda: _reports(archive, 41), what="everything read again")
    await archive.until_caught_up()

    await archive.stop()
    await archive.execute(
        "DELETE FROM report WHERE sequence > 12; UPDATE position SET sequence = 12 WHERE stream = 'REPORTS';"
        "DELETE FROM report_key k WHERE NOT EXISTS (SELECT FROM report r WHERE r.stored_at = k.stored_at)"
    )
    await archive.start()
    await eventually(lambda: _reports(archive, 41), what="everything read again")
    await archive.until_caught_up()
    assert await archive.value("SELECT count(DISTINCT sequence) FROM report") == 41


async def _reports(archive: Archive, count: int) -> bool:
    return await archive.value("SELECT count(*) FROM report") == count


async def test_a_stream_made_anew_neither_collides_nor_is_left_out(archive: Archive, eventually: Eventually) -> None:
    """NATS comes back with an empty store under a running archiver: what is in the new stream is archived too."""
    await archive.start()
    alerts = [Outgoing(subject=subjects.alert("act", "power.lost/2480-x"), data=b'{"n":%d}' % n) for n in range(5)]
    await archive.write(streams.ALERTS, alerts)
    old = [report() for _ in range(20)]
    await archive.reports(*old)
    await archive.until_caught_up()
    for stream in (streams.REPORTS, streams.ALERTS):
        await call(archive.nc, f"STREAM.DELETE.{stream}")
    await topology.ensure(archive.nc, LAN, share=0.1)
    new = [report() for _ in range(7)]
    await archive.reports(*new, *(each._replace(message_id=f"x{n}") for n, each in enumerate(old[:3])))
    await archive.write(streams.ALERTS, alerts[:2])
    await eventually(lambda: _counts(archive, 27, 7), what="both lives archived")
    await archive.until_caught_up()
    assert await _counts(archive, 27, 7)


async def _counts(archive: Archive, reports: int, alerts: int) -> bool:
    found = await archive.rows("SELECT (SELECT count(*) FROM report) r, (SELECT count(*) FROM alert_change) a")
    return found == [{"r": reports, "a": alerts}]


async def test_a_deleted_consumer_is_made_again_after_the_last_that_is_archived(archive: Archive) -> None:
    """A consumer that somebody deleted under the archiver loses nothing and repeats nothing."""
    await archive.start()
    await archive.reports(*(report() for _ in range(20)))
    await archive.until_caught_up()
    await call(archive.nc, "CONSUMER.DELETE.REPORTS.archiver")
    await archive.reports(*(report() for _ in range(20)))
    await archive.until_caught_up()
    assert await archive.value("SELECT count(*) FROM report") == 40
    assert archive.counted(streams.REPORTS, "repeated") == 0


async def test_a_second_archiver_waits(archive: Archive, database: str, tmp_path: Path, eventually: Eventually) -> None:
    """Two archivers of one database would acknowledge what the other has in hand: the second writes nothing."""
    await archive.start()
    await archive.until_caught_up()
    second = Archive(archive.nc, database, tmp_path / "second", eventually)
    await second.start()
    await eventually(lambda: "another archiver" in second.told().get("database", ""))
    await archive.reports(*(report() for _ in range(20)))
    await archive.until_caught_up()
    assert second.counted(streams.REPORTS, "stored") == 0
    await archive.stop()
    await eventually(second.ready, what="the second takes over")
    await second.stop()


async def test_tables_of_a_newer_program_are_left_alone(archive: Archive, eventually: Eventually) -> None:
    """A database that a newer program made is not written, and readiness says what to do."""
    await archive.start()
    await archive.until_caught_up()
    await archive.stop()
    await archive.execute("INSERT INTO migration (version, name) VALUES (9999, 'later')")
    await archive.reports(report())
    await archive.start()
    await eventually(lambda: "newer program" in archive.told().get("database", ""))
    assert await archive.value("SELECT count(*) FROM report") == 0
    await archive.execute("DELETE FROM migration WHERE version = 9999")
    await archive.until_caught_up()
    assert await archive.value("SELECT count(*) FROM report") == 1


async def test_migrations_are_taken_once_whole_and_in_order(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From nothing to the newest; a step that fails leaves the version before it."""
    async with connected(database) as connection:
        names = await migrations.migrate(connection)
        assert len(names) == migrations.VERSION == await migrations.version_of(connection)
        assert await migrations.migrate(connection) == []
        steps = migrations.steps()
        more = [*steps, (migrations.VERSION + 1, "bad", "CREATE TABLE half (a int); SELECT 1/0")]
        monkeypatch.setattr(migrations, "steps", lambda: more)
        monkeypatch.setattr(migrations, "VERSION", migrations.VERSION + 1)
        with pytest.raises(Exception, match="division"):
            await migrations.migrate(connection)
        assert await migrations.version_of(connection) == len(steps)
        assert await connection.fetchval("SELECT to_regclass('half')") is None


async def test_partitions_are_made_ahead(database: str) -> None:
    """A partition for the month at hand and the two after it; across a year's end; again changes nothing."""
    async with connected(database) as connection:
        await migrations.migrate(connection)
        moment = to_datetime(AT + 20 * DAY)
        await Partitions(connection).make("report", [moment, moment])
        await Partitions(connection).make("report", [moment])
        found = await connection.fetch(
            "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'report'::regclass ORDER BY 1"
        )
        assert [row["name"] for row in found] == ["report_2026_12", "report_2027_01", "report_2027_02"]
    assert Month(2026, 12).after(1) == Month(2027, 1)


async def test_readiness_tells_when_the_database_hangs(archive: Archive, eventually: Eventually) -> None:
    """A table that somebody locks: the connection is cut in time, readiness says so, and it goes on afterwards."""
    await archive.start()
    await archive.until_caught_up()
    async with connected(archive.database) as other, other.transaction():
        await other.execute("LOCK TABLE report_key IN ACCESS EXCLUSIVE MODE")
        await archive.reports(report())
        await eventually(lambda: "database" in archive.told(), what="told")
        assert await other.fetchval("SELECT count(*) FROM report") == 0
    await archive.until_caught_up()
    assert await archive.value("SELECT count(*) FROM report") == 1


async def test_away_says_why_without_the_password(archive: Archive, eventually: Eventually) -> None:
    """A database that is not there, a password that is wrong: the reason is told, and the password is not."""
    wrong = archive.database.replace("postgresql://vardkase:", "postgresql://vardkase:no-")
    archive.database, right = wrong, archive.database
    await archive.start()
    await eventually(lambda: "password authentication failed" in archive.told()["database"])
    assert right.split(":")[2].split("@")[0] not in str(archive.told())
    archive.database = right


async def test_the_streams_have_precedence_on_a_disk_that_is_filling(
    archive: Archive, tmp_path: Path, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the streams were promised is left to them: the archive waits, says so, and goes on when there is room."""
    (tmp_path / "postgres" / "cluster").mkdir(parents=True)
    assert (tmp_path / "nats" / "store").is_dir()  # the test's server has made it
    promised = sum(config(kept, LAN, 0.1)["max_bytes"] for kept in topology.OWN)
    disk = {"free": promised + (2 << 30)}
    monkeypatch.setattr(
        "vardkase.archiver.room.shutil.disk_usage", lambda _: SimpleNamespace(total=1 << 40, free=disk["free"])
    )
    await archive.start()
    await archive.until_caught_up()
    disk["free"] = promised + (1 << 29)
    await eventually(lambda: "kept for the streams" in archive.told().get("database", ""), what="told")
    await archive.reports(report())
    await eventually(lambda: "kept for the streams" in archive.told()["database"], what="told still")
    assert await archive.value("SELECT count(*) FROM report") == 0
    disk["free"] = promised + (2 << 30)
    await archive.until_caught_up()
    assert await archive.value("SELECT count(*) FROM report") == 1


async def test_an_audit_that_is_nearly_full_lets_go_of_what_is_archived(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    """The older half goes, once the archive has it and not before; what goes is counted, and stays in the archive."""
    monkeypatch.setattr(trim, "_EVERY", 0.05)
    event = b"{" + b" " * 1000

    async def written(count: int) -> None:
        subject = subjects.audit("act", Area("kommun", "2480"))
        await archive.write(streams.AUDIT, [Outgoing(subject=subject, data=event) for _ in range(count)])

    async def first() -> int:
        return (await call(archive.nc, f"STREAM.INFO.{streams.AUDIT}"))["state"]["first_seq"]

    async def from_on(least: int) -> bool:
        return await first() >= least

    await written(80)
    found = await call(archive.nc, f"STREAM.INFO.{streams.AUDIT}")
    most = found["state"]["bytes"] * 110 // 80
    await call(archive.nc, f"STREAM.UPDATE.{streams.AUDIT}", found["config"] | {"max_bytes": most})
    away = trim.Trim(streams.AUDIT, archive.nc, lambda: 0, archive.metrics)
    assert await away.look() == 0
    await archive.start()
    await eventually(lambda: from_on(30), what="the older part let go")
    assert await first() <= 41
    await written(60)
    await archive.until_caught_up()
    await eventually(lambda: from_on(70), what="and again")
    trimmed = archive.metrics.registry.get_sample_value("vardkase_archive_trimmed_total", {"stream": streams.AUDIT})
    assert trimmed == await first() - 1 <= 120
    assert archive.counted(streams.AUDIT, "misfit") + archive.counted(streams.AUDIT, "stored") == 140


async def test_what_must_be_gone_is_taken_out(archive: Archive, eventually: Eventually) -> None:
    """The rows stay, without the bytes: of a report, of a refusal, of an alert's evidence; also of what comes later."""
    secret = "Anna Andersson"  # noqa: S105 -- what a report must not say
    said = {"id": "r1", "type": "se.trygghetspunkt.status.v1", "data": {"note": secret}}
    raw = json.dumps(said).encode()
    alert = {"key": "need.overdue/2480-x", "point": {"id": "2480-x"}, "status": "firing"}
    evidence = [{"aspect": "needs.n1", "value": {"note": secret}, "observed_at": iso(AT), "report": "r1"}]
    refusal = {"data": {"reason": "range", "bytes": base64.b64encode(raw).decode()}}
    torn = {"data": {"reason": "range", "bytes": "this is no base64"}}
    other = report(identity="r2")
    await archive.start(archiver={**FAST["archiver"], "redact_every": 0.2})
    await archive.reports(report(identity="r1", data=raw), other)
    await archive.write(
        streams.ALERTS,
        [
            Outgoing(
                subject="tp.v1.act.alert.24.2480.x.need-overdue",
                data=json.dumps(alert | {"evidence": evidence}).encode(),
            )
        ],
    )
    await archive.write(
        streams.REJECTED,
        [Outgoing(subject="tp.v1.act.rejected.24.2480.x", data=json.dumps(each).encode()) for each in (refusal, torn)],
    )
    await archive.until_caught_up()
    tables = ("report", "alert_change", "rejected")

    async def holding() -> list[str]:
        return [
            table
            for table in tables
            for row in await archive.rows(f"SELECT data FROM {table}")  # noqa: S608 -- of the test's own
            if secret.encode() in row["data"] or base64.b64encode(raw) in row["data"]
        ]

    assert await holding() == list(tables)
    identity = {"reality": "act", "kommun": "2480", "id": "r1"}
    for number, area in enumerate(("01", "24")):  # Stockholm's has no effect
        event = {
            "specversion": "1.0",
            "id": f"o{number}",
            "source": f"urn:tp:lan:{area}",
            "type": "se.trygghetspunkt.order.redact.v1",
            "subject": area,
            "time": iso(AT),
            "reality": "act",
            "data": {"by": {"role": "stab", "level": "lan", "code": area}, "identity": identity, "reason": "namn"},
        }
        await archive.write(
            streams.ORDERS_UP, [Outgoing(subject="tp.v1.act.order.24._.redact", data=json.dumps(event).encode())]
        )

    async def clean() -> bool:
        return await holding() == []

    await eventually(clean, what="nothing holds it")
    rows = await archive.rows("SELECT id, data, digest FROM report ORDER BY sequence")
    assert [(row["id"], row["digest"]) for row in rows] == [
        ("r1", hashlib.sha256(raw).digest()),
        ("r2", hashlib.sha256(other.data).digest()),
    ]
    assert rows[1]["data"] == other.data
    await archive.reports(report(identity="r1", data=raw + b" ", message_id="later"))
    await archive.until_caught_up()
    await eventually(clean, what="nor what came later")
    assert archive.ready()
