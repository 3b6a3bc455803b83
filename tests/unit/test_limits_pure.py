"""Limits that need no server: what is refused, what is left out by rule, and what stays bounded whatever comes.

docs/limits.md lists all limits, each with the test that fills it past its bound.
"""

import json
import logging
import random
import re
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from contract.fixtures import report, to_json
from oracle.adapter import received, rules
from oracle.make import POINT, Told, given, instant, order, register, resources, status, when
from vardkase.aggregator.identities import Identities, Known
from vardkase.aggregator.succession import GENERATIONS, PREDECESSORS
from vardkase.aggregator.world import World
from vardkase.cli.tally import Tally
from vardkase.domain import incidents
from vardkase.domain.alerts import TOLD
from vardkase.domain.merge import Copy, Received
from vardkase.domain.offers import UNITS
from vardkase.domain.picture import Pictures
from vardkase.domain.stamps import Stamp
from vardkase.domain.state import MAX_NEEDS, PointState
from vardkase.intake.check import Accepted, check
from vardkase.intake.recent import Recent
from vardkase.runtime import logs
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.nats_config import LONGEST
from vardkase_contracts import vocab
from vardkase_contracts.alert import Alert
from vardkase_contracts.areas import CIVO, KOMMUNER, LAN, Area
from vardkase_contracts.orders import ORDER
from vardkase_contracts.refusals import Refusal
from vardkase_contracts.reports import MAX_BYTES

ROOT: Final = Path(__file__).parents[2]
MESSAGE: Final = 1 << 20
"""The longest message that a NATS server takes unless it is told otherwise, in bytes; ours takes more."""
LONG: Final = "\U0001f525"
"""A character of four bytes."""
EVERYTHING: Final[Mapping[str, Any]] = {
    "power": {"source": "backup", "backup_state": "not_connected", "endurance_h": 1234.0625, "fuel_l": 1234567.0625},
    "staff": {"present": 2, "required": 4},
    "water": {"litres": 1234567.0625, "source": "tank"},
    "heat": {"indoor_c": 19.0625},
    "comms": {"mobile": "up", "fixed": "down", "internet": "up", "rakel": "down", "can_call_112": True},
}


def world(area: str = "24") -> World:
    return World("act", Area.parse(area), rules())


def taken(told: Iterable[Told]) -> list[Received]:
    return [received(each) for each in given(told)]


def merged(told: Iterable[Told], into: World | None = None) -> World:
    found = into or world()
    for each in taken(told):
        found.merge(each)
    return found


# -- reports -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [0, 1])
def test_a_report_of_64_kib_is_the_longest(more: int) -> None:
    """One of exactly 64 KiB is taken; one byte more is `too_large`, before anything of it is read."""
    event = report("status", weather="")
    room = MAX_BYTES - len(to_json(event)) + more
    data = to_json(event | {"weather": "x" * room})
    verdict = check("tp.v1.act.report.24.2480.umedalen-skola.status", data)
    assert len(data) == 64 * 1024 + more
    if more:
        assert isinstance(verdict, Refusal)
        assert (verdict.reason, verdict.field) == ("too_large", None)
    else:
        assert isinstance(verdict, Accepted)


def test_what_intake_remembers_of_ids_is_bounded() -> None:
    """Of more ids than it may remember the oldest are forgotten, copies of one identity among them."""
    recent = Recent(100)
    for n in range(1_000):
        digest = n.to_bytes(32, "big")
        recent.add(recent.message_id("act.2480.same", digest) or "", digest)
        recent.add(f"act.2480.{n}", digest)
        assert len(recent) <= 100
    assert recent.message_id("act.2480.999", (999).to_bytes(32, "big")) is None
    assert recent.message_id("act.2480.1", (1).to_bytes(32, "big")) == "act.2480.1"


# -- a point's state ---------------------------------------------------------------------------------------------------


