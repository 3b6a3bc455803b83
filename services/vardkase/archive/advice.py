"""What a kommun can do about what its scorecard shows: in Swedish, friendly, only where there is something. Pure."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

_LATE_S: Final = 900
"""Half of the reports are later than this: worth a word."""
_FIELDS: Final = {
    "time": "Ange tiden med sekunder och tidszon, till exempel 2026-11-20T03:40:00+01:00.",
    "subject": "Punktens id är kommunkoden, ett bindestreck och punktens namn: 2480-umedalen-skola.",
    "reality": "Läget i rapporten ska vara samma som det ni skickar i: skarpt, övning eller prov.",
    "source": "Avsändaren ska vara er egen kommun: urn:tp:kommun:<kommunkod>.",
}
_REASONS: Final = {
    "not_json": "Meddelandet är inte JSON. Låt systemets leverantör se på det.",
    "not_cloudevent": "Meddelandets kuvert är fel. Låt systemets leverantör jämföra med beskrivningen för app-byggare.",
    "schema": "Fältet har fel slags värde. Jämför med beskrivningen av rapporten.",
    "range": "Värdet är orimligt, till exempel ett decimaltecken eller en enhet som blivit fel.",
    "subject_mismatch": "Rapporten säger en sak och adressen den skickades till en annan.",
    "unknown_kommun": "Kommunkoden finns inte. Den har fyra siffror.",
    "kommun_not_in_lan": "Kommunen ligger i ett annat län än adressen säger.",
    "too_large": "Rapporten är för stor: högst 64 KiB.",
    "signature": "Rapporten var inte signerad med kommunens nyckel. Den som sköter er nod kan se över nyckeln.",
}


class Word(NamedTuple):
    """Something to do."""

    what: str
    """What was seen."""
    do: str
    """What to do about it."""


def advice(card: Mapping[str, Any]) -> list[Word]:
    """What to do, the most useful first; empty when all is well.

    Args:
        card: a scorecard.
    """
    return [*_refused(card), *_silent(card), *_late(card), *_unregistered(card), *_copies(card)]


def reason(code: str | None) -> str:
    """Why reports are refused for a reason, and what to do, in a line."""
    return _REASONS.get(code or "", "Se beskrivningen av rapporten.")


def _refused(card: Mapping[str, Any]) -> list[Word]:
    rejected = card["rejected"]
    if not rejected["total"]:
        return []
    first = rejected["reasons"][0]
    field = f" i fältet {first['field']}" if first["field"] else ""
    do = _FIELDS.get(first["field"] or "") or reason(first["reason"])
    return [Word(f"{_count(rejected['total'], 'rapport', 'rapporter')} togs inte emot, oftast för fel{field}.", do)]


def _silent(card: Mapping[str, Any]) -> list[Word]:
    if not card["gaps"]:
        return []
    longest = card["gaps"][0]
    return [
        Word(
            f"{longest['point']} var öppen och tyst i {span(longest['seconds'])}.",
            "Är allt som förut räcker ett tryck på Oförändrat, varannan timme. Går det inte att nå nätet: ring eller "
            "rapportera över Rakel till krisledningen, som rapporterar åt punkten med tiden då det sågs.",
        )
    ]


def _late(card: Mapping[str, Any]) -> list[Word]:
    late, found = card["lateness"], list[Word]()
    if late["p50_s"] is not None and late["p50_s"] > _LATE_S:
        found.append(
            Word(
                f"Hälften av rapporterna kom mer än {span(int(late['p50_s']))} efter att läget sågs.",
                "Skicka hellre en kort rapport genast än en hel rapport senare: det som inte har ändrats behöver inte "
                "sägas igen.",
            )
        )
    if late["ahead"]:
        found.append(
            Word(
                f"{_count(late['ahead'], 'rapport', 'rapporter')} kom från en klocka som går före.",
                "Ställ in automatisk tid på telefonen eller datorn.",
            )
        )
    return found


def _unregistered(card: Mapping[str, Any]) -> list[Word]:
    count = len(card["unregistered"])
    if not count:
        return []
    return [
        Word(
            f"{_count(count, 'punkt rapporterar', 'punkter rapporterar')} utan att finnas i registret.",
            "Lägg in dem under Register på kommunens sida: först då räknas de som väntade, och larmar när de tystnar.",
        )
    ]


def _copies(card: Mapping[str, Any]) -> list[Word]:
    total = card["copies"]["total"]
    if not total:
        return []
    return [
        Word(
            f"{_count(total, 'rapport kom', 'rapporter kom')} med samma id och olika innehåll.",
            "Varje rapport ska ha ett eget id. En rättelse är en ny rapport; det som var fel återkallas.",
        )
    ]


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def span(seconds: int) -> str:
    """How long something lasts, in words: 45 min, 3 tim 10 min, 2 dygn 4 tim."""
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} tim {minutes} min" if minutes else f"{hours} tim"
    days, hours = divmod(hours, 24)
    return f"{days} dygn {hours} tim" if hours else f"{days} dygn"
