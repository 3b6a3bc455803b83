"""What a site lead reads and writes down of what is really so: sections of a `resources` report, services, crowding."""

from typing import Any, Final, Literal

from vardkase.simulator.line import Line
from vardkase.simulator.supply import Mode, Supply
from vardkase.simulator.team import Team
from vardkase.simulator.world import World
from vardkase_contracts.instants import HOUR
from vardkase_contracts.vocab import Availability, ServiceCode, ServiceState

EnduranceStyle = Literal["fuel", "hours", "none"]
"""How endurance is told: litres and their rate, hours, not at all."""

POWERED: Final[frozenset[ServiceCode]] = frozenset(
    {"electricity", "charging", "medical_device_charging", "heat", "hot_drink", "emergency_call", "radio"}
)
"""Services that need power (docs/rules.md)."""


_NO_HEAT, _ALL_HEAT = 0.1, 0.8
"""Below the first a radiator is taken to be cold; from the second on nobody notices that it could be warmer."""

_PLAIN: Final[dict[Mode, dict[str, str]]] = {
    "mains": {"source": "mains"},
    "not_connected": {"source": "backup", "backup_state": "not_connected"},
    "fault": {"source": "backup", "backup_state": "fault"},
    "empty": {"source": "backup", "backup_state": "off"},
    "none": {"source": "none"},
}
"""What is told where there is nothing to measure."""


def power(supply: Supply, at: int, style: EnduranceStyle) -> dict[str, Any]:
    """The section `power`: what the place runs on and, in the site lead's style, for how long."""
    if supply.mode == "running":
        left = supply.fuel(at)
        section: dict[str, Any] = {"source": "backup", "backup_state": "running"}
        if style == "fuel":
            return section | {"fuel_l": float(round(left)), "fuel_l_per_h": float(supply.told_burn)}
        return section if style == "none" else section | {"endurance_h": round(left / supply.told_burn * 2) / 2}
    if supply.mode == "battery":
        return {"source": "battery"} | ({} if style == "none" else {"battery_h": round(supply.battery_h(at), 1)})
    return dict(_PLAIN[supply.mode])


def staff(team: Team, *, with_required: bool) -> dict[str, Any]:
    """The section `staff`."""
    return {"present": team.present} | ({"required": team.required} if with_required else {})


def next_shift(team: Team, world: World) -> dict[str, Any] | None:
    """The section `next_shift`, where a change of staff is planned."""
    return None if team.shift_at is None else {"at": world.local.utc(team.shift_at), "covered": team.covered}


def comms(line: Line, *, rakel: bool) -> dict[str, Any]:
    """The section `comms`. 112 can be called by any means that carries a voice."""
    mobile, fixed = ("up" if line.mobile else "down"), ("up" if line.telephony else "down")
    section: dict[str, Any] = {"mobile": mobile, "fixed": fixed, "internet": "up" if line.online else "down"}
    if rakel:
        section["rakel"] = "up"
    return section | {"can_call_112": line.calls or rakel}


def services(
    promised: tuple[ServiceCode, ...], limited: frozenset[ServiceCode], supply: Supply, *, warmth: float, at: int
) -> dict[ServiceCode, ServiceState]:
    """How each promised service is: what needs power stops with it; charging for the sick is saved for at the end.

    `warmth` is the share of the heat that the house needs and gets, 0 to 1.
    """
    found: dict[ServiceCode, ServiceState] = {}
    scarce = supply.mode == "running" and supply.fuel(at) < 2 * supply.told_burn
    for code in promised:
        if (code in POWERED and not supply.powered) or (code == "heat" and warmth < _NO_HEAT):
            found[code] = "stopped"
        elif (
            code in limited
            or (scarce and code in ("charging", "medical_device_charging"))
            or (code == "heat" and warmth < _ALL_HEAT)
        ):
            found[code] = "limited"
        else:
            found[code] = "available"
    return found


def availability(visitors: int, capacity: int, states: dict[ServiceCode, ServiceState]) -> Availability:
    """Full, limited or normal, as a person would put it."""
    if visitors >= capacity * 0.97:
        return "full"
    stopped = sum(state == "stopped" for state in states.values())
    return "limited" if visitors >= capacity * 0.85 or stopped >= 2 else "normal"


def is_older(read: int | None, at: int, limit_h: float) -> bool:
    """Whether a reading is missing or older than so many hours."""
    return read is None or at - read >= limit_h * HOUR
