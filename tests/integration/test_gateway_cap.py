"""Alerts over HTTP as CAP 1.2, and the feed that leads to them."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import feedparser
import pytest
from lxml import etree

from cap_kit import check, read, text, texts
from gateway_kit import Running, running_gateway
from servers import Eventually, NatsServer
from vardkase.gateway.atom import NAMESPACE as ATOM
from vardkase.gateway.atom import NEVER
from vardkase_contracts.instants import parse

CAP = {"accept": "application/cap+xml"}
KEY = "power.lost/2480-a"


@pytest.fixture
async def gateway(nats_server: NatsServer, tmp_path: Path) -> AsyncIterator[Running]:
    async with running_gateway(nats_server.url, tmp_path, area="24") as running:
        yield running


async def told(gateway: Running, eventually: Eventually, *changes: dict[str, Any], key: str = KEY, **more: Any) -> None:
    """Publish changes of an alert, and wait until they are held."""
    last = 0
    for each in changes:
        last = await gateway.alert(key, **({"acks": [], "silences": []} | each), **more)
    await eventually(lambda: gateway.house.live.last_seq["alert"] >= last, what="all changes held")


def change(minute: int, level: str = "red", alert_id: str = "one", **more: Any) -> dict[str, Any]:
    """A change at a minute."""
    return {"changed_at": f"2026-11-20T02:{minute:02}:00Z", "level": level, "alert_id": alert_id, **more}


CLEARED = {"status": "cleared", "cleared_reason": "recovered"}


async def test_an_alert_is_answered_as_cap_on_request(gateway: Running, eventually: Eventually) -> None:
    """Who asks for CAP gets the newest message with its chain; who does not gets JSON, as ever."""
    await told(gateway, eventually, change(1, alert_id="zero"), change(2, alert_id="zero", **CLEARED))
    await told(gateway, eventually, change(3), change(4, "critical"))
    path = f"/v1/alerts/{KEY}"
    answer = await gateway.http.get(path, headers=CAP)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/cap+xml"
    assert "accept" in answer.headers["vary"]
    root = read(answer.content)
    check(root)
    assert text(root, "msgType") == "Update"
    assert text(root, "sender") == "urn:tp:lan:24"
    assert set(texts(root, "info/severity")) == {"Extreme"}
    assert len((text(root, "references") or "").split()) == 1
    again = await gateway.http.get(path, headers=CAP | {"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    for accept in ("application/json", "*/*", "application/cap+xml;q=0.1, application/json", "application/cap+xml;q=0"):
        assert (await gateway.http.get(path, headers={"accept": accept})).json()["key"] == KEY
    await told(gateway, eventually, change(5, **CLEARED))
    cancel = read((await gateway.http.get(path, headers=CAP)).content)
    assert text(cancel, "msgType") == "Cancel"


async def test_every_reference_can_be_fetched(gateway: Running, eventually: Eventually) -> None:
    """Each message of the chain is answered by its name, as it was sent, whatever came since."""
    await told(gateway, eventually, change(3), change(4, "critical"), change(5, **CLEARED))
    path = f"/v1/alerts/{KEY}"
    newest = read((await gateway.http.get(path, headers=CAP)).content)
    references = (text(newest, "references") or "").split()
    assert len(references) == 2
    for number, reference in enumerate(references):
        sender, identifier, sent = reference.split(",")
        answer = await gateway.http.get(path, params={"message": identifier})
        root = read(answer.content)
        check(root)
        assert (text(root, "sender"), text(root, "identifier"), text(root, "sent")) == (sender, identifier, sent)
        assert (text(root, "references") or "").split() == references[:number]
        assert text(root, "msgType") == ("Update" if number else "Alert")
        kept = await gateway.http.get(path, params={"message": identifier})
        assert kept.content == answer.content
        for wrong in (identifier[:-1] + ("0" if identifier[-1] != "0" else "1"), "urn:x", identifier + "x"):
            assert (await gateway.http.get(path, params={"message": wrong})).status_code == 404
        other = await gateway.http.get("/v1/alerts/power.lost/2480-b", params={"message": identifier})
        assert other.status_code == 404
    odd = await gateway.http.get("/v1/alerts/power.*/2480-a", params={"message": references[0].split(",")[1]})
    assert odd.status_code == 404


def structure(body: bytes) -> Any:
    """A feed as RFC 4287 wants it, by its own reading and by feedparser's."""
    parsed = feedparser.parse(body)
    assert not parsed.bozo, parsed.get("bozo_exception")
    assert parsed.version == "atom10"
    root = etree.fromstring(body)
    assert root.tag == f"{{{ATOM}}}feed"

    def one(parent: Any, name: str) -> str:
        found = parent.findall(f"{{{ATOM}}}{name}")
        assert len(found) == 1, name
        return found[0].text

    assert one(root.find(f"{{{ATOM}}}author"), "name")
    assert [each.get("rel") for each in root.findall(f"{{{ATOM}}}link")].count("self") == 1
    ids = [one(root, "id")]
    for entry in root.findall(f"{{{ATOM}}}entry"):
        ids.append(one(entry, "id"))
        assert one(entry, "title")
        assert parse(one(entry, "updated"))
        links = [(each.get("rel"), each.get("type")) for each in entry.findall(f"{{{ATOM}}}link")]
        assert links == [("alternate", "application/cap+xml")]
    assert len(set(ids)) == len(ids)
    assert all(re.match(r"[a-z]+:\S+$", each) for each in ids)
    assert one(root, "updated")
    return parsed


