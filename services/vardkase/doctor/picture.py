"""What the node knows: too many points, reporters who disagree, clocks ahead, a picture that is made; rules changed."""

import json
import time
from collections import Counter
from typing import Any, Final

from nats.aio.client import Client
from pydantic import ValidationError

from vardkase.doctor.finding import Findings
from vardkase.doctor.server import ASK_S
from vardkase.runtime.jetstream.api import MESSAGE_NOT_FOUND, ApiError, call
from vardkase.runtime.jetstream.values import last_values, scan
from vardkase_contracts import ids, instants, streams, subjects
from vardkase_contracts.areas import KOMMUNER, Area
from vardkase_contracts.orders import ORDER

MOST_POINTS: Final = 500
"""Points of one kommun beyond which it is told of (CONTRACT §10)."""
_RECENT: Final = 200
"""Reports that are looked at for the clocks of those who sent them."""
_AHEAD: Final = 2 * instants.MINUTE
_OLD_S: Final = (150.0, 300.0)
"""Seconds after which a picture is late, and after which none is made: an unchanged one is published each minute."""
_FEW: Final = 5


async def made(found: Findings, nc: Client, area: Area) -> None:
    """Whether the area's picture is made: its age tells that the aggregator lives.

    Raises:
        ApiError, NoAnswer: the stream cannot be asked.
    """
    wanted = {"last_by_subj": subjects.picture("act", area)}
    try:
        message = (await call(nc, f"STREAM.MSG.GET.{streams.PICTURES}", wanted, within=ASK_S))["message"]
    except ApiError as error:
        if error.err_code != MESSAGE_NOT_FOUND:
            raise
        found.error("picture", f"det finns ingen lägesbild för {area.name}", "går aggregatorn? Se readyz och dess logg")
        return
    age = time.time() - instants.parse(message["time"]) / instants.SECOND
    seen = f"lägesbilden för {area.name} är {max(0.0, age):.0f} s gammal"
    do = "går aggregatorn, eller betar den av en kö? Se readyz och dess logg"
    if age > _OLD_S[1]:
        found.error("picture", seen, do)
    elif age > _OLD_S[0]:
        found.warning("picture", seen, do)
    else:
        found.ok("picture", seen)


async def points(found: Findings, nc: Client, area: Area) -> None:
    """What the states of the real world tell.

    Raises:
        Incomplete, ApiError, NoAnswer: they cannot be read.
    """
    count: Counter[str] = Counter()
    odd: dict[str, list[str]] = {"conflict": [], "adjusted": [], "unregistered": []}
    async for one in last_values(nc, streams.STATE, subjects.family_filters("state", "act", area)):
        if one.data:
            _point(json.loads(one.data), count, odd)
    total = sum(count.values())
    many = {kommun: each for kommun, each in count.items() if each > MOST_POINTS}
    if many:
        told = ", ".join(f"{KOMMUNER[kommun].name} {each}" for kommun, each in sorted(many.items()))
        do = "är alla riktiga? Avveckla dubbletter: vardkase report retire"
        found.warning("points", f"fler än {MOST_POINTS} punkter: {told}", do)
    else:
        found.ok("points", f"{total} registrerade punkter i {len(count)} kommuner")
    _odd(
        found,
        "conflicts",
        odd["conflict"],
        "har rapportörer som inte är överens",
        "ring punkterna, och rapportera det rätta",
    )
    _odd(
        found,
        "clock adjusted",
        odd["adjusted"],
        "har uppgifter från en klocka som går före",
        "ställ de enheternas klockor",
    )
    _odd(
        found,
        "unregistered",
        odd["unregistered"],
        "rapporterar utan att vara registrerade",
        "registrera dem, eller rätta id",
    )


def _point(state: dict[str, Any], count: Counter[str], odd: dict[str, list[str]]) -> None:
    point = state["id"]
    if point.endswith(f"-{ids.KOMMUN_ITSELF}") or state["retired"]:
        return
    if state["registered"]:
        count[state["kommun"]] += 1
    elif state["facts"]:
        odd["unregistered"].append(point)
    if state["conflict"]:
        odd["conflict"].append(point)
    if any(isinstance(fact, dict) and fact.get("clock_adjusted") for fact in state["facts"].values()):
        odd["adjusted"].append(point)


def _odd(found: Findings, check: str, points_: list[str], what: str, do: str) -> None:
    if points_:
        more = f" och {len(points_) - _FEW} till" if len(points_) > _FEW else ""
        found.warning(check, f"{len(points_)} punkter {what}: {', '.join(sorted(points_)[:_FEW])}{more}", do)


async def senders(found: Findings, nc: Client) -> None:
    """The clocks of those who sent the latest reports: observed against received.

    Raises:
        Incomplete, ApiError, NoAnswer: they cannot be read.
    """
    info = await call(nc, f"STREAM.INFO.{streams.REPORTS}", within=ASK_S)
    last = info["state"]["last_seq"]
    ahead: Counter[str] = Counter()
    looked = 0
    async for one in scan(nc, streams.REPORTS, [], start=max(1, last - _RECENT + 1), end=last):
        looked += 1
        try:
            event = json.loads(one.data)
            early = instants.parse(event["time"]) - instants.parse(one.headers["Tp-Received"])
        except (ValueError, LookupError, TypeError):
            continue  # intake has checked it: what is no report is not here
        if early > _AHEAD:
            ahead[str(event["source"])] += 1
    if ahead:
        told = ", ".join(f"{source} ({times})" for source, times in ahead.most_common(_FEW))
        do = "ställ de enheternas klockor; rapporterna räknas från när de kom in"
        found.warning("senders", f"{ahead.total()} av de senaste {looked} är daterade mer än 2 min framåt: {told}", do)
    else:
        found.ok("senders", f"ingen av de senaste {looked} rapporterna är daterad framåt")


async def rules_changed(found: Findings, nc: Client) -> None:
    """The orders that change rules for a point, a kommun or a län.

    Raises:
        Incomplete, ApiError, NoAnswer: they cannot be read.
    """
    good, bad = 0, 0
    async for one in scan(nc, streams.ORDERS_UP, [f"{subjects.ROOT}.*.order.*.*.rules"]):
        try:
            ORDER.validate_json(one.data)
            good += 1
        except ValidationError:
            bad += 1
    if bad:
        do = "se REJECTED; ge ordern på nytt"
        found.warning("rule orders", f"{bad} av {good + bad} ordrar om regler kan inte läsas", do)
    else:
        found.ok("rule orders", f"{good} ordrar om ändrade regler" if good else "inga regler är ändrade")