@cache
def sensors() -> list[Received]:
    """Seven hours of a reading of everything every 10 s."""
    services = {code: {"state": "available"} for code in vocab.SERVICE_CODES}
    told: list[Told] = []
    for n in range(7 * 360):
        told.append(resources(n / 6, **EVERYTHING)._replace(id=f"r{n}"))
        if n % 12 == 0:
            told.append(status(n / 6, lifecycle="open", occupancy=n, services=services)._replace(id=f"s{n}"))
    return taken(told)


@pytest.mark.parametrize("turn", ["forwards", "backwards", "shuffled"])
def test_sensors_of_seven_hours_leave_73_stamps_of_each_aspect(turn: str) -> None:
    """A reading of everything every 10 s, in any order: 73 stamps an aspect, and a document that does not grow."""
    items = sensors()
    if turn != "forwards":
        items = items[::-1] if turn == "backwards" else random.Random(7).sample(items, len(items))
    found = world()
    for each in items:
        found.merge(each)
    state = found.states[POINT]
    aspects = (*EVERYTHING, "lifecycle", "occupancy", *(f"services.{code}" for code in vocab.SERVICE_CODES))
    assert {aspect: len(line.entries) for aspect, line in state.timelines.items()} == dict.fromkeys(aspects, 73)
    assert instant(55) <= state.timelines["heat"].entries[0][0].time < instant(60)
    document = found.judge(instant(7 * 60)).states[POINT]
    assert len(orjson.dumps(document)) < 150_000


@pytest.mark.parametrize("step", [1, -1])
def test_a_point_keeps_the_64_greatest_needs(step: int) -> None:
    """Of 200 needs the latest 64 stay, in whatever order they come; more of one id are one."""
    told = [Told(n / 10, "need", {"need_id": f"n{n}"}, id=f"r{n}") for n in range(200)]
    told += [Told(n / 10 - 1, "need", {"need_id": f"n{n}"}, id=f"s{n}") for n in range(200)]
    state = merged(told[::step]).states[POINT]
    assert set(state.needs) == {f"n{n}" for n in range(200 - MAX_NEEDS, 200)}


def largest_state() -> list[Told]:
    """Every text as long as it may be, and every stamp of every timeline another report's."""
    point = "2480-" + "a" * 40
    told = [
        register(
            *(-700,),
            name=LONG * 120,
            address=LONG * 240,
            org_unit=LONG * 120,
            local_label=LONG * 120,
            serves=sorted(KOMMUNER),
            planned_services=list(vocab.SERVICE_CODES),
            accessibility=[f"{n:02}{'a' * 38}" for n in range(40)],
        ),
        status(-600, message={f"aa-{chr(97 + n)}aaaaaaa-aaaaaaaa-aaaaaaaa": LONG * 500 for n in range(24)}),
        status(-600, note=LONG * 2000),
    ]
    told += [
        Told(-500, "need", {"need_id": f"{n:064}", "note": LONG * 2000, "unit": LONG * 32, "quantity": 0.0625})
        for n in range(MAX_NEEDS)
    ]
    single: list[Callable[[float], Told]] = [
        *(lambda at, part=part: resources(at, **{part: EVERYTHING[part]}) for part in EVERYTHING),
        lambda at: status(at, lifecycle="establishing"),
        lambda at: status(at, occupancy=1_000_000),
        *(lambda at, code=code: status(at, services={code: {"state": "available"}}) for code in vocab.SERVICE_CODES),
    ]
    told += [make(5 * bucket + place / 10) for bucket in range(73) for place, make in enumerate(single)]
    return [each._replace(point=point, id=f"{n:064}", reporter="y" * 64, seq=2**53 - n) for n, each in enumerate(told)]


def test_the_largest_state_is_a_message() -> None:
    """A point of which all is said that can be said has a state that the node's own server takes."""
    found = merged(largest_state())
    (document,) = found.judge(instant(73 * 5)).states.values()
    assert MESSAGE < len(orjson.dumps(document)) < 0.75 * LONGEST


# -- pictures and alerts -----------------------------------------------------------------------------------------------


