"""Releases of the contract as they were: their schemas, events of every kind, and what was made of these.

A folder of `tests/fixtures/releases` each. Nothing in them is changed after the release. What this program makes of the
events of all releases stands in the newest folder, so that a deliberate change of meaning is a new folder beside the
old ones, and its difference to them can be read.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from acceptance.node import Node
from oracle.adapter import rules
from vardkase.domain.merge import Received
from vardkase.domain.order_check import refusal_of
from vardkase.intake.check import Accepted, check
from vardkase_contracts.instants import iso, parse
from vardkase_contracts.orders import ORDER
from vardkase_contracts.vocab import Reality

from .story import Sent

RELEASES: Final = Path(__file__).parents[1] / "fixtures" / "releases"
#: The areas whose pictures are kept: a län with its kommuner, and the kommun of the events that schemas make.
AREAS: Final = ("24", "1480")
#: At every which instant they are.
PICTURES_EVERY: Final = 4
_REALITIES: Final[tuple[Reality, ...]] = ("act", "exe", "tst")
#: What a picture's version leaves out, is new at every publishing, or is only words: not what a release means.
_PASSING: Final = frozenset({"events", "text", "alert_id", "version"})

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release, as it was frozen."""

    folder: Path

    @property
    def name(self) -> str:
        """Its version."""
        return self.folder.name

    def schemas(self) -> dict[str, Json]:
        """Its schemas by file name, `asyncapi.json` among them."""
        return _schemas(self.folder / "schemas")

    def reports(self) -> list[Sent]:
        """Its reports, in the order of arrival."""
        held = json.loads((self.folder / "reports.json").read_bytes())
        return [Sent(one["name"], one["subject"], parse(one["received"]), one["raw"]) for one in held]

    def orders(self) -> list[Json]:
        """Its orders."""
        return json.loads((self.folder / "orders.json").read_bytes())

    def outputs(self) -> dict[str, list[Json]]:
        """What it published, by the document's name."""
        return json.loads((self.folder / "outputs.json").read_bytes())

    def instants(self) -> list[int]:
        """The instants at which its events are judged."""
        return [parse(at) for at in self.results()[self.name]["at"]]

    def results(self) -> dict[str, Json]:
        """What was made of the events of each release up to this one, when this one was frozen."""
        return {path.stem: json.loads(path.read_bytes()) for path in sorted((self.folder / "results").glob("*.json"))}


@cache
def _schemas(folder: Path) -> dict[str, Json]:
    return {path.name: json.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))}


def releases() -> list[Release]:
    """Every release, oldest first."""
    folders = [path for path in RELEASES.glob("*") if path.is_dir()]
    return [
        Release(folder=path) for path in sorted(folders, key=lambda path: [int(part) for part in path.name.split(".")])
    ]


@dataclass(slots=True, kw_only=True)
class Made:
    """What was made of a release's events."""

    #: The meaning: versions of states, how each alert went, and at each instant the open alerts, and pictures.
    result: Json
    #: The documents that were published, by name.
    outputs: dict[str, list[Json]]


def replay(reports: Iterable[Sent], orders: Iterable[Json], instants: Iterable[int]) -> Made:
    """Take reports and orders in as they came, and judge at some instants and whenever anything is due.

    Raises:
        AssertionError: a report or an order is not accepted.
    """
    received = [_accepted(sent) for sent in reports]
    acts = [(parse(each["time"]), _followed(each)) for each in orders]
    made = Made(
        result={"states": {}, "courses": {}, "at": {}},
        outputs={name: [] for name in ("state", "picture", "alert", "public")},
    )
    registers: Node | None = None
    for reality in _REALITIES:
        node = Node(area="SE", reality=reality, registers=registers)
        registers = registers or node
        mine = [each for each in acts if each[1]["reality"] == reality]
        _run(node, [each for each in received if each.report.reality == reality], mine, sorted(instants), made)
        made.result["states"][reality] = node.versions()
        made.result["courses"][reality] = _courses(node.streams.alerts)
        made.outputs["state"] += _last(node.streams.states, "id")
        made.outputs["alert"] += _last(node.streams.alerts, "key")
        made.outputs["public"] += _last(node.streams.public, "id")
        node.crash()
    return made


