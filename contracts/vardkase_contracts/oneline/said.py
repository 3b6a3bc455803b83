"""A one-line report said back: as a line in its one normal form, and as a sentence in Swedish."""

from collections.abc import Iterator
from typing import Final, overload

from vardkase_contracts import vocab
from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.instants import DAY, HOUR, MINUTE
from vardkase_contracts.oneline import clock, words
from vardkase_contracts.oneline.values import UNKNOWN, Line, Need, Unknown

_DAYS: Final = ("måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag")
_MONTHS: Final = (
    *("januari", "februari", "mars", "april", "maj", "juni"),
    *("juli", "augusti", "september", "oktober", "november", "december"),
)
_LIFECYCLES: Final = {lifecycle: letter for letter, lifecycle in words.LIFECYCLES.items()}
_MEANS: Final = {means: letter for letter, means in words.MEANS.items()}
_UNITS: Final = {unit: word for word, unit in words.UNITS.items()}
_REALITIES: Final[dict[vocab.Reality, str]] = {"act": "SKARPT", "exe": "ÖVNING", "tst": "PROV"}
_STATES: Final[dict[vocab.NeedState, str]] = {"under_way": "PÅVÄG", "delivered": "KLAR", "cancelled": "UTGÅR"}


def normal(line: Line) -> str:
    """The line in its normal form, with its day: every line that says the same has the same. `parse` gives it back."""
    head = f"{words.PREFIX} {_REALITIES[line.reality]} {clock.said(line.observed)} {line.kommun} {line.no}"
    return " ".join([head, *content(line)])


def content(line: Line) -> list[str]:
    """The words of the normal form that come after the point."""
    if line.unchanged:
        return [f"{words.ALL} {words.UNCHANGED[0]}"]
    said = {
        "": None if line.lifecycle is None else _LIFECYCLES[line.lifecycle],
        "B": _of(line.occupancy, line.capacity),
        "P": line.power,
        "E": _decimal(line.endurance),
        "D": _of(line.fuel, _decimal(line.fuel_rate)),
        "S": _of(line.present, line.required),
        "V": _of(line.water, line.litres),
        "H": _decimal(line.heat),
        "K": _means(line),
        "N:": "+".join(_need(each) for each in line.needs) or None,
        "G:": "+".join(_need(each) for each in line.surplus) or None,
    }
    return [f"{field}{value}" for field, value in said.items() if value is not None]


def sentence(line: Line, received: int, name: str | None = None) -> str:
    """What was understood, in Swedish, to be read back.

    Args:
        line: what was said.
        received: when it came, µs: how old it is, is said when it is more than an hour.
        name: of the point, where it is known.
    """
    then = clock.local(line.observed)
    point = f"punkt {line.no}" + ("" if name is None else f" {name}")
    at = f"{_DAYS[then.weekday()]} {then.day} {_MONTHS[then.month - 1]} kl {then:%H.%M}"
    head = f"{words.REALITY_SAID[line.reality]}. {KOMMUNER[line.kommun].name} ({line.kommun}), {point}"
    return f"{head}, {at}{_age(received - line.observed)}: {'; '.join(_parts(line))}."


def _parts(line: Line) -> Iterator[str]:
    if line.unchanged:
        yield "allt oförändrat"
    if line.lifecycle is not None:
        yield words.LIFECYCLE_SAID[line.lifecycle]
    if line.occupancy is not None:
        who = "antal besökare okänt" if line.occupancy == UNKNOWN else f"{line.occupancy} besökare"
        yield who + ("" if line.capacity is None else f", {line.capacity} platser nu")
    yield from _resources(line)
    for what, needs in (("behov", line.needs), ("kan avvaras", line.surplus)):
        if needs:
            yield f"{what}: {', '.join(_need_said(each) for each in needs)}"


