"""What is foreseen, proposed and planned over HTTP, of what is held and of what STATE keeps."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway_kit import Running, running_gateway, state_of
from oracle.adapter import states
from oracle.make import Told, instant, order, register, resources, status, text
from oracle.make import given as reports
from servers import Eventually, NatsServer
from vardkase.domain.codec import merged_document
from vardkase.domain.power import Power
from vardkase.domain.view import View
from vardkase.runtime.jetstream.values import scan
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import iso
from vardkase_contracts.reports import REPORT


@pytest.fixture
async def gateway(nats_server: NatsServer, tmp_path: Path) -> AsyncIterator[Running]:
    async with running_gateway(nats_server.url, tmp_path) as running:
        yield running


def fuel(minute: float, litres: float, rate: float | None = 8) -> Told:
    power = {"source": "backup", "backup_state": "running", "fuel_l": litres, "fuel_l_per_h": rate}
    return resources(minute, power={name: value for name, value in power.items() if value is not None})


async def point(gateway: Running, name: str, *told: Told, at: float = 130, lon: float = 20.2, **more: Any) -> int:
    """Publish a point as its reports make it; the sequence. `at`: the story's minute at which it was judged."""
    story = [
        register(position={"lon": lon, "lat": 63.8}, **more.pop("profile", {})),
        status(-30, lifecycle="open", **more),
        *told,
    ]
    given = reports(each._replace(point=name, id=f"{name}-{n}") for n, each in enumerate(story))
    state = states(given)[name]
    power = Power(View(state, instant(at)))
    document = state_of(name) | merged_document(state)
    runs_out = power.runs_out_at
    document |= {
        "registered": True,
        "retired": False,
        "runs_out_at": None if runs_out is None else iso(runs_out),
        "endurance_known": power.endurance_known,
        "dark": power.dark_from <= instant(at),
        "freshness": "fresh",
    }
    return await gateway.publish(f"tp.v1.act.state.{name[:2]}.{name[:4]}.{name[5:]}", document)


async def held(gateway: Running, eventually: Eventually, sequence: int) -> None:
    await eventually(lambda: gateway.house.live.last_seq["state"] >= sequence, what="the states")


