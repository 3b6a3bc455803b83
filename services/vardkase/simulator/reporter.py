"""Somebody who reports: a site lead's phone, a kommun's krisledning, a sensor. It makes the events."""

from typing import Any, Final, Literal

from vardkase.simulator.world import World
from vardkase_contracts.ids import kommun_source
from vardkase_contracts.reports import report_type
from vardkase_contracts.vocab import REPORT_KINDS, Channel, Quality, Reality, ReportKind, Role

_TYPES: Final = {kind: report_type(kind) for kind in REPORT_KINDS}


class Reporter:
    """One source of reports, with its own counter, its own clock and its way of writing time."""

    __slots__ = ("_channel", "_fast", "_local", "_role", "_seq", "_source", "_world")

    def __init__(
        self,
        world: World,
        *,
        kommun: str,
        name: str | None,
        role: Role,
        channel: Channel,
        time: Literal["local", "utc"],
        fast: int = 0,
    ) -> None:
        self._world = world
        self._source = kommun_source(kommun, name)
        self._role: Role = role
        self._channel: Channel = channel
        self._local = time == "local"
        self._fast = fast
        self._seq = 0

    def event(
        self,
        at: int,
        kind: ReportKind,
        about: str,
        data: dict[str, Any],
        *,
        quality: Quality = "observed",
        channel: Channel | None = None,
        reality: Reality | None = None,
    ) -> dict[str, Any]:
        """A CloudEvent of what was observed at an instant (by this reporter's clock), about a point or kommun."""
        world = self._world
        shown = at + self._fast
        self._seq += 1
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": world.new_id(shown),
            "source": self._source,
            "type": _TYPES[kind],
            "subject": about,
            "time": world.local.local(shown) if self._local else world.local.utc(shown),
            "datacontenttype": "application/json",
            "reality": reality or world.reality,
            "seq": self._seq,
        }
        if quality != "observed":
            event["quality"] = quality
        event["role"] = self._role
        event["channel"] = channel or self._channel
        if kind not in ("register", "retire"):
            event["incident"] = world.scenario.incident
        event["data"] = data
        return event
