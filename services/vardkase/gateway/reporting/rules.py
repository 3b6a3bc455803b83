"""What an answer must be, as one table: the gateway checks by it, and so does the page, also without a connection.

The table is plain data too (`as_json`). The names are those of the form's inputs; one that is empty was not touched.

What is asked for beyond what somebody touched hangs on what the page showed them (`asked`), not on what the node knows
when the report arrives: a report from an outbox is never refused for a question that nobody was asked.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from vardkase.gateway.reporting.times import CLOCK
from vardkase.gateway.reporting.words import COMMS
from vardkase_contracts import vocab

NUMBER: Final = r"^[-\u2212]?[0-9]{1,9}([.,][0-9]{1,3})?$"
"""A number as people write it, its blanks taken away: 1200, 12,5, -3."""
WHOLE: Final = r"^[0-9]{1,9}$"
"""A whole number, its blanks taken away."""

Any_ = tuple[str, ...]
"""One of these: `power=backup` (that answer), `power.fuel_l` (any answer), `power.*` (any answer in that group)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Number:
    """An input for a number."""

    field: str
    least: float
    most: float
    whole: bool
    when: tuple[Any_, ...] = ()
    """Looked at only when all of these hold."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """An input for text."""

    field: str
    most: int
    """Characters."""
    line: bool = False
    """Whether it is one line."""
    when: tuple[Any_, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """An input for a time of day."""

    field: str
    when: tuple[Any_, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """Answers to choose from. A page cannot give another; whoever sends one is told."""

    field: str
    of: tuple[str, ...]
    when: tuple[Any_, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """A question that comes with another's answer."""

    field: str
    """Where it is told that the answer is missing."""
    when: tuple[Any_, ...]
    """Asked when all of these hold."""
    answered: Any_
    """Answered when one of these is."""
    say: str
    """What is told otherwise, in Swedish."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Apart:
    """Two answers that contradict each other."""

    field: str
    other: str
    say: str
    when: tuple[Any_, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Beside:
    """The answers beside an input: "samma", with what it is the same as, and "vet inte".

    Only the gateway looks at them: the page makes them.
    """

    field: str
    of: tuple[str, ...]
    """Those that carry nothing."""
    carries: Literal["whole", "number", "moment", "texts"] | None = None
    """What stands after `same:`."""
    least: float = 0
    most: float = 0
    when: tuple[Any_, ...] = ()


Rule = Number | Text | Clock | Choice | Ask | Apart | Beside
Kind = Literal["number", "text", "clock", "choice", "ask", "apart", "beside"]

_KINDS: Final[Mapping[type[Any], Kind]] = {
    Number: "number",
    Text: "text",
    Clock: "clock",
    Choice: "choice",
    Ask: "ask",
    Apart: "apart",
    Beside: "beside",
}

UNKNOWN: Final = "unknown"
"""The answer "vet inte"."""
PLAN: Final = "plan"
"""The answer "som planerat"."""
SAME: Final = "same:"
"""What "samma" begins with; what it is the same as follows."""
POWER_ANSWERS: Final = ("mains", "backup", "battery", "none")
WHY: Final = ("not_connected", "fault", "off", "missing")
"""Why there is no power though there might be a generator; `missing`: there is none."""
DAYS: Final = tuple(str(number) for number in range(8))
"""How many days on a time of day is."""

_EITHER: Final = "Välj ett: antingen ett värde eller Vet inte."
_EITHER_SAME: Final = "Välj ett: antingen ett nytt värde eller ett av svaren bredvid."
_PEOPLE: Final = 1_000_000
_LITRES: Final = 10_000_000

ASKABLE: Final = frozenset(
    {"staff.required", "message.rest"} | {f"comms.{code}" for code in COMMS if code != "can_call_112"}
)
"""What a page may ask for because it was known when the page was made."""

_STATUS: Final[tuple[Rule, ...]] = (
    Choice(field="lifecycle", of=vocab.LIFECYCLES),
    Choice(field="availability", of=vocab.AVAILABILITIES),
    Number(field="occupancy", least=0, most=_PEOPLE, whole=True),
    Number(field="capacity_day", least=0, most=_PEOPLE, whole=True),
    Number(field="capacity_night", least=0, most=_PEOPLE, whole=True),
    *(Choice(field=f"service.{code}", of=(*vocab.SERVICE_STATES, UNKNOWN)) for code in vocab.SERVICE_CODES),
    Text(field="message.sv", most=500),
    Text(field="message.en", most=500),
    Choice(field="message.is", of=("drop",)),
    Apart(field="message.sv", other="message.is", say="Välj ett: antingen ett nytt meddelande eller att ta bort det."),
    Ask(
        field="message.sv",
        when=(("message.en",),),
        answered=("message.sv",),
        say="Skriv meddelandet på svenska också: det nya ersätter hela det gamla.",
    ),
    Text(field="note", most=2_000),
    Beside(field="message.rest.is", of=("drop",), carries="texts", most=500),
    Clock(field="opens.at"),
    Choice(field="opens.day", of=DAYS),
    Clock(field="closes.at"),
    Choice(field="closes.day", of=DAYS),
)

_BACKUP: Final[tuple[Any_, ...]] = (("power=backup",),)
_BATTERY: Final[tuple[Any_, ...]] = (("power=battery",),)
_TANK: Final[tuple[Any_, ...]] = (("water=tank",),)

_POWER: Final[tuple[Rule, ...]] = (
    Choice(field="power", of=POWER_ANSWERS),
    Choice(field="power.why", of=WHY, when=(("power=none",),)),
    Number(field="power.fuel_l", least=0, most=_LITRES, whole=False, when=_BACKUP),
    Number(field="power.fuel_l_per_h", least=0, most=10_000, whole=False, when=_BACKUP),
    Number(field="power.endurance_h", least=0, most=8_760, whole=False, when=_BACKUP),
    Number(field="power.battery_h", least=0, most=8_760, whole=False, when=_BATTERY),
    Beside(field="power.fuel_l.is", of=(UNKNOWN,), when=_BACKUP),
    Beside(field="power.fuel_l_per_h.is", of=(UNKNOWN,), carries="number", most=10_000, when=_BACKUP),
    Beside(field="power.battery_h.is", of=(UNKNOWN,), when=_BATTERY),
    Ask(
        field="power",
        when=(("power.*",),),
        answered=("power",),
        say="Svara också på vad punkten går på. Annars blir det okänt.",
    ),
    Ask(
        field="power.fuel_l",
        when=_BACKUP,
        answered=("power.fuel_l", "power.fuel_l.is", "power.endurance_h"),
        say="Hur mycket bränsle finns det? Skriv liter eller timmar, eller välj Inte avläst.",
    ),
    Ask(
        field="power.fuel_l_per_h",
        when=(("power=backup",), ("power.fuel_l",)),
        answered=("power.fuel_l_per_h", "power.fuel_l_per_h.is", "power.endurance_h"),
        say="Hur mycket drar elverket? Utan det går det inte att räkna ut hur länge bränslet räcker.",
    ),
    Ask(
        field="power.battery_h",
        when=_BATTERY,
        answered=("power.battery_h", "power.battery_h.is"),
        say="Hur många timmar räcker batteriet? Skriv ett tal, eller välj Vet inte.",
    ),
    Apart(
        field="power.fuel_l",
        other="power.fuel_l.is",
        say="Välj ett: antingen ett antal liter eller Inte avläst.",
        when=_BACKUP,
    ),
    Apart(field="power.fuel_l_per_h", other="power.fuel_l_per_h.is", say=_EITHER_SAME, when=_BACKUP),
    Apart(field="power.battery_h", other="power.battery_h.is", say=_EITHER, when=_BATTERY),
)

_REST: Final[tuple[Rule, ...]] = (
    Number(field="staff.present", least=0, most=_PEOPLE, whole=True),
    Number(field="staff.required", least=0, most=_PEOPLE, whole=True),
    Beside(field="staff.required.is", of=(PLAN,), carries="whole", most=_PEOPLE),
    Ask(
        field="staff.present",
        when=(("staff.*",),),
        answered=("staff.present",),
        say="Skriv också hur många som är på plats. Annars blir det okänt.",
    ),
    Apart(field="staff.required", other="staff.required.is", say=_EITHER_SAME),
    Clock(field="refill.at"),
    Choice(field="refill.day", of=DAYS),
    Beside(field="refill.at.is", of=(UNKNOWN,), carries="moment"),
    Choice(field="refill.confirmed", of=("yes", "no")),
    Ask(
        field="refill.at",
        when=(("refill.confirmed",),),
        answered=("refill.at", "refill.at.is"),
        say="När kommer påfyllningen? Skriv ett klockslag, eller välj Vet inte.",
    ),
    Ask(
        field="refill.confirmed",
        when=(("refill.at", "refill.at.is"),),
        answered=("refill.confirmed",),
        say="Har den som kör bekräftat?",
    ),
    Apart(field="refill.at", other="refill.at.is", say=_EITHER_SAME),
    Clock(field="shift.at"),
    Choice(field="shift.day", of=DAYS),
    Beside(field="shift.at.is", of=(UNKNOWN,), carries="moment"),
    Choice(field="shift.covered", of=("yes", "no")),
    Ask(
        field="shift.at",
        when=(("shift.covered",),),
        answered=("shift.at", "shift.at.is"),
        say="När börjar nästa pass? Skriv ett klockslag, eller välj Vet inte.",
    ),
    Ask(
        field="shift.covered",
        when=(("shift.at", "shift.at.is"),),
        answered=("shift.covered",),
        say="Finns det personal till nästa pass?",
    ),
    Apart(field="shift.at", other="shift.at.is", say=_EITHER_SAME),
    Choice(field="water", of=vocab.WATER_SOURCES),
    Number(field="water.litres", least=0, most=_LITRES, whole=False, when=_TANK),
    Beside(field="water.litres.is", of=(UNKNOWN,), when=_TANK),
    Ask(
        field="water",
        when=(("water.*",),),
        answered=("water",),
        say="Kommer vattnet ur kranen eller en tank? Annars blir det okänt.",
    ),
    Ask(
        field="water.litres",
        when=_TANK,
        answered=("water.litres", "water.litres.is"),
        say="Hur mycket finns i tanken? Skriv liter, eller välj Inte avläst.",
    ),
    Apart(
        field="water.litres",
        other="water.litres.is",
        say="Välj ett: antingen ett antal liter eller Inte avläst.",
        when=_TANK,
    ),
    Number(field="heat.indoor_c", least=-60, most=60, whole=False),
    *(Choice(field=f"comms.{code}", of=("up", "down", UNKNOWN)) for code in COMMS),
    Ask(
        field="comms.can_call_112",
        when=(("comms.*",),),
        answered=("comms.can_call_112",),
        say="Svara också om det går att ringa 112. Annars blir det okänt.",
    ),
)

_NEED: Final[tuple[Rule, ...]] = (
    Choice(field="need.kind", of=vocab.NEED_KINDS),
    Choice(field="need.direction", of=vocab.NEED_DIRECTIONS),
    Number(field="need.quantity", least=0, most=1_000_000_000, whole=False),
    Text(field="need.unit", most=32, line=True),
    Choice(field="need.priority", of=vocab.PRIORITIES),
    Clock(field="need.at"),
    Choice(field="need.day", of=DAYS),
    Text(field="need.note", most=2_000),
    Ask(
        field="need.kind",
        when=(("need.quantity", "need.unit", "need.at", "need.note"),),
        answered=("need.kind",),
        say="Vad gäller det? Välj i listan.",
    ),
)

CHANNELS: Final = ("phone", "rakel", "sms", "form")
"""How the desk may have heard of something; `form`: seen by itself."""
DESK: Final[tuple[Rule, ...]] = (
    Choice(field="channel", of=CHANNELS),
    Clock(field="observed.at"),
    Choice(field="observed.day", of=DAYS),
)
"""What the desk says of all that it sends: by what means it was heard, and when it was seen."""

_ASKED: Final[Mapping[str, Ask]] = {
    "staff.required": Ask(
        field="staff.required",
        when=(("staff.present",),),
        answered=("staff.required", "staff.required.is"),
        say="Hur många behövs nu? Välj samma som senast, som planerat, eller skriv ett nytt tal.",
    ),
    "message.rest": Ask(
        field="message.rest",
        when=(("message.sv",),),
        answered=("message.rest.is", "message.en"),
        say="Ska texten på andra språk vara kvar? Ett nytt meddelande ersätter hela det gamla.",
    ),
    **{
        f"comms.{code}": Ask(
            field=f"comms.{code}",
            when=(("comms.*",),),
            answered=(f"comms.{code}",),
            say="Svara även här, annars blir det okänt.",
        )
        for code in COMMS
        if code != "can_call_112"
    },
}

_ALL: Final = (*_STATUS, *_POWER, *_REST, *_NEED, Choice(field="quality", of=("estimated",)))


def table(asked: Iterable[str] = ()) -> tuple[Rule, ...]:
    """The rules of a page.

    Args:
        asked: what the page asks for since it was known: some of `ASKABLE`.
    """
    wanted = set(asked)
    return (*_ALL, *(rule for name, rule in _ASKED.items() if name in wanted))


def as_json() -> dict[str, Any]:
    """The whole table as plain data, for pages: a rule that hangs on what a page asked for says so (`asked`)."""
    every: list[tuple[Rule, str | None]] = [
        *((rule, None) for rule in _ALL),
        *((_ASKED[name], name) for name in _ASKED),
    ]
    return {
        "rules": [
            {"rule": _KINDS[type(rule)], "asked": asked} | {name: getattr(rule, name) for name in rule.__slots__}
            for rule, asked in every
            if not isinstance(rule, Beside)
        ],
        "patterns": {"number": NUMBER, "whole": WHOLE, "clock": CLOCK},
    }
