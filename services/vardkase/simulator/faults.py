"""Malformed and hostile reports: each has one fault, and says for which reason it must be refused.

`signature` is not among the reasons: a run signs nothing.
"""

from collections.abc import Callable
from typing import Any, Final

import orjson

from vardkase.simulator.emission import Emission
from vardkase.simulator.world import World
from vardkase_contracts.instants import SECOND
from vardkase_contracts.reports import MAX_BYTES, report_type
from vardkase_contracts.vocab import RefusalReason, ReportKind

_NO_SUCH_KOMMUN: Final = "9999"


class _Draft:
    """A good report that a recipe spoils."""

    __slots__ = ("event", "raw", "tokens")

    def __init__(self, subject: str, event: dict[str, Any]) -> None:
        self.tokens = subject.split(".")
        self.event = event
        self.raw: bytes | None = None

    def say(self, kind: ReportKind, data: object) -> None:
        """Make it a report of this kind with these data, subject and all."""
        self.tokens[-1] = kind
        self.event["type"] = report_type(kind)
        self.event["data"] = data

    def place(self, kommun: str) -> None:
        """Make it a report of this kommun, subject and all."""
        self.tokens[5] = kommun
        self.event["subject"] = kommun + self.event["subject"][4:]
        self.event["source"] = f"urn:tp:kommun:{kommun}"


def _cut_off(draft: _Draft) -> None:
    whole = orjson.dumps(draft.event)
    draft.raw = whole[: len(whole) * 2 // 3]


def _not_utf8(draft: _Draft) -> None:
    draft.raw = b"\xff\xfe" + orjson.dumps(draft.event)


def _no_specversion(draft: _Draft) -> None:
    del draft.event["specversion"]


def _id_with_spaces(draft: _Draft) -> None:
    draft.event["id"] = "rapport nr 7"


def _unknown_type(draft: _Draft) -> None:
    draft.event["type"] = "se.example.status.v1"


def _swedish_word(draft: _Draft) -> None:
    draft.say("status", {"lifecycle": "öppen"})


def _number_in_words(draft: _Draft) -> None:
    draft.say("status", {"occupancy": "ett fyrtiotal"})


def _time_without_offset(draft: _Draft) -> None:
    draft.event["time"] = draft.event["time"][:19]


def _less_than_nothing(draft: _Draft) -> None:
    draft.say("resources", {"power": {"source": "backup", "fuel_l": -50.0, "fuel_l_per_h": 8.0}})


def _too_many(draft: _Draft) -> None:
    draft.say("status", {"occupancy": 10**12})


def _for_ever(draft: _Draft) -> None:
    draft.say("resources", {"power": {"source": "backup", "backup_state": "running", "endurance_h": 1e9}})


def _as_another_kommun(draft: _Draft) -> None:
    own = draft.event["subject"][:4]
    draft.event["source"] = f"urn:tp:kommun:{'0180' if own != '0180' else '1480'}"


def _another_point(draft: _Draft) -> None:
    draft.event["subject"] = f"{draft.event['subject'][:4]}-en-annan-plats"


def _exercise_as_real(draft: _Draft) -> None:
    draft.event["reality"] = "exe" if draft.tokens[2] != "exe" else "act"


def _another_kind(draft: _Draft) -> None:
    draft.say("confirm", {})
    draft.tokens[-1] = "status"


def _no_such_kommun(draft: _Draft) -> None:
    draft.place(_NO_SUCH_KOMMUN)


def _wrong_lan(draft: _Draft) -> None:
    draft.tokens[4] = "25" if draft.tokens[4] != "25" else "24"


def _flood(draft: _Draft) -> None:
    draft.say("status", {"note": "A" * (MAX_BYTES + 1)})


RECIPES: Final[tuple[tuple[RefusalReason, Callable[[_Draft], None]], ...]] = (
    ("not_json", _cut_off),
    ("not_json", _not_utf8),
    ("not_cloudevent", _no_specversion),
    ("not_cloudevent", _id_with_spaces),
    ("not_cloudevent", _unknown_type),
    ("schema", _swedish_word),
    ("schema", _number_in_words),
    ("schema", _time_without_offset),
    ("range", _less_than_nothing),
    ("range", _too_many),
    ("range", _for_ever),
    ("subject_mismatch", _as_another_kommun),
    ("subject_mismatch", _another_point),
    ("subject_mismatch", _exercise_as_real),
    ("subject_mismatch", _another_kind),
    ("unknown_kommun", _no_such_kommun),
    ("kommun_not_in_lan", _wrong_lan),
    ("too_large", _flood),
)
"""Every way to spoil a report, with the reason it must be refused for."""


class Faults:
    """Malformed reports, one recipe after another in an order by chance, so that each comes before any comes again."""

    __slots__ = ("_left", "_world")

    def __init__(self, world: World) -> None:
        self._world = world
        self._left: list[tuple[RefusalReason, Callable[[_Draft], None]]] = []

    def next(self, good: Emission) -> Emission:
        """A malformed report in the likeness of a good one about a point, soon after it; the good one stays as is."""
        rng = self._world.rng
        if not self._left:
            self._left = rng.sample(RECIPES, len(RECIPES))
        reason, spoil = self._left.pop()
        at = good.at + rng.randint(1, 120) * SECOND
        draft = _Draft(good.subject, good.event | {"id": self._world.new_id(at)})
        spoil(draft)
        return Emission(at=at, subject=".".join(draft.tokens), event=draft.event, raw=draft.raw, fault=reason)
