"""What one point adds to the sums of each area it lies in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from vardkase_contracts.instants import HOUR

from .conditions import overdue_from
from .intervals import FOREVER
from .judge import Judgement
from .state import PointState
from .view import RUNNING_LIFECYCLES, View

#: Sums of quantities are kept as whole thousandths, so that adding and taking away never drifts.
SCALE = 1000
HORIZONS = (("6h", 6 * HOUR), ("12h", 12 * HOUR), ("24h", 24 * HOUR))
#: Rules whose red or critical makes a point count in `area.red_share`.
GRAVE = frozenset(
    {
        "power.endurance",
        "power.battery",
        "power.lost",
        "power.not_connected",
        "staff.short",
        "staff.next_shift",
        "heat.low",
        "water.low",
    }
)
_GIVEN = frozenset({"available", "limited"})
_RANK_DARK, _RANK_UNKNOWN, _RANK_TIMED = range(3)


class Shortage(NamedTuple):
    """A point's place among those that lose their power next: dark first, then unknown endurance, then by time."""

    rank: int
    runs_out_at: int
    point: str


@dataclass(slots=True)
class Contribution:
    """A point's part in the sums. Taking it away again restores them exactly."""

    counts: dict[str, int] = field(default_factory=dict[str, int])
    shortage: Shortage | None = None
    #: How the point stands in the forecast's list.
    listed: Mapping[str, Any] | None = None
    #: When an open, registered point last gave content, µs.
    content: int | None = None
    heard: int | None = None
    heartbeat: int | None = None
    #: When somebody tried to reach it in vain, where that was the last attempt, µs.
    failed: int | None = None
    #: The next instant at which this changes by the clock alone, beside what judging knows of, µs.
    due: int = FOREVER


NOTHING = Contribution()


def contribution(state: PointState, judgement: Judgement) -> Contribution:
    """What a point, or the kommun itself, adds at the instant of the judgement."""
    result = Contribution(heard=state.heard(), heartbeat=state.heartbeat, failed=state.failed())
    if state.is_empty:
        return result
    counts = result.counts
    _needs(state, judgement, result)
    for rule, verdict in judgement.verdicts.items():
        counts[f"alerts/{rule}/{verdict.level}"] = 1
    if state.is_kommun:
        activation = state.value("activation")
        if activation is not None:
            counts[f"activation/{activation}"] = 1
    if state.is_kommun or state.retired:
        return result
    counts[f"lifecycle/{judgement.lifecycle or 'unknown'}"] = 1
    counts[f"condition/{judgement.condition}"] = 1
    counts[f"freshness/{judgement.freshness}"] = 1
    counts[f"both/{judgement.condition}/{judgement.freshness}"] = 1
    if state.registered:
        counts["expected"] = 1
        counts["on_time" if judgement.freshness in {"fresh", "ageing"} else judgement.freshness] = 1
    else:
        counts["unregistered"] = 1
    if judgement.lifecycle in RUNNING_LIFECYCLES:
        _forecast(state, judgement, result)
    if judgement.lifecycle == "open":
        _open(state, judgement, counts)
        if state.registered:
            result.content = state.content
    return result


def heard_again(before: Contribution, state: PointState, judgement: Judgement) -> Contribution:
    """The same when nothing has changed since but when the point was heard."""
    if before.content is None and state.content is not None:
        return contribution(state, judgement)
    return Contribution(
        before.counts,
        before.shortage,
        before.listed,
        None if before.content is None else state.content,
        state.heard(),
        state.heartbeat,
        state.failed(),
        before.due,
    )


def _open(state: PointState, judgement: Judgement, counts: dict[str, int]) -> None:
    """People, services, staff and power of an open point."""
    counts["open"] = 1
    counts[f"availability/{state.value('availability') or 'unknown'}"] = 1
    occupancy, capacity = state.value("occupancy"), judgement.capacity
    if occupancy is not None:
        counts["occupancy/points"] = 1
        counts["occupancy/sum"] = occupancy
        counts["occupancy/high"] = occupancy
    elif capacity is not None:
        counts["occupancy/high"] = int(capacity)
    else:
        counts["occupancy/unbounded"] = 1
    if capacity is not None:
        counts["capacity/points"] = 1
        counts["capacity/sum"] = int(capacity)
        if occupancy is not None:
            counts["free/points"] = 1
            counts["free/sum"] = max(0, int(capacity) - occupancy)
    for code, (_, said) in state.services():
        counts[f"services/{code}/{said or 'unknown'}"] = 1
    power: Mapping[str, Any] = state.value("power") or {}
    counts[f"power/{power.get('source', 'unknown')}"] = 1
    staff: Mapping[str, Any] = state.value("staff") or {}
    required = staff.get("required", state.profile.get("staff_required"))
    if required is not None:
        counts["staff/required"] = required
    if "present" in staff:
        counts["staff/points"] = 1
        counts["staff/present"] = staff["present"]
        if required is not None and staff["present"] < required:
            counts["staff/short"] = required - staff["present"]
    if any(
        verdict.level != "yellow" and verdict.inhibited_by is None and rule in GRAVE
        for rule, verdict in judgement.verdicts.items()
    ):
        counts["grave"] = 1


def _forecast(state: PointState, judgement: Judgement, result: Contribution) -> None:
    """Where the point stands among those that will lose their power."""
    runs_out_at = judgement.runs_out_at
    if judgement.dark:
        result.counts["dark"] = 1
        shortage = Shortage(_RANK_DARK, runs_out_at or 0, state.id)
    elif not judgement.endurance_known:
        result.counts["endurance_unknown"] = 1
        shortage = Shortage(_RANK_UNKNOWN, 0, state.id)
    elif runs_out_at is not None:
        shortage = Shortage(_RANK_TIMED, runs_out_at, state.id)
        result.due = runs_out_at
        for name, horizon in HORIZONS:
            if runs_out_at - judgement.at <= horizon:
                result.counts[f"out/{name}"] = 1
            else:
                result.due = min(result.due, runs_out_at - horizon)
    else:
        return
    result.shortage = shortage
    planned = state.profile.get("planned_services", ())
    charging = state.value("services.medical_device_charging")
    result.listed = {
        "point": state.id,
        "name": state.profile.get("name", state.id),
        "kommun": state.kommun,
        "dark": judgement.dark,
        "runs_out_at": runs_out_at,
        "condition": judgement.condition,
        "freshness": judgement.freshness,
        "medical_charging": charging in _GIVEN or (charging is None and "medical_device_charging" in planned),
        "overnight": state.value("services.overnight") in _GIVEN,
    }


def _needs(state: PointState, judgement: Judgement, result: Contribution) -> None:
    counts = result.counts
    view = View(state, judgement.at)
    for entry in state.needs.values():
        need = entry[1]
        kind = need.get("kind", "unknown")
        if need["direction"] == "surplus":
            if need["state"] in {"requested", "assigned", "under_way"}:
                _add(counts, f"surplus/{kind}/count", 1)
                if "quantity" in need:
                    unit = need.get("unit", "")
                    _add(counts, f"surplus/{kind}/unit/{unit}", round(need["quantity"] * SCALE))
                    _add(counts, f"surplus/{kind}/offers/{unit}", 1)
            continue
        _add(counts, f"needs/{kind}/{need['state']}", 1)
        late = overdue_from(view, entry)
        if late is not None:
            if late <= judgement.at:
                _add(counts, "needs_overdue", 1)
            else:
                result.due = min(result.due, late)


def _add(counts: dict[str, int], name: str, amount: int) -> None:
    counts[name] = counts.get(name, 0) + amount
