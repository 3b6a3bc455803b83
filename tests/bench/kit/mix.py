"""Reports in the mix of a storm, about points that are open, each as likely as the other: whatever their number."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Final

from kit.events import sent
from kit.storm import Sent
from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.vocab import ReportKind

_MIX: Final[dict[ReportKind, int]] = {
    "heartbeat": 55, "confirm": 16, "status": 12, "resources": 11, "need": 4, "contact": 2,
}  # fmt: skip
"""How many of a hundred, as the simulator's storm has them (its registers apart)."""
_SERVICES: Final = ("heat", "charging", "information", "drinking_water", "medical_device_charging")


def point_ids(count: int) -> list[str]:
    """So many points, spread evenly over all kommuner."""
    codes = list(KOMMUNER)
    return [f"{codes[number % len(codes)]}-p{number // len(codes)}" for number in range(count)]


def opened(points: Sequence[str], at: int) -> Iterator[Sent]:
    """Each point's register, that it is open, and what it lives on: three reports each."""
    chance = Random("opened")
    for number, point in enumerate(points):
        profile = {
            "name": f"Punkt {number}",
            "kind": "trygghetspunkt",
            "position": {"lon": 15.0, "lat": 60.0},
            "planned_services": list(_SERVICES),
            "capacity_day": 150,
            "staff_required": 4,
        }
        yield sent(f"r{number}", point, "register", profile, at)
        status = {
            "lifecycle": "open",
            "occupancy": 20,
            "services": {code: {"state": "available"} for code in _SERVICES},
        }
        yield sent(f"o{number}", point, "status", status, at + 1)
        yield sent(f"h{number}", point, "resources", _resources(chance), at + 2)


def mixed(points: Sequence[str], count: int, at: int, *, seed: int = 1, every: int = 1) -> Iterator[Sent]:
    """So many reports about points drawn by chance, the first at `at`, one `every` so many microseconds."""
    chance = Random(seed)
    kinds = chance.choices(list(_MIX), list(_MIX.values()), k=count)
    for number, kind in enumerate(kinds):
        yield sent(f"m{seed}-{number}", chance.choice(points), kind, _data(kind, chance), at + number * every)


def _data(kind: ReportKind, chance: Random) -> dict[str, Any]:
    match kind:
        case "status":
            code, state = chance.choice(_SERVICES), chance.choice(("available", "limited", "stopped"))
            return {"occupancy": chance.randint(0, 160), "services": {code: {"state": state}}}
        case "resources":
            return _resources(chance)
        case "need":
            return {"need_id": f"n{chance.randint(1, 3)}", "kind": "fuel", "quantity": 100, "priority": "normal"}
        case "contact":
            return {"result": "reached"}
        case _:
            return {}


def _resources(chance: Random) -> dict[str, Any]:
    if chance.random() < 0.5:
        power: dict[str, Any] = {"source": "mains"}
    else:
        litres = chance.randint(20, 400)
        power = {"source": "backup", "backup_state": "running", "fuel_l": litres, "fuel_l_per_h": 10}
    return {
        "power": power,
        "staff": {"present": chance.randint(1, 5), "required": 4},
        "heat": {"indoor_c": chance.randint(18, 22)},
        "comms": {"mobile": "up", "can_call_112": True},
    }
