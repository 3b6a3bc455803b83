"""Exercises at the gateway: told everywhere, refused where they were aborted, filed again by a person alone."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from gateway_kit import Running, running_gateway
from servers import NatsServer
from vardkase.runtime.jetstream.values import scan
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.client import new_id, new_report
from vardkase_contracts.instants import iso
from vardkase_contracts.vocab import Reality

BANNER = "ÖVNING AVBRUTEN – SKARPT LÄGE"  # noqa: RUF001 -- as it is written
Eventually = Callable[..., Awaitable[Any]]


@pytest.fixture
async def gateway(nats_server: NatsServer, tmp_path: Path) -> AsyncIterator[Running]:
    async with running_gateway(nats_server.url, tmp_path, area="24") as running:
        for kommun in ("2480", "2482"):
            for reality in ("act", "exe"):
                await running.state(f"{kommun}-skolan", reality=reality)
        yield running


class Spelledning:
    """Gives orders about an exercise."""

    def __init__(self, running: Running, eventually: Eventually) -> None:
        self.running = running
        self.eventually = eventually

    async def __call__(self, state: str, areas: list[str], about: str = "24", **more: Any) -> None:
        """Give one, and see it in force."""
        await _order(self.running, self.eventually, state, areas, about, **more)


@pytest.fixture
def order(gateway: Running, eventually: Eventually) -> Spelledning:
    return Spelledning(gateway, eventually)


async def _order(
    running: Running, eventually: Eventually, state: str, areas: list[str], about: str, **more: Any
) -> None:
    now = running.house.clock.now()
    data = {"id": "ovning-x", "name": "Övning X", "areas": areas, "from": iso(now), "state": state} | more
    event = {"kind": "exercise", "area": about, "role": "stab", "reality": "exe", "id": new_id(), "data": data}
    answer = await running.http.post("/v1/orders", json=event)
    assert answer.status_code == 202, answer.text
    wanted = set(areas) & {"2480", "2482"} or {"2480", "2482"}

    def known() -> bool:
        found = [running.house.exercises.standing(kommun) for kommun in sorted(wanted)]
        is_running, is_aborted = state == "running", state == "aborted"
        return all(bool(each.aborted) == is_aborted and bool(each.running) == is_running for each in found)

    await eventually(known, what="the order in force")


async def sent(running: Running, reality: Reality, point: str = "2480-skolan") -> httpx.Response:
    event = new_report("status", point, {"occupancy": 7}, reality=reality)
    content = event.model_dump_json(exclude_unset=True, by_alias=True)
    return await running.http.post(
        "/v1/reports", content=content, headers={"content-type": "application/cloudevents+json"}
    )


async def told(running: Running, code: str, reality: str = "act") -> dict[str, Any]:
    answer = await running.http.get("/v1/exercises", params={"code": code, "reality": reality})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_an_exercise_is_told_in_every_reality(
    gateway: Running, order: Spelledning, eventually: Eventually
) -> None:
    """Who looks at skarpt läge is told that it goes on; the messages are for who may look at övning."""
    await order("running", ["2480", "2482"])
    message = {"specversion": "1.0", "id": "m", "source": "urn:tp:lan:24:spelledning", "subject": "2480"}
    message |= {"type": "se.trygghetspunkt.order.note.v1", "time": iso(gateway.house.clock.now()), "reality": "exe"}
    message |= {"data": {"by": {"role": "stab", "level": "lan", "code": "24"}, "note": "SPELLEDNING: Ring upp"}}
    await gateway.publish(subjects.order("exe", Area.parse("2480"), "note"), message)
    for reality in ("act", "exe"):
        (each,) = (await told(gateway, "24", reality))["exercises"]
        assert (each["name"], each["state"], each["running"]) == ("Övning X", "running", ["2480", "2482"])

    async def heard() -> bool:
        return bool((await told(gateway, "2480"))["messages"])

    await eventually(heard, what="the message")
    assert [each["text"] for each in (await told(gateway, "2480"))["messages"]] == ["Ring upp"]
    assert (await told(gateway, "2482"))["messages"] == []
    real = await gateway.token_of("reader", "24", realities=["act"])
    async with gateway.client(real) as client:
        answer = (await client.get("/v1/exercises")).json()
        assert answer["messages"] is None
        assert len(answer["exercises"]) == 1
        assert (await client.get("/v1/exercises", params={"reality": "exe"})).status_code == 403


async def test_after_an_abort_no_report_of_it_is_taken(gateway: Running, order: Spelledning) -> None:
    """In the kommun that aborted, and there alone, reports of övning are refused with the text; real ones are not."""
    await order("running", ["2480", "2482"])
    assert (await sent(gateway, "exe")).status_code == 202
    await order("aborted", ["2480"], about="2480")
    refused = await sent(gateway, "exe")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:tp:problem:exercise_aborted")
    assert refused.json()["detail"].startswith(BANNER)
    assert (await sent(gateway, "act")).status_code == 202
    assert (await sent(gateway, "tst")).status_code == 202
    assert (await sent(gateway, "exe", "2482-skolan")).status_code == 202
    metrics = (await gateway.http.get("/metrics")).text
    assert 'vardkase_http_events_total{outcome="stored",reality="exe",what="report"} 2.0' in metrics
    assert 'vardkase_http_events_total{outcome="stored",reality="act",what="report"} 1.0' in metrics
    await order("running", ["2480"], **{"id": "ovning-y", "from": iso(gateway.house.clock.now())})
    assert (await sent(gateway, "exe")).status_code == 202, "another exercise has begun since"


async def test_a_points_form_refuses_with_the_text(gateway: Running, order: Spelledning) -> None:
    """The form says so before and after, with and without JavaScript; a form of skarpt läge goes on."""
    await order("running", ["24"])
    links = {
        reality: await gateway.token_of("reporter", "2480", point="2480-skolan", realities=[reality])
        for reality in ("exe", "act")
    }
    forms = {reality: gateway.client(None, origin=gateway.url) for reality in links}
    try:
        for reality, form in forms.items():
            assert (await form.get("/rapportera", params={"k": links[reality]})).status_code == 303
        assert "Övning pågår" in (await forms["act"].get("/rapportera")).text
        assert BANNER not in (await forms["exe"].get("/rapportera")).text
        await order("aborted", ["24"])
        for form in forms.values():
            assert BANNER in (await form.get("/rapportera")).text
        given = {"point": "2480-skolan", "do": "unchanged", "sid": f"s{new_id()}"}
        plain = await forms["exe"].post("/rapportera", data=given | {"reality": "exe"})
        assert (plain.status_code, BANNER in plain.text) == (409, True)
        script = {"accept": "application/json"}
        box = await forms["exe"].post("/rapportera", data=given | {"reality": "exe"}, headers=script)
        assert (box.status_code, box.json()["detail"].startswith(BANNER)) == (409, True)
        real = await forms["act"].post("/rapportera", data=given | {"reality": "act"}, headers=script)
        assert real.status_code == 202
    finally:
        for form in forms.values():
            await form.aclose()


async def test_the_desk_refuses_with_the_text(gateway: Running, order: Spelledning) -> None:
    """The kommun's desk says so, and takes nothing more as övning."""
    await order("aborted", ["2480"], about="2480")
    page = await gateway.http.get("/kommun", params={"kod": "2480", "reality": "exe"})
    assert (page.status_code, BANNER in page.text) == (200, True)
    assert BANNER in (await gateway.http.get("/kommun", params={"kod": "2480"})).text
    assert BANNER not in (await gateway.http.get("/kommun", params={"kod": "2482", "reality": "exe"})).text
    form = {"kod": "2480", "reality": "exe", "sid": f"s{new_id()}", "do": "active"}
    answer = await gateway.http.post("/kommun/aktivering", data=form)
    assert (answer.status_code, BANNER in answer.text) == (409, True)


