"""The fields of a one-line report: each word by its letter, read strictly."""

import re
from collections.abc import Callable, Mapping
from datetime import time
from typing import Any, Final

from vardkase_contracts import vocab
from vardkase_contracts.oneline import clock, words
from vardkase_contracts.oneline.values import UNKNOWN, Need


class Wrong(Exception):  # noqa: N818 -- what happened
    """A word that is wrong.

    Args:
        expected: what was expected, in Swedish.
        place: which word, from 0; None: the one that is being read.
    """

    def __init__(self, expected: str, place: int | None = None) -> None:
        super().__init__(expected)
        self.expected = expected
        self.place = place


Said = dict[str, Any]
"""Fields of a `Line`."""

_NUMBER: Final = r"([0-9]{1,5})"
_TENTHS: Final = r"([0-9]{1,4})(?:[,.]([0-9]))?"
_PEOPLE: Final = re.compile(rf"{_NUMBER}(?:/{_NUMBER})?")
_HOURS: Final = re.compile(_TENTHS)
_FUEL: Final = re.compile(rf"{_NUMBER}(?:/{_TENTHS})?")
_WATER: Final = re.compile(rf"([012])(?:/{_NUMBER})?")
_DEGREES: Final = re.compile(r"(-)?([0-9]{1,2})(?:[,.]([0-9]))?")
_COMMS: Final = re.compile(r"([01?])(?:\+([MFIRS]{1,5}))?(?:-([MFIRS]{1,5}))?")
_QUANTITY: Final = re.compile(r"([0-9]{1,6})([A-Z]{1,4})")
_TIME: Final = re.compile(r"([01][0-9]|2[0-3])([0-5][0-9])")
_COLDEST, _HOTTEST = -600, 600
_YEAR: Final = 8_760

_ANY: Final = "väntade läget (L F U O A X) eller ett fält: B P E D S V H K N: G:"


def read(word: str, observed: int) -> tuple[str, Said]:
    """Which field a word is, and what it says.

    Args:
        word: in capitals.
        observed: when the report was observed, µs: what a time in a need comes after.

    Raises:
        Wrong: it is none.
    """
    if word in words.LIFECYCLES:
        return "läge", {"lifecycle": words.LIFECYCLES[word]}
    if word[1:2] == ":" and word[0] in "NG":
        return word[0], {("needs" if word[0] == "N" else "surplus"): _needs(word[0], word[2:], observed)}
    reader = _READERS.get(word[:1])
    if reader is None:
        raise Wrong(_ANY)
    return word[0], reader(word[1:])


def _occupancy(said: str) -> Said:
    unknown, slash, places = said.partition("/")
    if unknown == UNKNOWN:
        if not slash:
            return {"occupancy": UNKNOWN}
        found = re.fullmatch(_NUMBER, places)
        if found is not None:
            return {"occupancy": UNKNOWN, "capacity": int(found[1])}
    found = _PEOPLE.fullmatch(said)
    if found is None:
        raise Wrong("väntade B och antal besökare, som B42, eller av antal platser, som B42/80; B? om det är okänt")
    return {"occupancy": int(found[1])} | ({} if found[2] is None else {"capacity": int(found[2])})


def _power(said: str) -> Said:
    if said == UNKNOWN:
        return {"power": UNKNOWN}
    if said not in words.POWERS:
        raise Wrong(
            "väntade P1 nät, P2 reservkraft i drift, P3 batteri, P0 ingen el, P4 reservkraft avstängd, "
            "P5 inte ansluten, P6 fel, eller P?"
        )
    return {"power": words.POWERS[said]}


def _endurance(said: str) -> Said:
    found = _HOURS.fullmatch(said)
    if found is None or (tenths := _tenths(found[1], found[2])) > _YEAR * 10:
        raise Wrong("väntade E och hela timmar som elen räcker, som E11, eller med en decimal, som E1,5")
    return {"endurance": tenths}


def _fuel(said: str) -> Said:
    found = _FUEL.fullmatch(said)
    if found is None:
        raise Wrong("väntade D och liter drivmedel, som D60, eller med liter i timmen, som D60/12")
    return {"fuel": int(found[1])} | ({} if found[2] is None else {"fuel_rate": _tenths(found[2], found[3])})


