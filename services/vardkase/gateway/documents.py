"""What is held of the streams: documents as they were published, and what filters look at."""

import logging
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, NamedTuple

import orjson

from vardkase.domain.escalation import Policy, Standing, planned, standing_alert
from vardkase_contracts.areas import KOMMUNER, Area, areas_of

log: Final = logging.getLogger(__name__)

_LEFT_OUT: Final = ("timelines", "others")
"""What of a state only the rules look at: nine tenths of its bytes."""


class Held(NamedTuple):
    """One document as its stream has it."""

    sequence: int
    """In its stream."""
    stored_at: int
    """When the stream stored it, µs since the epoch."""
    data: bytes
    """JSON."""
    etag: str
    """Names these bytes; the same in every gateway of the node. Without quotes."""


class Point:
    """A point's state, without what only the rules look at; and of it, what is filtered and sorted by."""

    __slots__ = (
        "condition",
        "dark",
        "freshness",
        "held",
        "id",
        "kind",
        "kommun",
        "lan",
        "lifecycle",
        "name",
        "needs",
        "position",
        "registered",
        "retired",
        "runs_out_at",
    )

    def __init__(self, state: Mapping[str, Any], held: Held) -> None:
        facts = state["facts"] if not state.get("cut") else {}
        profile = _value(facts.get("profile")) or {}
        place = profile.get("position")
        self.held = held
        self.id: str = state["id"]
        self.kommun: str = state["kommun"]
        self.lan: str = state["lan"]
        self.registered: bool = state["registered"]
        self.retired: bool = state["retired"]
        self.name: str | None = profile.get("name")
        self.kind: str | None = profile.get("kind")
        self.position: tuple[float, float] | None = (place["lon"], place["lat"]) if place else None
        """Longitude and latitude; None: not known."""
        self.lifecycle: str | None = _value(facts.get("lifecycle"))
        self.condition: str = state["condition"]
        self.freshness: str | None = state["freshness"]
        self.dark: bool = state["dark"]
        self.runs_out_at: str | None = state["runs_out_at"]
        self.needs = bool(facts.get("needs"))
        """Whether anything was ever said of a need or a surplus."""

    @property
    def is_kommun(self) -> bool:
        """Whether it is a kommun itself, and no point."""
        return self.id.endswith("_")

    @property
    def document(self) -> dict[str, Any]:
        """The state, decoded anew each time: without `timelines` and `others`."""
        return orjson.loads(self.held.data)

    @property
    def feature(self) -> bytes:
        """The state as a feature of GeoJSON (RFC 7946), as JSON."""
        return feature(self.id, self.position, self.held.data)


class AlertHeld:
    """An alert as it last was; and of it, what is filtered and sorted by."""

    __slots__ = (
        "areas",
        "changed_at",
        "firing",
        "held",
        "inhibited",
        "key",
        "kommun",
        "level",
        "point",
        "raised_at",
        "rule",
        "served",
        "standing",
    )

    def __init__(self, alert: Mapping[str, Any], held: Held, policy: Policy) -> None:
        self.held = held
        """As the stream has it."""
        self.key: str = alert["key"]
        self.rule: str = alert["rule"]
        self.level: str = alert["level"]
        self.firing: bool = alert["status"] == "firing"
        self.raised_at: str = alert["raised_at"]
        self.changed_at: str = alert["changed_at"]
        self.inhibited: bool = alert["inhibited_by"] is not None
        area = Area(alert["area"]["level"], alert["area"]["code"])
        self.point: str | None = (alert["point"] or {}).get("id")
        self.kommun: str | None = area.code if area.level == "kommun" else None
        self.areas = around(area)
        """The areas that it lies in, innermost first."""
        self.standing: Standing | None = _standing(alert)
        """What escalation looks at; None: it has ended, or is too mild."""
        self.served: Held = _with_steps(held, self.standing, policy)
        """As it is served: besides, to whom it is escalated, and when."""

    @property
    def document(self) -> dict[str, Any]:
        """The alert, decoded anew each time."""
        return orjson.loads(self.held.data)


@cache
def around(area: Area) -> tuple[Area, ...]:
    """An area and those that it lies in, innermost first."""
    if area.level == "kommun":
        return areas_of(area.code) if area.code in KOMMUNER else (area,)
    if area.level == "nation":
        return (area,)
    return tuple(
        each
        for each in areas_of(area.kommuner()[0])
        if each.level != "kommun" and (each == area or area.level == "lan" or each.level == "nation")
    )


def trimmed(state: dict[str, Any]) -> bytes:
    """A state's JSON without what only the rules look at."""
    for name in _LEFT_OUT:
        state.pop(name, None)
    return orjson.dumps(state)


def feature(id_: str, position: tuple[float, float] | None, properties: bytes) -> bytes:
    """A feature of GeoJSON: its properties are put in as they are."""
    geometry = b"null"
    if position is not None:
        geometry = b'{"type":"Point","coordinates":%s}' % orjson.dumps(position)
    return b'{"type":"Feature","id":%s,"geometry":%s,"properties":%s}' % (orjson.dumps(id_), geometry, properties)


def served_alert(alert: Mapping[str, Any], held: Held, policy: Policy) -> Held:
    """An alert of its log, as it is served."""
    return _with_steps(held, _standing(alert), policy)


def _with_steps(held: Held, standing: Standing | None, policy: Policy) -> Held:
    """They change only when the alert does, or the node's settings: what is reached by now, whoever reads it sees."""
    found = [] if standing is None else planned(standing, policy)
    return held._replace(data=b'%s,"escalation":%s}' % (held.data[:-1], orjson.dumps(found))) if found else held


def _standing(alert: Mapping[str, Any]) -> Standing | None:
    """What escalation looks at. Where that cannot be read the alert is held all the same: nobody is to miss it."""
    try:
        return standing_alert(alert)
    except (ValueError, TypeError, LookupError) as error:
        log.error(  # noqa: TRY400 -- one line says it
            "how long an alert has stood cannot be read", extra={"key": alert["key"], "error": f"{error!r}"}
        )
        return None


def _value(fact: Any) -> Any:
    return None if fact is None else fact["value"]
