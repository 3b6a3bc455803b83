"""What every route is given: `request.app.state.house`."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request

from vardkase.federation.below import Below
from vardkase.runtime.clock import Clock
from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase_contracts.areas import Area

from .exercises import HeldExercises
from .hub import Hub
from .live import Live
from .metrics import GatewayMetrics

if TYPE_CHECKING:
    from .access.access import Access
    from .access.audit import Audit
    from .foresight.readings import Readings
    from .given import GivenOrders
    from .history.pool import Archive
    from .links import Told
    from .public.side import PublicSide
    from .recentpictures import RecentPictures
    from .solver import Solver
    from .writing.writing import Writing


@dataclass(kw_only=True, slots=True)
class House:
    """The gateway's parts, made and started by `app`."""

    settings: Settings
    metrics: Metrics
    """The process's; a part with metrics of its own registers them on its `registry`."""
    counts: GatewayMetrics
    clock: Clock
    area: Area
    """The node's."""
    live: Live
    hub: Hub
    access: "Access"
    audit: "Audit"
    bus: Connection
    """The node's account."""
    links: "Told"
    """What the node tells of its links to other nodes."""
    writing: "Writing"
    exercises: HeldExercises
    """Where one goes on, and where one was aborted."""
    given: "GivenOrders"
    """The orders that the node follows."""
    pictures: "RecentPictures"
    """Which versions of pictures can be adopted."""
    readings: "Readings"
    """What forecasts rest on."""
    solver: "Solver"
    """Where proposals are worked out."""
    checks: Callable[[], Sequence[Check]]
    """What must hold for the gateway to be ready, as it is now."""
    below: Below
    """The areas below the node's that have a node of their own."""
    opened: asyncio.Event
    """Set once everything is there to answer with."""
    resuming: asyncio.Semaphore
    """Held while the log of alerts is read for a client."""
    archive: "Archive | None" = None
    """None: the node keeps no history."""
    public: "PublicSide | None" = None
    """None: nothing is made public here."""


def house_of(request: Request) -> House:
    """The house that answers a request."""
    return request.app.state.house
