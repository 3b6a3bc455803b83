"""From a text to what it says, or to the one word that is wrong and what was expected there."""

import unicodedata
from collections.abc import Sequence
from typing import Any, Final

from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.oneline import clock, words
from vardkase_contracts.oneline.fields import Wrong, read
from vardkase_contracts.oneline.values import Line, LineError

LONGEST: Final = 320
"""Characters: two SMS."""
_SHOWN: Final = 40
"""Characters of a wrong word that are told back."""
_HEAD: Final = 5
"""Words before the fields: TP, reality, time, kommun, number."""


def parse(text: str, received: int) -> Line | LineError:
    """What a one-line report says.

    Letters may be small, words stand apart by blanks, and the fields come in any order, each once. Nothing is guessed.

    Args:
        text: as it was written, or written down.
        received: when it came, µs: the time of day in it is the latest such that is not in the future (two minutes
            ahead are let pass: a watch may be fast).
    """
    if len(text) > LONGEST:
        return LineError("", 1, f"för lång rad, högst {LONGEST} tecken")
    given = text.split()
    place = 0
    try:
        said = [unicodedata.normalize("NFC", each).upper() for each in given]
        made: dict[str, Any] = {}
        for place in range(_HEAD):
            made |= _head(place, said[place] if place < len(said) else "", received)
        place = _HEAD
        if said[_HEAD:] and said[_HEAD] in {words.ALL, *words.UNCHANGED}:
            place = _unchanged(said)
            made["unchanged"] = True
        else:
            made |= _fields(said, made["observed"])
    except Wrong as wrong:
        at = place if wrong.place is None else wrong.place
        token = given[at] if at < len(given) else ""
        return LineError(_printable(token), at + 1, wrong.expected)
    return Line(**made)


def _head(place: int, word: str, received: int) -> dict[str, Any]:
    """One of the words that every report begins with."""
    match place:
        case 0:
            if word != words.PREFIX:
                raise Wrong("en rapport börjar med TP")
            return {}
        case 1:
            reality = words.REALITIES.get(word)
            if reality is None:
                raise Wrong("väntade SKARPT, ÖVNING eller PROV")
            return {"reality": reality}
        case 2:
            observed = clock.observed(word, received)
            if isinstance(observed, clock.Unclear):
                raise Wrong(observed.expected)
            return {"observed": observed}
        case 3:
            if word not in KOMMUNER:
                raise Wrong("väntade kommunens kod, fyra siffror som 2480")
            return {"kommun": word}
        case _:
            if not (word.isascii() and word.isdigit() and len(word) <= 3 and int(word)):
                raise Wrong("väntade punktens nummer, 1 till 999")
            return {"no": int(word)}


def _unchanged(said: Sequence[str]) -> int:
    """See that "ALLT OFÖRÄNDRAT" stands alone.

    Raises:
        Wrong: it does not.
    """
    at = _HEAD + (said[_HEAD] == words.ALL)
    if at >= len(said) or said[at] not in words.UNCHANGED:
        raise Wrong("väntade OFÖRÄNDRAT efter ALLT", at)
    if at + 1 < len(said):
        raise Wrong("ALLT OFÖRÄNDRAT står ensamt: säg antingen det, eller det som är nytt", at + 1)
    return at


def _fields(said: Sequence[str], observed: int) -> dict[str, Any]:
    """What the fields say together.

    Raises:
        Wrong: one of them says nothing, stands twice, or needs another.
    """
    made: dict[str, Any] = {}
    places: dict[str, int] = {}
    for place, word in enumerate(said[_HEAD:], _HEAD):
        try:
            name, found = read(word, observed)
        except Wrong as wrong:
            raise Wrong(wrong.expected, place) from None
        if name in places:
            raise Wrong("sades redan en gång i samma rapport", place)
        places[name] = place
        made |= found
    if not places:
        raise Wrong("väntade läget, som O för öppen, ett fält som P1, eller ALLT OFÖRÄNDRAT", len(said))
    power = made.get("power")
    if "E" in places and power not in {"2", "3"}:
        raise Wrong("E sägs tillsammans med P2 eller P3: elen läses av som en helhet", places["E"])
    if "D" in places and power != "2":
        raise Wrong("D sägs tillsammans med P2: elen läses av som en helhet", places["D"])
    return made


def _printable(word: str) -> str:
    """A word as it can be told back: short, and nothing that a terminal or a page would obey."""
    shown = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in word[:_SHOWN])
    return shown + ("…" if len(word) > _SHOWN else "")
