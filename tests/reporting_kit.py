"""Answers as people might give them, for tests of the form: sensible ones, nonsense, and hostile ones."""

from random import Random
from typing import Any, Final

from vardkase.gateway.reporting import rules

_NUMBERS: Final = ("0", "4", "40", "12,5", "12.5", "1 200", "7", "\N{NO-BREAK SPACE}18 ")
_ODD_NUMBERS: Final = (
    "-3",
    "\N{MINUS SIGN}4",
    "abc",
    "1e9",
    "10000001",
    "NaN",
    "\u0661\u0662",
    "1,2,3",
    "+4",
    "12,",
    "9999999999",
)
_CLOCKS: Final = ("21:10", "0705", "9.05", "2110 ", "00:00")
_ODD_CLOCKS: Final = ("24:00", "snart", "21:1", "7", "\u0662\u0661:10")
_TEXTS: Final = ("Öppet", "Två rader\r\nhär", "<script>alert(1)</script>", "\U0001f525" * 20, "a\tb", "å" * 500)
_ODD_TEXTS: Final = ("å" * 501, "a\u0007b", "\U0001f525" * 501, "\u0000")
_BESIDE: Final = {
    "message.rest.is": ('same:{"en":"Open"}', "drop"),
    "power.fuel_l.is": ("unknown",),
    "power.fuel_l_per_h.is": ("unknown", "same:12", "same:12.5"),
    "power.battery_h.is": ("unknown",),
    "staff.required.is": ("same:4", "plan"),
    "refill.at.is": ("same:2026-11-20T23:00:00Z", "unknown"),
    "shift.at.is": ("same:2026-11-20T23:00:00Z", "unknown"),
    "water.litres.is": ("unknown",),
}
_ODD_BESIDE: Final = ("same:60", "same:-1", "same:inf", "same:", "same:{", "same:[]", "same:då", "annat", "same:1e400")


def form(random: Random, *, odd: float) -> dict[str, str]:
    """Some inputs of a form, answered; `odd` is the share of answers that nobody ought to give."""
    fields = [rule for rule in rules.table() if not isinstance(rule, rules.Ask | rules.Apart)]
    chosen = random.sample(fields, random.randint(0, 6))
    return {rule.field: _answer(rule, random, odd=random.random() < odd) for rule in chosen}


def asked(random: Random) -> list[str]:
    """What a page may have asked for."""
    return [name for name in sorted(rules.ASKABLE) if random.random() < 0.3]


def _answer(rule: rules.Rule, random: Random, *, odd: bool) -> str:
    if random.random() < 0.1:
        return random.choice(["", " ", "\n"])
    match rule:
        case rules.Number():
            return random.choice(_ODD_NUMBERS if odd else _NUMBERS)
        case rules.Clock():
            return random.choice(_ODD_CLOCKS if odd else _CLOCKS)
        case rules.Text():
            return random.choice(_ODD_TEXTS if odd else _TEXTS)
        case rules.Choice():
            return "annat" if odd else random.choice(rule.of)
        case rules.Beside():
            return random.choice(_ODD_BESIDE if odd else _BESIDE[rule.field])
        case _:
            raise AssertionError(rule)


def fact(value: Any, at: str, *, report: str = "r1", source: str = "urn:tp:kommun:2480") -> dict[str, Any]:
    """A fact of a state."""
    return {"value": value, "observed_at": at, "seq": 0, "report": report, "source": source}


def state(facts: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A state with these facts, and what the pages read of the rest."""
    return {"facts": facts, "last": {"content": None, "contact": None}, "conflict": [], "alerts": [], **more}
