"""Reports that must be gone, such as one that names a person: they count no more, whenever they come (docs/adr/0038).

What was ordered is kept in memory: all orders are read at each start, before anything is merged.
"""

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any, Final

from vardkase.domain.merge import Identity, Received, identity
from vardkase.domain.places import lies_in
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase_contracts.orders import RedactOrder
from vardkase_contracts.vocab import Reality

from .acts import Published
from .admission import Admission
from .identities import Identities
from .refolding import Refolding

Read = tuple[Delivery, Received]


class Redaction:
    """Which reports of one reality must be gone.

    Args:
        reality: of the reports.
        identities: knows which of them are merged.
        refolding: folds anew what loses one.
        erase: is told of each, once: its bytes are to be erased.
    """

    def __init__(
        self, reality: Reality, identities: Identities, refolding: Refolding, erase: Callable[[Identity], None]
    ) -> None:
        self._reality: Reality = reality
        self._identities = identities
        self._refolding = refolding
        self._erase = erase
        self._gone: set[Identity] = set()
        self._new: set[Identity] = set()

    def take(self, order: RedactOrder) -> None:
        """An order that a report must be gone. One about what is not its to say is without effect."""
        named = order.data.identity
        if named.reality != self._reality or order.reality != self._reality or not lies_in(named.kommun, order.subject):
            return
        key: Final = (named.reality, named.kommun, named.id)
        if key not in self._gone:
            self._gone.add(key)
            self._new.add(key)
            self._erase(key)

    def sift(self, read: Iterable[Read]) -> list[Read]:
        """Those of what came that may count; of the others the bytes are to be erased."""
        kept: list[Read] = []
        for one in read:
            key = identity(one[1].report)
            if key in self._gone:
                self._erase(key)
            else:
                kept.append(one)
        return kept

    def apply(self, alerts: Published) -> list[dict[str, Any]]:
        """What was merged before it was ordered gone is forgotten: its point is folded anew without it.

        Args:
            alerts: the last document of each alert, open or not.

        Returns:
            Those that had it for evidence, without it: to be published, since the last of each can be read for ever.
        """
        if not self._new:
            return []
        change = Admission()
        for key, held in self._identities.look_up(self._new).items():
            if held.copy is None:
                continue
            change.known[key] = held._replace(copy=None)
            if held.is_withdraw:
                change.rewithdraw.add(key[1])
            else:
                change.refold[held.point] = True
        told = [*_without(alerts, self._new)]
        self._new.clear()
        self._identities.record(change.known)
        self._refolding.admitted(change)
        return told


def _without(alerts: Published, gone: AbstractSet[Identity]) -> Iterator[dict[str, Any]]:
    """Alerts that have reports for evidence, without these."""
    kommuner = {kommun for _, kommun, _ in gone}
    for about, documents in alerts.items():
        kommun = about[:4]
        if kommun not in kommuner:
            continue
        for document in documents.values():
            kept = [each for each in document["evidence"] if (document["reality"], kommun, each["report"]) not in gone]
            if len(kept) != len(document["evidence"]):
                yield {**document, "evidence": kept, "evidence_lost": True}