@pytest.fixture
def at_130(gateway: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """The node's time is minute 130 of the stories."""
    monkeypatch.setattr(gateway.house, "clock", Standing(instant(130)))


class Standing:
    """A clock that stands."""

    def __init__(self, now: int) -> None:
        self._now = now

    def now(self) -> int:
        return self._now


@pytest.mark.usefixtures("at_130")
async def test_a_points_forecast_says_when_and_why(gateway: Running, eventually: Eventually) -> None:
    """By its trend, with an interval, beside what was reported; another reading, another forecast; of none, 404."""
    await held(gateway, eventually, await point(gateway, "2480-a", fuel(0, 60), fuel(60, 48), fuel(120, 36)))
    told = (await gateway.http.get("/v1/points/2480-a/forecast")).json()
    (power,) = (each for each in told["forecasts"] if each["what"] == "power")
    assert (power["status"], power["basis"], power["readings"], power["rate"]) == ("foreseen", "trend", 3, -12)
    assert power["earliest"] < power["at"] < power["latest"] < power["reported_at"]
    assert "3 avläsningar" in power["statement"]["sv"]
    assert "3 readings" in power["statement"]["en"]
    more = [fuel(0, 60), fuel(60, 48), fuel(120, 36), fuel(125, 100)]
    await held(gateway, eventually, await point(gateway, "2480-a", *more))
    (after,) = (await gateway.http.get("/v1/points/2480-a/forecast")).json()["forecasts"]
    assert after["at"] > power["at"]
    assert (await gateway.http.get("/v1/points/2480-nowhere/forecast")).status_code == 404
    async with gateway.client(await gateway.token_of("kommun", "2401")) as other:
        assert (await other.get("/v1/points/2480-a/forecast")).status_code == 403


@pytest.mark.usefixtures("at_130")
async def test_an_areas_forecasts_are_by_when_and_in_pages(gateway: Running, eventually: Eventually) -> None:
    """Soonest first, then what nobody can say; counts are of the whole area; readings are kept."""
    await point(gateway, "2480-late", fuel(0, 90), fuel(60, 78), fuel(120, 66))
    await point(gateway, "2480-soon", fuel(0, 60), fuel(60, 48), fuel(120, 36))
    await point(gateway, "2480-few", fuel(120, 36, None))
    await point(gateway, "2401-well", resources(0, power={"source": "mains"}))
    last = await point(gateway, "2480-shut", fuel(0, 60), status(100, lifecycle="closed"))
    await held(gateway, eventually, last)
    answer = await gateway.http.get("/v1/forecasts", params={"code": "24", "what": "power"})
    assert answer.status_code == 200
    told = answer.json()
    assert [(each["point"], each["status"]) for each in told["forecasts"]] == [
        ("2480-soon", "foreseen"),
        ("2480-late", "foreseen"),
        ("2480-few", "too_few"),
    ]
    counts = told["counts"]["power"]
    assert (told["points"], counts["too_few"], counts["within"]["6h"]["expected"]) == (4, 1, 2)
    first = await gateway.http.get("/v1/forecasts", params={"code": "24", "what": "power", "limit": 1})
    assert (first.json()["numberMatched"], len(first.json()["forecasts"])) == (3, 1)
    again = await gateway.http.get(first.headers["link"].split(">")[0][1:])
    assert [each["point"] for each in again.json()["forecasts"]] == ["2480-late"]
    assert gateway.house.readings.read._value.get() == 4, "states are read once, until they change"
    async with gateway.client(await gateway.token_of("lan", "24")) as lan:
        answers = await asyncio.gather(lan.get("/v1/forecasts"), lan.get("/v1/forecasts", params={"code": "01"}))
    assert [each.status_code for each in answers] == [200, 403]


@pytest.mark.usefixtures("at_130")
async def test_warmth_is_foreseen_by_the_limits_of_the_point(gateway: Running, eventually: Eventually) -> None:
    """An override of a point counts for it alone, from when it is ordered, also for what was just worked out."""
    cools = [resources(minute, heat={"indoor_c": 21 - minute / 60}) for minute in (0, 60, 120)]
    await point(gateway, "2480-a", *cools)
    await held(gateway, eventually, await point(gateway, "2480-b", *cools))

    async def limits() -> dict[str, float]:
        answer = await gateway.http.get("/v1/forecasts", params={"code": "2480", "what": "heat"})
        return {each["point"]: each["limit"] for each in answer.json()["forecasts"]}

    assert await limits() == {"2480-a": 18.0, "2480-b": 18.0}
    warmer = {"scope": "2480-a", "override": {"heat.low": {"yellow": 20, "red": 18.5}}}
    subject = subjects.order("act", Area.parse("2480"), "rules")
    await gateway.publish(subject, order("rules", 100, warmer, by=("kommun", "2480"), id_="warmer"))

    async def moved() -> bool:
        return await limits() == {"2480-a": 18.5, "2480-b": 18.0}

    await eventually(moved, what="the override")
    to_come = {"scope": "2480-b", "override": {"heat.low": {"red": 18.7}}}
    await gateway.publish(subject, order("rules", 140, to_come, by=("kommun", "2480"), id_="to-come"))
    back = {"scope": "2480-a", "override": None}
    await gateway.publish(subject, order("rules", 120, back, by=("kommun", "2480"), id_="back"))

    async def gone() -> bool:
        return await limits() == {"2480-a": 18.0, "2480-b": 18.0}

    await eventually(gone, what="the override taken back")


NEED = {"need_id": "n1", "direction": "need", "kind": "fuel", "quantity": 200.0, "unit": "l", "state": "requested"}


async def needing(gateway: Running, name: str, *needs: dict[str, Any]) -> int:
    document = state_of(name)
    fact = document["facts"]["power"]
    document["facts"]["needs"] = {
        each["need_id"]: fact | {"value": each, "report": f"said-{each['need_id']}"} for each in needs
    }
    return await gateway.publish(f"tp.v1.act.state.{name[:2]}.{name[:4]}.{name[5:]}", document)


async def test_each_kommun_says_yes_to_its_own_side(gateway: Running, eventually: Eventually) -> None:
    """Two reports for a part: the rest stays asked for. Said again it counts once; nobody says yes for another."""
    surplus = NEED | {"need_id": "s1", "direction": "surplus", "quantity": 150.0}
    await needing(gateway, "2401-b", surplus)
    await held(
        gateway, eventually, await needing(gateway, "2480-a", NEED, NEED | {"need_id": "n2", "state": "delivered"})
    )
    (pair,) = (await gateway.http.get("/v1/needs?match=true")).json()["matches"]
    assert (pair["quantity"], pair["need"]["report"], pair["accepted"]) == (150, "said-n1", [])
    yes = pair["need"] | {"counterpart": {"point": "2401-b", "need_id": "s1"}, "quantity": 150, "role": "krisledning"}
    async with (
        gateway.client(await gateway.token_of("kommun", "2480")) as own,
        gateway.client(await gateway.token_of("lan", "24")) as lan,
        gateway.client(await gateway.token_of("kommun", "2401")) as other,
    ):
        assert [(await each.post("/v1/needs/accept", json=yes)).status_code for each in (lan, other)] == [403, 403]
        stored = await own.post("/v1/needs/accept", json=yes)
        assert stored.status_code == 202, stored.text
        again = await own.post("/v1/needs/accept", json=yes)
        assert (again.status_code, again.json()["duplicate"]) == (200, True)
        for changed, status_code in (
            ({"report": "older"}, 409),
            ({"need_id": "nothing"}, 404),
            ({"need_id": "n2", "report": "said-n2"}, 409),
            ({"quantity": 500}, 409),
            ({"quantity": 0}, 422),
        ):
            assert (await own.post("/v1/needs/accept", json=yes | changed)).status_code == status_code, changed
    sent = [one async for one in scan(gateway.nc, streams.INTAKE, [])]
    assert [one.subject for one in sent] == ["tp.v1.act.report.24.2480.a.need"] * 2
    rest, part = (REPORT.validate_json(one.data).model_dump(mode="json")["data"] for one in sent)
    assert (rest["need_id"], rest["quantity"], rest["state"]) == ("n1", 50, "requested")
    assert (part["part_of"], part["quantity"], part["state"]) == ("n1", 150, "assigned")
    assert part["counterpart"] == {"point": "2401-b", "need_id": "s1"}


def fleet(**more: Any) -> dict[str, Any]:
    truck = {"name": "Tankbil 1", "position": {"lon": 20.2, "lat": 63.8}, "litres": 1000, "minutes_per_stop": 20}
    return {"code": "24", "trucks": [truck], "depots": [{"name": "Depån", "position": truck["position"]}]} | more


@pytest.mark.usefixtures("at_130")
async def test_a_fuel_round_goes_to_who_runs_dry(gateway: Running, eventually: Eventually) -> None:
    """Each point once, soonest where it helps; who has a refill confirmed or is on mains is not in it; a proposal."""
    await point(gateway, "2480-soon", fuel(0, 60), fuel(60, 48), fuel(120, 30), lon=20.5)
    await point(gateway, "2480-late", fuel(0, 90, 12), fuel(60, 78, 12), fuel(120, 66, 12), lon=20.25)
    refill = resources(121, refill={"eta": text(instant(140)), "confirmed": True})
    await point(gateway, "2480-comes", fuel(120, 60, 12), refill)
    await point(gateway, "2480-guess", fuel(120, 60, None))
    last = await point(gateway, "2480-well", resources(0, power={"source": "mains"}))
    await held(gateway, eventually, last)
    answer = await gateway.http.post("/v1/fuel-round", json=fleet())
    assert answer.status_code == 200, answer.text
    told = answer.json()
    (truck,) = told["trucks"]
    assert [stop["point"] for stop in truck["stops"]] == ["2480-late", "2480-soon"], "both in time, and a shorter way"
    assert all(not stop["dry_on_arrival"] and stop["lasts_until"] for stop in truck["stops"])
    assert (told["dry"], told["cost"]["dry_points"], told["road_factor"]) == ([], 0, 1.3)
    assert {each["point"]: each["reason"] for each in told["left_out"]} == {
        "2480-comes": "refill_confirmed",
        "2480-guess": "endurance_unknown",
    }
    assert told["cost"]["km"] <= told["compared"]["nearest_first"]["km"]
    same = await gateway.http.post("/v1/fuel-round", json=fleet())
    assert same.content == answer.content
    for wrong, field in (({"trucks": []}, "trucks"), ({"hours": 1000}, "hours"), ({"road_factor": 0}, "road_factor")):
        refused = await gateway.http.post("/v1/fuel-round", json=fleet(**wrong))
        assert (refused.status_code, refused.json()["field"]) == (422, field)
    assert not [one async for one in scan(gateway.nc, streams.INTAKE, [])]
    assert json.loads(answer.content)["reality"] == "act"