def test_the_largest_picture_is_a_message() -> None:
    """However many units the surpluses of a kommun's points are counted in, its picture is one that a server takes."""
    found = world()
    for point in range(200):
        state = PointState(f"2480-p{point}", "act")
        for n in range(MAX_NEEDS):
            stamp = Stamp(instant(0), 0, f"r{point}-{n}", "urn:tp:kommun:2480", "observed", False)
            more = {
                "kind": "other",
                "state": "requested",
                "quantity": 1.5,
                "unit": f"{LONG * 20}{point:04}{n:03}" if n else "l",
            }
            state.put_need(f"n{n}", stamp, {"need_id": f"n{n}", "direction": "surplus", **more})
        found.put(state)
    found.judge(instant(1))
    picture = Pictures(found.rollup, "act").of(Area.parse("24"), found.surroundings(), instant(1))
    assert len(orjson.dumps(picture)) < MESSAGE // 4
    offered = picture["resources"]["surplus"]["other"]
    assert (offered["count"], len(offered["quantities"])) == (200 * MAX_NEEDS, UNITS)
    assert offered["quantities"]["l"] == 200 * 1.5
    for code in ("2480", "24"):
        named = [name for name in found.rollup.sums[Area.parse(code)] if name.startswith("surplus/")]
        assert len(named) == 1 + 2 * UNITS, "the sums hold units that no picture shows"


def test_the_largest_alert_is_a_message() -> None:
    """An alert that every area of Sweden has acknowledged and silenced, each with a long note, is one message."""
    found = merged([status(0, lifecycle="open"), resources(0, power={"source": "none"})])
    found.judge(instant(1))
    everybody = [("kommun", code) for code in KOMMUNER] + [("lan", code) for code in LAN]
    everybody += [("civo", code) for code in CIVO] + [("nation", "SE")]
    for n, by in enumerate(everybody):
        note = LONG * 2000
        ack = order("ack", 2, {"key": f"power.lost/{POINT}", "level": "critical", "note": note}, by=by, id_=f"a{n}")
        period = {"from": when(0), "until": when(600), "note": note}
        silence = order("silence", 2, {"matcher": {"point": POINT}} | period, by=by, id_=f"s{n}")
        for event in (ack, silence):
            found.take_order(ORDER.validate_json(orjson.dumps(event | {"subject": "2480"})))
    alert = found.judge(instant(3)).alerts[f"power.lost/{POINT}"]
    assert len(orjson.dumps(alert)) < MESSAGE // 2
    assert [(len(alert[each]), alert[each][-1]["code"]) for each in ("acks", "silences")] == [(TOLD, "SE")] * 2
    assert {each["level"] for each in alert["acks"]} == {"nation", "civo", "lan"}


def test_a_long_chain_of_retirements_is_no_standstill() -> None:
    """600 points, each replaced by the next, or all by one, are judged in far less time than the watchdog gives."""
    chain = [Told(0, "retire", {"replaced_by": f"2480-p{n + 1}"}, point=f"2480-p{n}") for n in range(600)]
    fan = [Told(0, "retire", {"replaced_by": "2482-heir"}, point=f"2482-p{n:03}") for n in range(600)]
    found = merged([*chain, *fan, *(status(0, lifecycle="open")._replace(point=p) for p in ("2480-p600", "2482-heir"))])
    assert found._succession.before("2480-p600") == [f"2480-p{n}" for n in range(599, 599 - GENERATIONS, -1)]
    assert found._succession.before("2482-heir") == [f"2482-p{n:03}" for n in range(PREDECESSORS)]
    began = time.process_time()
    found.judge(instant(1))
    assert time.process_time() - began < 3.0  # without the bounds: minutes; the collector may run meanwhile


# -- orders ------------------------------------------------------------------------------------------------------------