def href(entry: Any) -> str:
    """Where an entry leads."""
    return next(each.href for each in entry.links if each.type == "application/cap+xml")


async def test_the_feed_leads_to_the_documents(gateway: Running, eventually: Eventually) -> None:
    """Valid Atom, what changed last first, and each entry's link is answered with the message it names."""
    empty = await gateway.http.get("/v1/alerts.atom")
    assert structure(empty.content).entries == []
    assert NEVER.encode() in empty.content
    hostile = {"text": {"sv": "Röd: <b>&]]> \x0b skolan", "en": "<x>"}}
    for number in range(5):
        await told(gateway, eventually, change(number, **hostile), key=f"power.lost/2480-p{number}")
    await told(gateway, eventually, change(30, **CLEARED), key="power.lost/2480-p2")
    answer = await gateway.http.get("/v1/alerts.atom")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    feed = structure(answer.content)
    assert feed.feed.updated == "2026-11-20T02:30:00Z"
    assert [href(each).split("?")[0][-2:] for each in feed.entries] == ["p2", "p4", "p3", "p1", "p0"]
    for entry in feed.entries:
        answer_of = await gateway.http.get(urljoin("/v1/alerts.atom", href(entry)))
        root = read(answer_of.content)
        check(root)
        assert text(root, "identifier") == entry.id
    again = await gateway.http.get("/v1/alerts.atom", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304


async def test_a_long_feed_comes_in_pages(gateway: Running, eventually: Eventually) -> None:
    """Each page names the next; together they are all of it, once."""
    for number in range(7):
        await told(gateway, eventually, change(number), key=f"power.lost/2480-p{number}", reality="exe")
    found, path = [], "/v1/alerts.atom?reality=exe&limit=3"
    while path:
        answer = await gateway.http.get(path)
        feed = structure(answer.content)
        assert feed.feed.title.startswith("ÖVNING: ")
        found += [each.id for each in feed.entries]
        path = next((each.href for each in feed.feed.links if each.rel == "next"), None)
        assert (path is not None) == ("link" in answer.headers)
    assert len(found) == len(set(found)) == 7
    assert (await gateway.http.get("/v1/alerts.atom?limit=501")).status_code == 400
    assert structure((await gateway.http.get("/v1/alerts.atom")).content).entries == []


async def test_it_is_restricted(gateway: Running, eventually: Eventually) -> None:
    """Without a token nothing is told; a kommun's opens its own area, and no other."""
    await told(gateway, eventually, change(3))
    await told(gateway, eventually, change(3), key="power.lost/2482-x")
    async with gateway.client(None) as nobody, gateway.client(await gateway.token_of("kommun", "2480")) as kommun:
        for path in ("/v1/alerts.atom", f"/v1/alerts/{KEY}"):
            assert (await nobody.get(path, headers=CAP)).status_code == 401
        feed = structure((await kommun.get("/v1/alerts.atom")).content)
        assert [href(each).split("?")[0] for each in feed.entries] == [f"/v1/alerts/{KEY}"]
        assert (await kommun.get("/v1/alerts.atom?code=24")).status_code == 403
        assert (await kommun.get("/v1/alerts/power.lost/2482-x", headers=CAP)).status_code == 403
        secret = text(read((await gateway.http.get("/v1/alerts/power.lost/2482-x", headers=CAP)).content), "identifier")
        asked = await kommun.get("/v1/alerts/power.lost/2482-x", params={"message": secret or ""})
        assert asked.status_code == 403


async def test_without_the_bus_the_chain_cannot_be_told(gateway: Running, eventually: Eventually) -> None:
    """A message without its references would be a wrong one: it is 503, to be asked again."""
    await told(gateway, eventually, change(3), change(4, "critical"))
    await gateway.house.bus.close()
    answer = await gateway.http.get(f"/v1/alerts/{KEY}", headers=CAP)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert (await gateway.http.get("/v1/alerts.atom")).status_code == 200