async def test_filed_again_by_a_person_and_never_by_itself(gateway: Running) -> None:
    """A new report in skarpt läge that names its origin, in the audit before it is stored; twice is once."""
    event = new_report("resources", "2480-skolan", {"power": {"source": "none"}}, reality="exe", id="abc", seq=4)
    document = orjson.loads(event.model_dump_json(exclude_unset=True))
    await gateway.publish(subjects.accepted("exe", "2480", "skolan", "resources"), document)
    wanted = {"kommun": "2480", "reports": ["abc"], "role": "krisledning"}
    answers = [await gateway.http.post("/v1/exercises/refile", json=wanted) for _ in range(2)]
    assert [each.status_code for each in answers] == [202, 202], answers[0].text
    told_ = [each.json()["reports"] for each in answers]
    assert [each[0]["duplicate"] for each in told_] == [False, True]
    assert told_[0][0]["origin"] == "exe.2480.abc"
    found = [orjson.loads(each.data) async for each in scan(gateway.nc, streams.INTAKE, ["tp.v1.act.report.>"])]
    assert len(found) == 1
    again = found[0]
    assert (again["id"], again["refiled_from"]) == (told_[0][0]["id"], "exe.2480.abc")
    assert (again["time"], again["data"], again["quality"]) == (document["time"], document["data"], "relayed")
    audited = [orjson.loads(each.data) async for each in scan(gateway.nc, streams.AUDIT, ["tp.v1.act.audit.>"])]
    acts = [each for each in audited if each["data"]["what"] == "exercise.refile"]
    assert [(each["data"]["on"], each["data"]["outcome"]) for each in acts] == [("exe.2480.abc", "done")] * 2


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"reports": ["finns-inte"]}, 404, "reports.0"),
        ({"reports": []}, 422, "reports"),
        ({"reports": [f"r{number}" for number in range(101)]}, 422, "reports"),
        ({"kommun": "0180"}, 422, "kommun"),
        ({"role": "Anna"}, 422, "role"),
    ],
)
async def test_what_cannot_be_filed_again(gateway: Running, changes: dict[str, Any], status: int, field: str) -> None:
    """It is said what is wrong, and nothing is stored."""
    wanted = {"kommun": "2480", "reports": ["abc"], "role": "krisledning"} | changes
    answer = await gateway.http.post("/v1/exercises/refile", json=wanted)
    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert [each async for each in scan(gateway.nc, streams.INTAKE, ["tp.v1.act.report.>"])] == []
