"""What a judgement changed, on its way to the streams."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Effects:
    """What a judgement changed, to be made durable in this order."""

    #: By key.
    alerts: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    #: By the point's id. A point that is not public any more leaves a tombstone.
    public: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    states: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    def __bool__(self) -> bool:
        return bool(self.alerts or self.public or self.states)
