"""What a page of questions shows: a point's state in words, what was answered, and what was wrong with it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from vardkase.gateway.reporting import readings, words
from vardkase.gateway.reporting.readings import Document, Reading
from vardkase.gateway.reporting.rules import PLAN, SAME, UNKNOWN
from vardkase.gateway.reporting.times import clock
from vardkase_contracts import vocab
from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.instants import parse

DAYS: Final = (("0", "närmast"), ("1", "dagen efter"), *((str(n), f"+{n} dygn") for n in range(2, 8)))
"""How many days on a time of day is."""

Option = tuple[str, str]
"""An answer, and its words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """A need that is there."""

    id: str
    text: str
    state: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """The questions about one point."""

    point: str
    name: str
    number: int | None
    """To say over radio."""
    kommun: str
    sid: str
    """The form's own id: what is sent twice counts once."""
    content: int | None
    """When the point last said anything, µs."""
    runs_out: int | None
    """When the power runs out, as computed, µs."""
    readings: Mapping[str, Reading]
    asked: Sequence[str]
    beside: Mapping[str, Sequence[Option]]
    services: Sequence[Option]
    """Those that the point has, or has said something of."""
    other_services: Sequence[Option]
    needs: Sequence[Need]
    message: str | None
    """What the public sees now, in Swedish."""
    languages: str
    """In what other languages."""
    given: Mapping[str, str] = field(default_factory=dict[str, str])
    errors: Mapping[str, str] = field(default_factory=dict[str, str])
    """By field; of the form as a whole under an empty name."""
    days: Sequence[Option] = DAYS
    comms: Sequence[Option] = tuple(words.COMMS.items())
    need_kinds: Sequence[Option] = tuple((code, text) for code, text in words.NEED_KIND.items())
    priorities: Sequence[Option] = tuple((code, text) for code, text in words.PRIORITY.items())

    def opened(self, *groups: str) -> bool:
        """Whether something in these groups of inputs was answered, or was wrong: they are shown open."""
        named = [*self.given, *self.errors]
        return any(name.startswith(groups) and not name.endswith((".day", "need.priority")) for name in named if name)

    def opened_any(self, options: Iterable[Option]) -> bool:
        """As `opened`, of services."""
        return self.opened(*(f"service.{code}" for code, _ in options))


def form(
    point: str,
    state: Document,
    register: Mapping[str, Any],
    *,
    sid: str,
    now: int,
    given: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    asked: Sequence[str] | None = None,
) -> Form:
    """The questions about a point.

    Args:
        point: its id.
        state: as STATE has it, with timelines; empty of a point that nothing is known of.
        register: its profile, empty of one never registered.
        sid: the form's own id.
        now: the time, µs.
        given: what was answered, when a page is shown again.
        errors: what was wrong with it.
        asked: what the page asked for then; None: what is to be asked for now.
    """
    found = readings.readings(state)
    ask = readings.asked(state, found) if asked is None else list(asked)
    kommun = KOMMUNER.get(point[:4])
    planned = cast("Sequence[str]", register.get("planned_services") or ())
    known = {code for code in vocab.SERVICE_CODES if code in planned or f"service.{code}" in found}
    content = state.get("last", {}).get("content")
    message = ((state.get("facts", {}).get("message") or {}).get("value") or {}).get("sv")
    return Form(
        point=point,
        name=register.get("name") or point,
        number=register.get("no"),
        kommun=point[:4] if kommun is None else kommun.name,
        sid=sid,
        content=None if content is None else parse(content),
        runs_out=None if (out := state.get("runs_out_at")) is None else parse(out),
        readings=found,
        asked=ask,
        beside=_beside(state, register, found, now),
        services=[(code, words.SERVICE[code]) for code in vocab.SERVICE_CODES if code in known],
        other_services=[(code, words.SERVICE[code]) for code in vocab.SERVICE_CODES if code not in known],
        needs=[
            Need(id=name, text=_need(value), state=_state(value, now)) for name, value in readings.open_needs(state)
        ],
        message=message,
        languages=", ".join(readings.other_languages(state)),
        given=given or {},
        errors=errors or {},
    )


def _beside(
    state: Document, register: Mapping[str, Any], found: Mapping[str, Reading], now: int
) -> dict[str, list[Option]]:
    """The answers beside inputs: "samma" of what does not run down, and "vet inte"."""
    unknown: Option = (UNKNOWN, "Vet inte")
    beside: dict[str, list[Option]] = {}
    rate = readings.same(found, "power.fuel_l_per_h")
    beside["power.fuel_l_per_h"] = [] if rate is None else [(rate.answer, f"Samma: {rate.text}")]
    for name in ("refill.at", "shift.at"):
        same = readings.same(found, name)
        ahead = same is not None and parse(same.answer.removeprefix(SAME)) > now
        beside[name] = [(same.answer, f"Samma: {same.text}")] if same is not None and ahead else []
        beside[name].append(unknown)
    beside["power.fuel_l_per_h"].append(unknown)
    beside["staff.required"] = staff_beside(found, register)
    rest = readings.other_languages(state)
    kept = SAME + json.dumps(rest, ensure_ascii=False, separators=(",", ":"))
    beside["message.rest"] = [(kept, "Behåll"), ("drop", "Ta bort")] if rest else []
    return beside


def staff_beside(found: Mapping[str, Reading], register: Mapping[str, Any]) -> list[Option]:
    """The answers beside how many of the staff are needed."""
    same = readings.same(found, "staff.required")
    planned = register.get("staff_required")
    plan: Option = (PLAN, "Som planerat" + ("" if planned is None else f": {planned}"))
    return [plan] if same is None else [(same.answer, f"Samma: {same.text}"), plan]


def _need(value: Mapping[str, Any]) -> str:
    kind = words.NEED_KIND.get(value.get("kind", "other"), "Annat")
    quantity = value.get("quantity")
    much = "" if quantity is None else f" {words.number(quantity)} {value.get('unit', '')}".rstrip()
    surplus = "Överskott: " if value.get("direction") == "surplus" else ""
    return f"{surplus}{kind}{much}"


def _state(value: Mapping[str, Any], now: int) -> str:
    state = words.NEED_STATE.get(value.get("state", "requested"), "begärt")
    by = value.get("needed_by")
    return state if by is None else f"{state}, behövs senast {clock(parse(by), now)}"
