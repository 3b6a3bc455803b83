"""Proof of origin, asked for where reports are merged: whose report does not prove it is refused.

What is merged and acknowledged was verified, and is not verified again: not when a point is folded anew, nor after a
restart. Verifying costs some 50 µs and needs no interpreter, so a batch is shared out among threads.
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from vardkase.domain.merge import Received
from vardkase.federation.signatures import Claim, Keyring, Outcome, Signing, look, refusal
from vardkase.runtime.jetstream import headers
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.metrics import Metrics
from vardkase_contracts import signing
from vardkase_contracts.refusals import Refusal
from vardkase_contracts.vocab import Reality

_HEADER: Final = signing.HEADER.encode()
_FEW: Final = 8
"""So many are verified at once where they are: a thread would cost more."""
_THREADS: Final = max(1, min(4, os.cpu_count() or 1))
Read = tuple[Delivery, Received]
"""A message of the log, and the report in it."""


def signature_of(delivery: Delivery) -> str | None:
    """The signature that stands beside a report in the log."""
    return headers.value(delivery.head, _HEADER)


def looked(of: Signing, delivery: Delivery, received: int) -> Outcome | Claim | None:
    """What can be said of a report in the log without verifying."""
    return look(
        of,
        signature=signature_of(delivery),
        received=received,
        subject=delivery.subject,
        data=delivery.data,
    )


class Verifier:
    """Asks reports of the log for proof of their origin.

    Args:
        metrics: counts what is found.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="verify")

    def close(self) -> None:
        """End its threads. What is under way is finished."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def refusals(self, reality: Reality, keyring: Keyring, read: Sequence[Read]) -> list[Refusal | None]:
        """Why each report does not count by these keys, in their order; None of one that does."""
        found: list[Outcome | Claim | None]
        found = [looked(keyring.of(item.report.kommun), each, item.received) for each, item in read]
        outcomes = await self.outcomes(reality, found)
        for outcome, count in Counter(outcomes).items():
            if outcome is not None:
                self._metrics.signatures.labels(reality, outcome).inc(count)
        return [None if outcome is None else refusal(outcome) for outcome in outcomes]

    async def outcomes(self, reality: Reality, found: Sequence[Outcome | Claim | None]) -> list[Outcome | None]:
        """What `look` found, the claims among it verified."""
        claims = [each for each in found if isinstance(each, Claim)]
        if not claims:
            return [None if isinstance(each, Claim) else each for each in found]
        began = time.monotonic()
        verified = iter(await self._verified(claims))
        self._metrics.signature_seconds.labels(reality).observe(time.monotonic() - began)
        return [next(verified) if isinstance(each, Claim) else each for each in found]

    async def _verified(self, claims: list[Claim]) -> list[Outcome]:
        if len(claims) <= _FEW:
            return [claim.verify() for claim in claims]
        size = -(-len(claims) // _THREADS)
        loop = asyncio.get_running_loop()
        shares = [
            loop.run_in_executor(self._pool, _verify_all, claims[start : start + size])
            for start in range(0, len(claims), size)
        ]
        return [outcome for share in await asyncio.gather(*shares) for outcome in share]


def _verify_all(claims: Sequence[Claim]) -> list[Outcome]:
    return [claim.verify() for claim in claims]
