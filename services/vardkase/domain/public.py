"""The public's view of a point: an allow-list, so that nothing restricted can get out by being forgotten.

No field betrays a restricted one: never "limited because of staff", no exact times, no history (DOMAIN, OSL 18:13).
"""

from typing import Any

from vardkase_contracts.instants import HOUR, MINUTE, iso

from .conditions import capacity_in_force
from .intervals import FOREVER
from .state import PointState
from .view import View

#: Public times are rounded down to this.
ROUNDED = 15 * MINUTE
#: What a point said of itself counts this long; after `UNCONFIRMED` not even that it is open.
VALID, UNCONFIRMED = 4 * HOUR, 12 * HOUR
_STATUS = {
    "planned": "planned",
    "prepared": "planned",
    "establishing": "opening",
    "open": "open",
    "closing": "open",
    "closed": "closed",
}
#: The profile's public fields.
_PROFILE = ("name", "kind", "address", "position", "accessibility", "planned_services")
#: The aspects that the public sees; only their reports, and confirmations, move `updated_at`.
_SEEN = ("lifecycle", "availability", "occupancy", "message", "opens_at", "closes_at")
_TIMES = ("opens_at", "closes_at")
#: Crowding by the share of the capacity (DOMAIN).
_BANDS = ((0.5, "low"), (0.8, "medium"), (1.0, "high"))


def tombstone(point: str) -> dict[str, Any]:
    """What stays of a point that is not public any more."""
    return {"id": point, "gone": True}


def kommun_notice(kommun: str, name: str) -> dict[str, Any]:
    """That a kommun takes part, so that an empty map never means "no points"."""
    return {"id": f"{kommun}-_", "kommun": kommun, "name": name, "takes_part": True}


def project(state: PointState, now: int) -> tuple[dict[str, Any] | None, int]:
    """What the public may know of a point now, `None` for nothing; and when that changes by the clock alone, µs."""
    profile = state.profile
    publish = profile.get("publish", "hidden")
    if publish == "hidden" or state.reality != "act" or state.retired or state.is_kommun:
        return None, FOREVER
    public: dict[str, Any] = {"id": state.id} | {name: profile[name] for name in _PROFILE if name in profile}
    if publish == "listed":
        return public, FOREVER
    view = View(state, now)
    times = [entry[0].time for aspect in _SEEN if (entry := state.newest(aspect)) is not None]
    times += [entry[0].time for _, entry in state.services()]
    if state.confirmed is not None:
        times.append(state.confirmed)
    if not times:
        return public | {"status": "unconfirmed"}, FOREVER
    updated = _rounded(max(times))
    valid_until, unconfirmed_from = updated + VALID, updated + UNCONFIRMED
    valid = now < valid_until
    services = {code: (said or "unknown") if valid else "unknown" for code, (_, said) in state.services()}
    crowding = _crowding(view) if valid else "unknown"
    public |= {
        "status": "unconfirmed" if now >= unconfirmed_from else _STATUS.get(state.lifecycle or "", "unconfirmed"),
        "availability": _availability(state, services, crowding) if valid else "unknown",
        "services": services,
        "crowding": crowding,
        "message": state.value("message"),
        "updated_at": iso(updated),
        "valid_until": iso(valid_until),
    }
    public |= {name: state.value(name) for name in _TIMES}
    due = min((at for at in (valid_until, unconfirmed_from) if at > now), default=FOREVER)
    return public, due


def confirmed_at(state: PointState) -> int:
    """When the point was last confirmed, as far as the public is told: all that a sign of life changes for it, µs."""
    return 0 if state.confirmed is None else _rounded(state.confirmed)


def _rounded(time: int) -> int:
    return time // ROUNDED * ROUNDED


def _crowding(view: View) -> str:
    occupancy = view.newest("occupancy")
    capacity = capacity_in_force(view)
    if occupancy is None or occupancy[1] is None or capacity is None:
        return "unknown"
    share = occupancy[1] / capacity
    return next((band for limit, band in _BANDS if share < limit), "full")


def _availability(state: PointState, services: dict[str, str], crowding: str) -> str:
    """`limited` only where what is published explains it: it must not tell of staff or power."""
    said = state.value("availability")
    if said == "limited":
        explained = crowding in {"high", "full"} or any(each in {"stopped", "limited"} for each in services.values())
        return "limited" if explained else "normal"
    return said or "unknown"
