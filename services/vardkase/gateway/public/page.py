"""The public page: a kommun's points in plain HTML, so that it works without JavaScript and on a bad line.

Its script shows the points nearest to where the browser is, and keeps them live. Where that is stays in the browser.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

import orjson
from jinja2 import Environment, StrictUndefined

from vardkase.gateway.reporting.times import ago, clock
from vardkase.gateway.reporting.words import KIND, SERVICE
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import MINUTE, from_datetime, iso, parse

from . import words
from .held import PublicPoints, Question
from .side import PublicSide

MOST: Final = 500
"""Most points of one page: what a kommun may have."""
_PREFIX: Final = "/publik/"
_KINDS: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_RANK: Final = {status: place for place, status in enumerate(words.STATUS)}
_OPEN: Final = frozenset({"open", "opening"})


class Asset(NamedTuple):
    """A file that the page needs."""

    body: bytes
    media_type: str
    etag: str


@cache
def assets() -> Mapping[str, Asset]:
    """All files of the page by name; there are no others, whatever path is asked for."""
    folder = files("vardkase.gateway").joinpath("web", "public")
    made = {
        file.name: (file.read_bytes(), _KINDS[file.name[file.name.rindex(".") :]])
        for file in folder.iterdir()
        if not file.name.endswith(".html")
    }
    made["ord.json"] = orjson.dumps(words.for_script()), "application/json"
    return {name: Asset(body, kind, hashlib.sha256(body).hexdigest()[:32]) for name, (body, kind) in made.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a visitor asks the page for."""

    kommun: str | None = None
    service: str | None = None
    every: bool = False
    """Points that are not open too."""


def render(side: PublicSide, wish: Wish, now: int) -> bytes:
    """The page, as it is at an instant (µs)."""
    points = side.points
    codes = side.area.kommuner()
    chosen = wish.kommun or (codes[0] if len(codes) == 1 else None)
    shown = [] if chosen is None else _chosen(points, chosen, wish)
    context: dict[str, Any] = {
        "assets": {name: f"{_PREFIX}{name}?v={asset.etag[:8]}" for name, asset in assets().items()},
        "area": side.area.name,
        "licence": side.settings.licence,
        "cc0": "publicdomain/zero" in side.settings.licence,
        "live": side.live,
        "made": clock(now, now),
        "now": iso(now // MINUTE * MINUTE),
        "kommun": None if chosen is None else _kommun(chosen, points),
        "kommuner": sorted(
            (_kommun(code, points) | {"open": 0 if chosen else _open(points, code)} for code in codes),
            key=lambda each: _swedish(str(each["name"])),
        ),
        "taking_part": sum(code in points.kommuner for code in codes),
        "services": SERVICE,
        "service": wish.service,
        "every": wish.every,
        "points": [_card(read, now) for read in shown[:MOST]],
        "cut": len(shown) > MOST,
    }
    return _template().render(context).encode()


@cache
def _template() -> Any:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    text = files("vardkase.gateway").joinpath("web", "public", "publik.html").read_text(encoding="utf-8")
    return environment.from_string(text)


def _chosen(points: PublicPoints, kommun: str, wish: Wish) -> list[dict[str, Any]]:
    services = frozenset({wish.service}) if wish.service else frozenset[str]()
    statuses = frozenset[str]() if wish.every else _OPEN
    question = Question(kommuner=frozenset({kommun}), services=services, statuses=statuses, limit=10 * MOST)
    return sorted(points.read(question), key=lambda read: (_RANK[read.get("status") or "none"], _swedish(read["name"])))


def _open(points: PublicPoints, kommun: str) -> int:
    return points.page(Question(kommuner=frozenset({kommun}), statuses=frozenset({"open"}), limit=0)).matched


def _kommun(code: str, points: PublicPoints) -> dict[str, Any]:
    return {"code": code, "name": Area("kommun", code).name, "takes_part": code in points.kommuner}


def _card(read: Mapping[str, Any], now: int) -> dict[str, Any]:
    status = read.get("status") or "none"
    position = read["position"]
    accessibility = read.get("accessibility") or ()
    return {
        "name": read["name"],
        "kind": KIND[read["kind"]],
        "address": read.get("address"),
        "geo": f"geo:{position['lat']},{position['lon']}",
        "status": status,
        "status_word": words.STATUS[status],
        "room": _room(read) if status == "open" else (),
        "messages": sorted((read.get("message") or {}).items(), key=lambda each: (each[0] != "sv", each[0])),
        "services": _services(read),
        "planned": not read.get("services"),
        "accessibility": [words.ACCESSIBILITY.get(code, code) for code in accessibility],
        "times": _times(read, now),
        "age": _age(read, now),
    }


def _room(read: Mapping[str, Any]) -> list[str]:
    told = [words.AVAILABILITY[read["availability"]]]
    if read["crowding"] != "unknown":
        told.append(words.CROWDING[read["crowding"]])
    return told


def _services(read: Mapping[str, Any]) -> list[tuple[str, str]]:
    given = read.get("services")
    if read.get("status") == "closed":
        return []
    if not given:
        return [("planned", SERVICE[code]) for code in read.get("planned_services") or ()]
    return [
        (state, SERVICE[code] if state == "available" else f"{SERVICE[code]}: {words.STATE[state]}")
        for code, state in given.items()
    ]


def _times(read: Mapping[str, Any], now: int) -> list[str]:
    told = [("Öppnar", read.get("opens_at")), ("Stänger", read.get("closes_at"))]
    return [f"{word} {clock(_instant(at), now)}" for word, at in told if at and _instant(at) > now]


def _age(read: Mapping[str, Any], now: int) -> str:
    told = read.get("updated_at")
    if told is None:
        return "Ingen uppgift om läget just nu."
    at = parse(told)
    line = f"Uppgift från ca {clock(at, now)} ({ago(at, now)})"
    return f"{line}: för gammal att lita på" if now >= parse(read["valid_until"]) else line


def _instant(at: str) -> int:
    return from_datetime(datetime.fromisoformat(at))


def _swedish(name: str) -> tuple[int, ...]:
    """Å, Ä, Ö come last, in that order; in Unicode Å comes after Ä."""
    return tuple({"å": 0x7A01, "ä": 0x7A02, "ö": 0x7A03}.get(letter, ord(letter)) for letter in name.lower())
