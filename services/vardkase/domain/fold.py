"""Fold: a whole set of reports into states, the definition that the incremental aggregator must agree with."""

from collections.abc import Iterable

from vardkase_contracts.reports import WithdrawReport

from .merge import Copy, Identity, Received, identity, merge
from .state import PointState


def withdrawn_by(report: WithdrawReport) -> list[Identity]:
    """The identities that a withdraw names: of its own kommun and reality alone."""
    reality, kommun, _ = identity(report)
    return [(reality, kommun, report_id) for report_id in report.data.report_ids]


def winners(reports: Iterable[Received]) -> dict[Identity, Received]:
    """Of each identity the copy that counts: the lowest SHA-256, then the earliest arrival."""
    best: dict[Identity, Received] = {}
    for item in reports:
        key = identity(item.report)
        held = best.get(key)
        if held is None or Copy(item.digest, item.received) < Copy(held.digest, held.received):
            best[key] = item
    return best


def fold(reports: Iterable[Received]) -> dict[tuple[str, str], PointState]:
    """The states, by reality and point id, of a set of reports: any order and repetition gives the same.

    Copies of an identity are settled first; then what is withdrawn is left out (a withdraw itself never is); then all
    is merged. States that nothing is known of are not in the result.
    """
    best = winners(reports)
    gone = {
        key for item in best.values() if isinstance(item.report, WithdrawReport) for key in withdrawn_by(item.report)
    }
    states: dict[tuple[str, str], PointState] = {}
    for key, item in best.items():
        if key in gone and not isinstance(item.report, WithdrawReport):
            continue
        report = item.report
        where = (report.reality, report.subject)
        state = states.get(where)
        if state is None:
            state = states[where] = PointState(report.subject, report.reality)
        merge(state, item)
    return {where: state for where, state in states.items() if not state.is_empty}