def test_incidents_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those last changed are kept, and what is left out is counted; in whatever order they come."""
    monkeypatch.setattr(incidents, "KEPT", 50)
    orders = [
        ORDER.validate_json(
            orjson.dumps(
                order(
                    "incident",
                    n / 10,
                    {"id": f"i{n // 2}", "name": "x", "areas": ["2480"], "from": when(n / 10)},
                    id_=f"o{n}",
                )
            )
        )
        for n in range(140)
    ]
    for told in (orders, orders[::-1]):
        found = world()
        for each in told:
            found.take_order(each)
        kept = found.orders.incidents
        assert len(kept) == 50
        assert kept.left_out >= 20
        assert kept.since("2480", instant(60)) == instant(4.1)
        assert all(len(each) <= incidents.ORDERS_KEPT for each in kept._orders.values())


def test_an_order_of_one_incident_too_many_costs_no_look_at_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside 5,000 incidents, 4,000 more, each of which has the oldest left out: milliseconds, not a second."""
    monkeypatch.setattr(incidents, "KEPT", 5_000)
    data = {"name": "x", "areas": ["2480"], "from": when(0)}
    told = ORDER.validate_json(orjson.dumps(order("incident", 0, {"id": "i", **data}, id_="o")))
    kept = incidents.Incidents()

    def take(number: int) -> None:
        changes = {"id": f"o{number}", "time": told.time + timedelta(seconds=number)}
        kept.take(told.model_copy(update={**changes, "data": told.data.model_copy(update={"id": f"i{number}"})}))

    for number in range(5_000):
        take(number)
    began = time.process_time()
    for number in range(5_000, 9_000):
        take(number)
    assert time.process_time() - began < 1.0
    assert (kept.left_out, min(kept._orders, key=lambda name: int(name[1:]))) == (4_000, "i4000")


