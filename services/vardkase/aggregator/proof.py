"""Proof of origin in one reality: what comes is asked for it, and what came before when the federation is another."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from nats.aio.client import Client

from vardkase.domain.merge import Received
from vardkase.federation.signatures import OFF, Keyring, Signing, dump, load
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase_contracts.refusals import Refusal

from .admission import Admission, admit, concerned
from .identities import Identities
from .refolding import Refolding
from .rejudging import Change, Gone, Rejudging, Some
from .verifying import Read, Verifier
from .world import World

_FACT: Final = "signing/"
"""What the facts begin with that tell how a kommun's signatures were judged. A list in JSON: the last is how they are
now; those before it are there until what was merged by them is judged anew."""


class Proof:
    """Asks for proof of origin.

    Args:
        world: what reports are merged into.
        identities: knows which are merged; and by which keys, from one run to the next.
        refolding: folds anew what lost a report.
        nc: a connection.
        verifier: verifies.
    """

    def __init__(
        self, world: World, identities: Identities, refolding: Refolding, nc: Client, verifier: Verifier
    ) -> None:
        self._world = world
        self._identities = identities
        self._refolding = refolding
        self._nc = nc
        self._verifier = verifier
        self._keyring: Keyring | None = None
        self._rejudging: Rejudging | None = None

    # -- what comes --------------------------------------------------------------------------------------------------

    async def sorted(self, read: list[Read]) -> tuple[list[Read], list[tuple[Delivery, Refusal]]]:
        """Reports as they came: those that count, and those that do not prove their origin."""
        if self._keyring is None:
            return read, []
        refusals = await self._verifier.refusals(self._world.reality, self._keyring, read)
        counts = [one for one, refusal in zip(read, refusals, strict=True) if refusal is None]
        refused = [(each, why) for (each, _), why in zip(read, refusals, strict=True) if why is not None]
        return counts, refused

    # -- what came before --------------------------------------------------------------------------------------------

    async def judge_by(self, keyring: Keyring | None, upto: int) -> None:
        """Judge by these keys from now on, and what was merged by others anew.

        Args:
            keyring: None: nobody asks.
            upto: the last sequence of the log that was merged; 0: nothing was.
        """
        await self.stop()
        kommuner = self._world.area.kommuner()
        after = {code: OFF if keyring is None else keyring.of(code) for code in kommuner}
        before = self._remembered(kommuner)
        change = Change.between(before, after)
        if change.kommuner and not upto:
            await self._remember(after, change.kommuner)
        elif change.kommuner:
            # Noted before the first report is judged by them: a run that ends now leaves some of either.
            await self._note({code: (*before[code], after[code]) for code in change.kommuner})
            self._rejudging = Rejudging(self._world.reality, self._nc, self._verifier, change, upto)
            self._rejudging.start()
        self._keyring = keyring

    @property
    def held(self) -> frozenset[str]:
        """Kommuner of which only a part is judged anew: their points must not be judged."""
        return frozenset() if self._rejudging is None else self._rejudging.held

    @property
    def is_busy(self) -> bool:
        """Whether something is judged anew."""
        return self._rejudging is not None

    def go_on(self) -> bool:
        """Do what there is to be done now, at most some hundred reports of it.

        Returns:
            Whether that was all: when it is durable, `remember` it.
        """
        if self._rejudging is None:
            return False
        some = self._rejudging.take()
        if some is not None:
            self._do(some)
        return self._rejudging.is_done

    async def remember(self) -> None:
        """All that was merged is judged by the keys that there are now, and that is durable."""
        if self._rejudging is not None:
            change = self._rejudging.change
            await self.stop()
            await self._remember(change.after, change.kommuner)

    async def stop(self) -> None:
        """Leave what is judged anew: the next run begins with it again."""
        rejudging, self._rejudging = self._rejudging, None
        if rejudging is not None:
            await rejudging.stop()

    def _do(self, some: Some) -> None:
        gone = [each for each in some if isinstance(each, Gone)]
        comes = [each for each in some if isinstance(each, Received)]
        if gone:
            self._refolding.admitted(self._taken_away(gone))
        if comes:
            admission = admit(comes, self._identities.look_up(concerned(comes)))
            self._identities.record(admission.known)
            for item in admission.merge:
                self._world.merge(item)
            self._refolding.admitted(admission)

    def _taken_away(self, gone: Sequence[Gone]) -> Admission:
        """Forget copies that count no more."""
        known = self._identities.look_up([each.key for each in gone])
        result = Admission()
        for each in gone:
            held = known.get(each.key)
            if held is None or held.copy != each.copy:
                continue  # it was refused before, too; or another copy counts
            result.known[each.key] = held._replace(copy=None)
            if each.is_withdraw:
                result.rewithdraw.add(each.key[1])
            else:
                result.refold[each.point] = True
        self._identities.record(result.known)
        return result

    # -- how they were judged ----------------------------------------------------------------------------------------

    def _remembered(self, kommuner: Iterable[str]) -> dict[str, tuple[Signing, ...]]:
        facts = self._identities.facts(_FACT)
        return {
            code: tuple(load(text) for text in json.loads(facts[code])) if code in facts else (OFF,)
            for code in kommuner
        }

    async def _remember(self, after: Mapping[str, Signing], kommuner: Iterable[str]) -> None:
        await self._note({code: (after[code],) for code in kommuner})

    async def _note(self, judged: Mapping[str, Sequence[Signing]]) -> None:
        facts = {
            f"{_FACT}{code}": None if list(by) == [OFF] else json.dumps([dump(each) for each in dict.fromkeys(by)])
            for code, by in judged.items()
        }
        await self._identities.settle_facts({}, facts)
