"""What a forecast rests on, in a plain sentence: Swedish and English, by Sweden's clock."""

from typing import Final, Literal
from zoneinfo import ZoneInfo

from vardkase_contracts.instants import DAY, to_datetime

from .points import Forecast
from .trend import FEWEST

Language = Literal["sv", "en"]

_SWEDEN: Final = ZoneInfo("Europe/Stockholm")
_DASH, _MINUS = "\u2013", "\u2212"
_UNITS: Final[dict[str, dict[Language, str]]] = {
    "l": {"sv": "l", "en": "l"},
    "h": {"sv": "h", "en": "h"},
    "C": {"sv": "°C", "en": "°C"},
    "persons": {"sv": "personer", "en": "people"},
}
_LASTS: Final[dict[str, dict[Language, str]]] = {
    "power": {"sv": "elen", "en": "the power"},
    "water": {"sv": "vattnet", "en": "the water"},
    "heat": {"sv": "värmen", "en": "the warmth"},
    "capacity": {"sv": "platserna", "en": "the places"},
}
_SAY: Final[dict[str, dict[Language, str]]] = {
    "not_known": {
        "sv": "Inget är rapporterat om hur länge {what} räcker.",
        "en": "Nothing is reported of how long {what} will last.",
    },
    "few": {
        "sv": "För få avläsningar för att säga något ({readings} av minst {least}, under minst 30 min).",
        "en": "Too few readings to say ({readings} of at least {least}, over at least 30 min).",
    },
    "persons": {
        "sv": "{level} l lästa {read_at}; {rate} l per dygn för dem som är där (3{dash}5 l var).",
        "en": "{level} l read at {read_at}; {rate} l a day for those who are there (3{dash}5 l each).",
    },
    "trend": {
        "sv": "{readings} avläsningar {since}{dash}{read_at}: {rate} {unit}/h.",
        "en": "{readings} readings {since}{dash}{read_at}: {rate} {unit}/h.",
    },
    "plain": {"sv": "Enligt rapport {read_at}.", "en": "As reported at {read_at}."},
    "level": {
        "sv": "Enligt rapport {read_at}: {level} {unit}{rate}. För få jämförbara avläsningar för en trend.",
        "en": "As reported at {read_at}: {level} {unit}{rate}. Too few comparable readings for a trend.",
    },
}


def statement(found: Forecast, now: int) -> dict[str, str]:
    """What a forecast rests on, as `sv` and `en`.

    Args:
        found: the forecast.
        now: the instant (µs): another day's times have their date.
    """
    return {"sv": _say(found, now, "sv"), "en": _say(found, now, "en")}


def _say(found: Forecast, now: int, language: Language) -> str:
    said = _SAY[_which(found)][language]
    return said.format(
        what=_LASTS[found.what][language],
        readings=found.readings,
        least=FEWEST,
        level=_number(found.level, language),
        unit=_UNITS[found.unit or "l"][language],
        since=_clock(found.since, now),
        read_at=_clock(found.read_at, now),
        rate=_rate(found, language),
        dash=_DASH,
    )


def _which(found: Forecast) -> str:
    if found.status == "not_known":
        return "not_known"
    if found.status == "too_few":
        return "few"
    if found.basis != "reported":
        return found.basis or "plain"
    return "plain" if found.level is None or found.what == "capacity" else "level"


def _rate(found: Forecast, language: Language) -> str:
    """What it changes by: of what is only used up without a sign, else with one."""
    if found.rate is None:
        return ""
    if found.basis == "reported":
        return f", {_number(-found.rate, language)} {_UNITS[found.unit or 'l'][language]}/h"
    low, high = found.rate_low or 0.0, found.rate_high or 0.0
    if found.basis == "persons":
        low, high = low * 24, high * 24
    if found.unit in {"l", "h"} and high < 0:
        one, other = _number(-high, language), _number(-low, language)
        return one if one == other else f"{one}{_DASH}{other}"
    one, other = _signed(low, language), _signed(high, language)
    return one if one == other else f"{one} {'till' if language == 'sv' else 'to'} {other}"


def _signed(value: float, language: Language) -> str:
    shown = _number(abs(value), language)
    return shown if shown == "0" else f"{'+' if value > 0 else _MINUS}{shown}"


def _number(value: float | None, language: Language) -> str:
    """Few digits: none of it is known better."""
    value = value or 0.0
    shown = f"{value:.0f}" if abs(value) >= 10 else f"{value:.1f}".removesuffix(".0")
    shown = "0" if shown == "-0" else shown
    return shown.replace(".", ",") if language == "sv" else shown


def _clock(at: int | None, now: int) -> str:
    if at is None:
        return "?"
    moment = to_datetime(at).astimezone(_SWEDEN)
    shown = f"{moment:%H:%M}"
    return shown if abs(now - at) < DAY else f"{moment.day}/{moment.month} {shown}"