def _staff(said: str) -> Said:
    if said == UNKNOWN:
        return {"present": UNKNOWN}
    found = _PEOPLE.fullmatch(said)
    if found is None:
        raise Wrong("väntade S och antal i personalen, som S3, eller av antal som behövs, som S3/4; S? om det är okänt")
    return {"present": int(found[1])} | ({} if found[2] is None else {"required": int(found[2])})


def _water(said: str) -> Said:
    if said == UNKNOWN:
        return {"water": UNKNOWN}
    found = _WATER.fullmatch(said)
    if found is None or (found[2] is not None and found[1] != "2"):
        raise Wrong("väntade V1 ledning, V2 tank, V2/400 tank med liter, V0 inget vatten, eller V?")
    if found[2] is None:
        return {"water": words.WATERS[found[1]]}
    litres = int(found[2])
    return {"water": "2", "litres": litres} if litres else {"water": "0"}


def _heat(said: str) -> Said:
    if said == UNKNOWN:
        return {"heat": UNKNOWN}
    found = _DEGREES.fullmatch(said)
    tenths = 0 if found is None else _tenths(found[2], found[3]) * (-1 if found[1] else 1)
    if found is None or not _COLDEST <= tenths <= _HOTTEST:
        raise Wrong("väntade H och grader inomhus, som H19, H17,5 eller H-5; H? om det är okänt")
    return {"heat": tenths}


def _comms(said: str) -> Said:
    found = _COMMS.fullmatch(said)
    if found is None:
        raise Wrong("väntade K1 om 112 går att nå, K0 om inte, K? om det är okänt; och det som går eller inte: K1+R-MI")
    called, up, down = found[1], found[2] or "", found[3] or ""
    if len({*up, *down}) != len(up) + len(down):
        raise Wrong("väntade varje bokstav av M F I R S högst en gång: den går, eller så går den inte")
    return {
        "call_112": UNKNOWN if called == UNKNOWN else called == "1",
        "up": tuple(means for letter, means in words.MEANS.items() if letter in up),
        "down": tuple(means for letter, means in words.MEANS.items() if letter in down),
    }


_READERS: Final[Mapping[str, Callable[[str], Said]]] = {
    "B": _occupancy,
    "P": _power,
    "E": _endurance,
    "D": _fuel,
    "S": _staff,
    "V": _water,
    "H": _heat,
    "K": _comms,
}


def _needs(letter: str, said: str, observed: int) -> tuple[Need, ...]:
    found = [_need(letter, each, observed) for each in said.split("+")]
    if len({each.kind for each in found}) != len(found):
        raise Wrong("väntade varje slag högst en gång")
    return tuple(sorted(found, key=lambda each: vocab.NEED_KINDS.index(each.kind)))


def _need(letter: str, said: str, observed: int) -> Need:
    first, *rest = said.split("/")
    kind = words.NEED_KINDS.get(first)
    if kind is None:
        known = ", ".join(list(words.NEED_KINDS)[: len(vocab.NEED_KINDS)])
        raise Wrong(f"väntade {letter}: och ett slag av {known}")
    made: dict[str, Any] = {}
    for part in rest:
        name, value = _part(letter, part, observed)
        if name in made:
            raise Wrong("väntade av mängd, AKUT, klockslag och hur långt det har kommit högst ett av varje")
        made |= {name: value}
    quantity, unit = made.pop("quantity", (None, None))
    return Need(kind=kind, quantity=quantity, unit=unit, **made)


def _part(letter: str, part: str, observed: int) -> tuple[str, Any]:
    """Something more about a need."""
    if part == words.URGENT:
        return "urgent", True
    if part in words.NEED_STATES:
        return "state", words.NEED_STATES[part]
    if (amount := _QUANTITY.fullmatch(part)) is not None and amount[2] in words.UNITS:
        return "quantity", (int(amount[1]), words.UNITS[amount[2]])
    if (found := _TIME.fullmatch(part)) is not None:
        by = clock.following(time(int(found[1]), int(found[2])), observed)
        if by is None:
            raise Wrong("väntade ett klockslag som finns: klockan ställs fram då")
        return "needed_by", by
    raise Wrong(
        f"väntade efter {letter}:SLAG/ en mängd som 200L (L KG KW ST PERS), AKUT, senast när som 0600, "
        "eller PÅVÄG, KLAR, UTGÅR"
    )


def _tenths(whole: str, tenth: str | None) -> int:
    return int(whole) * 10 + int(tenth or 0)