def _resources(line: Line) -> Iterator[str]:
    if line.power is not None:
        yield ", ".join(_power(line))
    if line.present is not None:
        yield _staff(line.present, line.required)
    if line.water is not None:
        yield _water(line)
    if line.heat is not None:
        yield "värmen inomhus okänd" if line.heat == UNKNOWN else f"{_decimal(line.heat)} grader inomhus"
    if line.call_112 is not None:
        yield ", ".join(_comms(line))


def _power(line: Line) -> Iterator[str]:
    if line.power is None or line.power == UNKNOWN:
        yield "elen okänd"
        return
    yield words.POWER_SAID[line.power]
    if line.fuel is not None:
        yield f"{line.fuel} liter drivmedel" + (
            "" if line.fuel_rate is None else f" som går åt med {_decimal(line.fuel_rate)} liter i timmen"
        )
    if line.endurance is not None:
        yield f"räcker {_decimal(line.endurance)} timmar"
    elif line.power in {"2", "3"} and line.fuel_rate is None:
        yield "räcker okänt länge"


def _staff(present: int | Unknown, required: int | None) -> str:
    if present == UNKNOWN:
        return "bemanningen okänd"
    return f"{present} i personalen" + ("" if required is None else f" av {required} som behövs")


def _water(line: Line) -> str:
    match line.water:
        case "0":
            return "inget vatten"
        case "1":
            return "vatten från ledning"
        case "2":
            return "vatten i tank" + (", okänt hur mycket" if line.litres is None else f", {line.litres} liter")
        case _:
            return "vattnet okänt"


def _comms(line: Line) -> Iterator[str]:
    if line.call_112 == UNKNOWN:
        yield "okänt om 112 går att nå"
    else:
        yield "112 går att nå" if line.call_112 else "112 GÅR INTE att nå"
    for means, verb in ((line.up, "fungerar"), (line.down, "nere")):
        if means:
            yield f"{' och '.join(words.MEANS_SAID[each] for each in means)} {verb}"


def _need(need: Need) -> str:
    parts = [need.kind.upper()]
    if need.quantity is not None and need.unit is not None:
        parts.append(f"{need.quantity}{_UNITS[need.unit]}")
    if need.urgent:
        parts.append(words.URGENT)
    if need.needed_by is not None:
        parts.append(clock.of_day(need.needed_by))
    if need.state != "requested":
        parts.append(_STATES[need.state])
    return "/".join(parts)


def _need_said(need: Need) -> str:
    said = words.NEED_SAID[need.kind]
    if need.quantity is not None and need.unit is not None:
        said += f" {need.quantity} {words.UNIT_SAID[need.unit]}"
    if need.needed_by is not None:
        said += f" senast kl {clock.local(need.needed_by):%H.%M}"
    if need.urgent:
        said += " AKUT"
    return said if need.state == "requested" else f"{said} ({words.STATE_SAID[need.state]})"


def _means(line: Line) -> str | None:
    if line.call_112 is None:
        return None
    up, down = ("".join(_MEANS[each] for each in means) for means in (line.up, line.down))
    called = str(int(line.call_112)) if isinstance(line.call_112, bool) else line.call_112
    return called + (f"+{up}" if up else "") + (f"-{down}" if down else "")


def _of(many: int | str | None, of: int | str | None) -> str | None:
    return None if many is None else str(many) if of is None else f"{many}/{of}"


@overload
def _decimal(tenths: int | Unknown) -> str: ...
@overload
def _decimal(tenths: int | Unknown | None) -> str | None: ...
def _decimal(tenths: int | Unknown | None) -> str | None:
    if not isinstance(tenths, int):
        return tenths
    whole, tenth = divmod(abs(tenths), 10)
    return ("-" if tenths < 0 else "") + str(whole) + (f",{tenth}" if tenth else "")


def _age(microseconds: int) -> str:
    if microseconds <= HOUR:
        return ""
    if microseconds < 2 * DAY:
        return f" (för {microseconds // HOUR} tim {microseconds % HOUR // MINUTE} min sedan)"
    return f" (för {microseconds // DAY} dygn sedan)"