def _accepted(sent: Sent) -> Received:
    outcome = check(sent.subject, sent.raw.encode())
    assert isinstance(outcome, Accepted), f"{sent.name}: {outcome}"
    return Received(report=outcome.report, received=sent.received, digest=sha256(sent.raw.encode()).digest())


def _followed(event: Json) -> Json:
    refusal = refusal_of(ORDER.validate_json(json.dumps(event)), rules())
    assert refusal is None, f"{event['id']}: {refusal}"
    return event


def _run(node: Node, items: list[Received], acts: list[tuple[int, Json]], instants: list[int], made: Made) -> None:
    reality = node.world.reality
    now = min([each.received for each in items] + [at for at, _ in acts], default=instants[0])
    arriving = [(each.received, each, None) for each in items] + [(at, None, act) for at, act in acts]
    waiting = sorted(arriving, key=lambda each: each[0])
    for number, at in enumerate(instants, 1):
        while waiting and waiting[0][0] <= at:
            when, item, act = waiting.pop(0)
            now = _go_on(node, now, when)
            if item is not None:
                node.receive([item])
            if act is not None:
                node.order(act)
        now = _go_on(node, now, at)
        node.judge(at)
        found = made.result["at"].setdefault(iso(at), {}).setdefault(reality, {"alerts": node.firing()})
        if reality == "act" and number % PICTURES_EVERY == 0:
            found["pictures"] = [_plain(node.picture(code, at)) for code in AREAS]
            made.outputs["picture"] = list(found["pictures"])
    assert not waiting, "an event came after the last instant"


def _go_on(node: Node, now: int, until: int) -> int:
    node.judge(now)
    node.drive(now, until)
    return until


def _courses(alerts: Iterable[Json]) -> dict[str, list[str]]:
    """How each alert went, by its key: when it came to a level or was cleared. What repeats a level is left out."""
    courses: dict[str, list[str]] = {}
    for each in alerts:
        course = courses.setdefault(each["key"], [])
        said = each["level"] if each["status"] == "firing" else f"cleared: {each['cleared_reason']}"
        if not course or not course[-1].endswith(f" {said}"):
            course.append(f"{each['changed_at']} {said}")
    return courses


def _last(documents: Iterable[Json], key: str) -> list[Json]:
    return [_plain(each) for each in {document[key]: document for document in documents}.values()]


def _plain(document: Any) -> Any:
    """As it is on the wire."""
    return json.loads(json.dumps(document))


def meaning(document: Any) -> Any:
    """A result without what only tells, or is new each time."""
    if isinstance(document, dict):
        return {name: meaning(each) for name, each in document.items() if name not in _PASSING}
    return [meaning(each) for each in document] if isinstance(document, list) else document


def differences(held: Any, found: Any, path: str = "") -> list[str]:
    """What of a result is not found again. A field more is no difference: outputs may grow."""
    if isinstance(held, dict) and isinstance(found, dict):
        gone = [f"{path}/{name}: gone" for name in held if name not in found]
        more = [
            f"{path}/{name}: {found[name]}, where nothing was" for name in found if name not in held and _closed(path)
        ]
        both = [
            each for name in held if name in found for each in differences(held[name], found[name], f"{path}/{name}")
        ]
        return gone + more + both
    if isinstance(held, list) and isinstance(found, list) and len(held) == len(found):
        return [
            each for n, (a, b) in enumerate(zip(held, found, strict=True)) for each in differences(a, b, f"{path}/{n}")
        ]
    return [] if held == found else [f"{path}: {held} became {found}"]


def _closed(path: str) -> bool:
    """Where one more is a change of meaning: a state, an alert."""
    return path.startswith(("/states", "/courses")) or (path.endswith("/alerts") and "/pictures/" not in path)
