"""Points to be folded anew from the log: what a replaced copy, a withdraw or a lost register has changed.

They are remembered as they come up, and folded together before anything is judged or made durable: in a backlog many
reports name the same point, and each reading of the log costs a consumer.
"""

from collections.abc import Iterable, Iterator

from nats.aio.client import Client

from vardkase.domain.state import PointState
from vardkase.runtime.metrics import Metrics
from vardkase_contracts.vocab import Reality

from .admission import Admission
from .identities import Identities
from .log import refold, withdrawn_in_log

#: Points or kommuner that one reading of the log is for: each is a filter of its consumer.
_TOGETHER = 100


class Refolding:
    """What one reality has to fold anew."""

    def __init__(self, reality: Reality, identities: Identities, nc: Client, metrics: Metrics) -> None:
        """Nothing is to be folded anew."""
        self._reality: Reality = reality
        self._identities = identities
        self._nc = nc
        self._metrics = metrics
        #: Points, and whether because reports of theirs were withdrawn.
        self._points: dict[str, bool] = {}
        #: Kommuner of which a withdraw was replaced by another copy of it.
        self._kommuner: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._points or self._kommuner)

    def admitted(self, admission: Admission) -> None:
        """Remember what a batch has changed."""
        self._kommuner |= admission.rewithdraw
        for point, withdrawn in admission.refold.items():
            self._points[point] = self._points.get(point, False) or withdrawn

    def lost(self, points: Iterable[str]) -> None:
        """Remember points of which the other world's register may have lost what was taken over."""
        self._points |= dict.fromkeys(points, True)

    async def settle(self, upto: int) -> list[tuple[PointState, bool]]:
        """The states folded anew, and whether reports of theirs were withdrawn.

        Args:
            upto: the last sequence of REPORTS that was merged.

        Raises:
            Incomplete: the log could not be read to the end.
        """
        for kommuner in _by_many(sorted(self._kommuner)):
            await self._withdraw_anew(kommuner, upto)
        found: list[tuple[PointState, bool]] = []
        for points in _by_many(sorted(self._points)):
            states = await refold(self._nc, self._identities, self._reality, points, upto)
            for point, state in states.items():
                withdrawn = self._points[point]
                found.append((state, withdrawn))
                self._metrics.refolds.labels(self._reality, "withdraw" if withdrawn else "conflict").inc()
        self._points.clear()
        self._kommuner.clear()
        return found

    async def _withdraw_anew(self, kommuner: list[str], upto: int) -> None:
        """See from the log what is withdrawn in kommuner; what changes by it is folded anew."""
        named = await withdrawn_in_log(self._nc, self._identities, self._reality, kommuner, upto)
        concerned = set(named)
        for kommun in kommuner:
            concerned |= self._identities.withdrawn_of(self._reality, kommun).keys()
        known = self._identities.look_up(concerned)
        changed = {key: held._replace(withdrawn=key in named) for key, held in known.items()}
        self._identities.record(changed)
        for key, held in changed.items():
            if held.copy is not None and held.withdrawn != known[key].withdrawn:
                self._points[held.point] = True


def _by_many(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), _TOGETHER):
        yield names[start : start + _TOGETHER]