@pytest.mark.parametrize("step", [1, -1])
def test_acks_of_what_nobody_knows_are_bounded(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many alerts of a kommun are acknowledged, the latest are remembered; its neighbour's are left alone."""
    monkeypatch.setattr("vardkase.domain.orders.ACKED_KEPT", 100)
    keys = [f"power.lost/2480-p{n}" for n in range(300)]
    acks = [order("ack", n / 10, {"key": key, "level": "red"}, id_=f"a{n}") for n, key in enumerate(keys)]
    found = world()
    found.take_order(ordered(order("ack", -1, {"key": "power.lost/2482-p", "level": "red"}, id_="n"), "2482"))
    for each in acks[::step]:
        found.take_order(ordered(each, "2480"))
    orders = found.orders
    assert set(orders.acks) == {*keys[200:], "power.lost/2482-p"}
    assert orders.acks_left_out == 200
    orders.forget(instant(60 * 24 * 40))
    assert (orders.acks, [len(each) for each in orders._acked.values()]) == ({}, [0, 0])


def ordered(event: Mapping[str, Any], about: str) -> Any:
    return ORDER.validate_json(orjson.dumps({**event, "subject": about}))


# -- what is kept on disk beside the streams ---------------------------------------------------------------------------


def test_the_files_beside_the_stream_stay_in_proportion(tmp_path: Path) -> None:
    """Identities take some 200 bytes each on disk; their write-ahead log is as long as a backlog's step, not as all."""
    path = tmp_path / "identities.sqlite"
    wal = path.with_name("identities.sqlite-wal")
    chance, count, longest = random.Random(1), 0, 0
    with Identities(path) as identities:
        assert identities._db.execute("PRAGMA cache_size").fetchone() == (-8000,)
        for size in (10_000, 10_000, *[500] * 40):
            identities.record(
                {
                    ("act", "2480", f"{chance.getrandbits(128):032x}"): Known(
                        Copy(chance.randbytes(32), count), "2480-umedalen", is_withdraw=False, withdrawn=False
                    )
                    for _ in range(size)
                }
            )
            count += size
            identities.commit(count)
            longest = max(longest, wal.stat().st_size)
        assert longest < 32 << 20
    assert path.stat().st_size < 300 * count


# -- logs --------------------------------------------------------------------------------------------------------------


def test_places_that_log_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many places in the code log, what is remembered of them has a bound."""
    monkeypatch.setattr(logs, "_PLACES", 50)
    throttle = logs.Throttle()
    for line in range(1_000):
        assert throttle.filter(logging.makeLogRecord({"pathname": "x.py", "lineno": line}))
        assert len(throttle._places) <= 50


async def test_errors_that_the_server_tells_are_remembered_in_bounds(caplog: pytest.LogCaptureFixture) -> None:
    """A thousand refused subjects leave a hundred behind, and the same words are told once in a while."""
    connection = Connection()
    for n in range(1_000):
        await connection.tell(OSError(f'permissions violation for publish to "tp.{n}"'))
        assert len(connection.denied) <= 100
        assert len(connection._told) <= 100
    caplog.clear()
    for _ in range(50):
        await connection.tell(OSError("the same"))
    assert len(caplog.records) == 1


# -- what watches and what sends ---------------------------------------------------------------------------------------


def test_what_a_demo_counts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more alerts than are told apart only the changes are counted."""
    monkeypatch.setattr("vardkase.cli.tally.MOST_ALERTS", 5)
    found = merged([status(0, lifecycle="open"), resources(0, power={"source": "none"})])
    document = orjson.dumps(found.judge(instant(40)).alerts[f"power.lost/{POINT}"])
    alert = Alert.model_validate_json(document)
    tally = Tally()
    for n in range(20):
        tally.take(alert.model_copy(update={"alert_id": f"a{n}"}))
    summary = tally.summary(reports=0, hours=1, truth={})
    assert (sum(sum(levels.values()) for levels in summary.alerts.values()), summary.changes) == (5, 20)


# -- alerts about the node itself --------------------------------------------------------------------------------------


@pytest.mark.promtool
def test_prometheus_tells_before_a_stream_is_full(tmp_path: Path) -> None:
    """From 70 % on an operator is told of any stream, the public one too; near its end, or when it refuses, at once."""
    ratio = 'vardkase_stream_fill_ratio{{instance="n",stream="{stream}"}}'
    full = 'vardkase_write_retries_total{instance="n",reason="full",stream="STATE"}'
    series = {
        ratio.format(stream="REPORTS"): "0.6+0.05x4 0.8x20",
        ratio.format(stream="PUBLIC"): "0.71x20",
        ratio.format(stream="INTAKE"): "0.96x20",
        full: "0x10 3x10",
        'vardkase_points_over_limit{instance="n",reality="act"}': "0x5 1x15",
    }
    summary = {"instance": "n", "severity": "warning"}
    firing = {
        ("VardkaseStreamFilling", "4m"): [],
        ("VardkaseStreamFilling", "9m"): [summary | {"stream": name} for name in ("REPORTS", "PUBLIC", "INTAKE")],
        ("VardkaseStreamFull", "0m"): [{"instance": "n", "severity": "critical", "stream": "INTAKE"}],
        ("VardkaseManyPoints", "9m"): [],
        ("VardkaseManyPoints", "12m"): [summary | {"reality": "act"}],
    }
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": f'ALERTS{{alertname="{alert}",alertstate="firing"}}',
                "eval_time": at,
                "exp_samples": [
                    {"labels": _shown({"alertname": alert, "alertstate": "firing"} | labels), "value": 1}
                    for labels in expected
                ],
            }
            for (alert, at), expected in firing.items()
        ],
    }
    rules_file = ROOT / "infra" / "prometheus" / "vardkase.rules.yml"
    document = {"rule_files": [str(rules_file)], "evaluation_interval": "1m", "tests": [test]}
    (tmp_path / "test.json").write_text(json.dumps(document), encoding="utf-8")
    done = subprocess.run(
        ["promtool", "test", "rules", str(tmp_path / "test.json")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _shown(labels: Mapping[str, str]) -> str:
    return "ALERTS{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


# -- the list itself ---------------------------------------------------------------------------------------------------


def test_every_limit_that_is_listed_has_its_test() -> None:
    """docs/limits.md names a test for each limit, and each of them exists."""
    text = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_[a-z0-9_]+)`", text))
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_[a-z0-9_]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert named - there == set()
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith(("| What", "|--"))]
    assert len(rows) > 40
    assert [row for row in rows if not re.search(r"`test_|none: ", row)] == []
