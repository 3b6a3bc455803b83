"""Which reports of a batch are merged: copies of one identity are settled, and what is withdrawn is left out.

The incremental twin of `vardkase.domain.fold`. Where a report that was merged before must go again, its point is named
to be folded anew from the log.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from vardkase.domain.fold import withdrawn_by
from vardkase.domain.merge import Copy, Identity, Received, identity
from vardkase_contracts.reports import WithdrawReport

from .identities import Known


@dataclass(slots=True)
class Admission:
    """What a batch does."""

    #: To be merged, in order.
    merge: list[Received] = field(default_factory=list[Received])
    #: Points to be folded anew, and whether because reports were withdrawn.
    refold: dict[str, bool] = field(default_factory=dict[str, bool])
    #: What is now known of identities.
    known: dict[Identity, Known] = field(default_factory=dict[Identity, Known])
    #: Kommuner of which a withdraw was replaced by another copy: what is withdrawn is to be told anew from the log.
    rewithdraw: set[str] = field(default_factory=set[str])
    #: Copies with other bytes than one that came before.
    conflicts: int = 0
    repeats: int = 0


def concerned(items: Iterable[Received]) -> set[Identity]:
    """The identities that must be looked up before a batch is admitted."""
    found: set[Identity] = set()
    for item in items:
        found.add(identity(item.report))
        if isinstance(item.report, WithdrawReport):
            found.update(withdrawn_by(item.report))
    return found


def admit(  # noqa: C901 - one decision, in the order of CONTRACT §3
    items: Iterable[Received], before: Mapping[Identity, Known]
) -> Admission:
    """Settle a batch against what is known."""
    result = Admission()

    def known(key: Identity) -> Known | None:
        return result.known.get(key) or before.get(key)

    for item in items:
        report = item.report
        key = identity(report)
        held = known(key)
        copy = Copy(item.digest, item.received)
        is_withdraw = isinstance(report, WithdrawReport)
        withdrawn = held is not None and held.withdrawn
        if held is not None and held.copy is not None:
            if held.copy.digest != copy.digest:
                result.conflicts += 1
            else:
                result.repeats += 1
            if copy > held.copy:
                if held.copy.digest != copy.digest or _moves(item, held.copy):
                    continue
            elif copy < held.copy and (held.copy.digest != copy.digest or _moves(item, held.copy)):
                # The copy that was merged gives way: its point must forget it.
                result.refold.setdefault(held.point, False)
                if held.is_withdraw or is_withdraw:
                    result.rewithdraw.add(report.kommun)
        if held is None or held.copy is None or copy <= held.copy:
            result.known[key] = Known(copy, report.subject, is_withdraw, withdrawn)
        if is_withdraw:
            result.merge.append(item)
            _withdraw(report, known, result)
        elif not withdrawn:
            result.merge.append(item)
    return result


def _moves(item: Received, held: Copy) -> bool:
    """Whether the same bytes, received at another time, count at another time."""
    other = Received(report=item.report, received=held.received, digest=item.digest)
    return item.stamp != other.stamp


def _withdraw(report: WithdrawReport, known: Callable[[Identity], Known | None], result: Admission) -> None:
    for key in withdrawn_by(report):
        held = known(key)
        if held is None:
            result.known[key] = Known(None, "", is_withdraw=False, withdrawn=True)
        elif not held.withdrawn:
            result.known[key] = held._replace(withdrawn=True)
            if held.copy is not None and not held.is_withdraw:
                result.refold[held.point] = True
