"""What the feed has said of one shelter, as reports of a Swedish point. What it does not know is never made up.

| in the feed | in a report |
|---|---|
| `SHELTER_NAME` | `register`: `name`, cut to 120 characters; the shelter's number where it has none |
| `STATE`, `CITY` | the kommun, once and for all; `org_unit` says what they were |
| `EVACUATION_CAPACITY` | `register`: `capacity_day`: people on their feet in a storm, room counted for hours |
| `POST_IMPACT_CAPACITY` | `register`: `capacity_night`: people who live there afterwards, room counted for beds |
| `WHEELCHAIR_ACCESSIBLE`, `ADA_COMPLIANT` | `register`: `accessibility` `wheelchair`, `ada_compliant` |
| `SHELTER_STATUS` | `status`: `lifecycle`, and `availability` for `FULL` |
| `TOTAL_POPULATION` | `status`: `occupancy`; 0 is a count like any other |
| `PET_ACCOMMODATIONS_CODE` | `status`: `services.pets` |

A value that is not known (None) is left out; where one had been told before, `null` takes it back.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from vardkase.simulator.shelters.places import kommun_of, position_of
from vardkase.simulator.shelters.records import Fields, ShelterStatus, YesNo
from vardkase_contracts.vocab import Lifecycle, ServiceState

_LIFECYCLES: Final[dict[ShelterStatus, Lifecycle]] = {
    "ALERT": "planned",
    "STANDBY": "prepared",
    "OPEN": "open",
    "FULL": "open",
    "CLOSED": "closed",
}
"""The National Shelter System takes a shelter from planning by way of alert and stand-by to opening and closure."""
_PETS: Final[dict[str, ServiceState]] = {"YES": "available", "NO": "stopped", "NONE": "stopped"}
"""`stopped` is the word for what is not given now; that it was never meant to be, the contract has no word for."""
_NAME_MAX: Final = 120


@dataclass(slots=True)
class Shelter:
    """One shelter: where it stands, and what was last told of it."""

    id: int
    kommun: str
    slug: str
    position: tuple[float, float]
    org_unit: str | None
    name: str | None = None
    capacity_day: int | None = None
    capacity_night: int | None = None
    accessible: dict[str, YesNo] = field(default_factory=dict[str, YesNo])
    told: set[str] = field(default_factory=set[str])
    """Of a status, what is known and would have to be taken back."""
    profile: dict[str, Any] | None = None
    """As it was last registered."""

    @classmethod
    def first(cls, shelter: int, fields: Fields) -> "Shelter":
        """A shelter that is new: its state and city say where it is, for good (a point never moves)."""
        kommun = kommun_of(shelter, fields.state, fields.city)
        place = ", ".join(" ".join(_plain(part).split()) for part in (fields.city, fields.state) if part)
        return cls(
            id=shelter,
            kommun=kommun.code,
            slug=f"shelter-{shelter}",
            position=position_of(shelter, kommun),
            org_unit=place[:_NAME_MAX] or None,
        )

    @property
    def point(self) -> str:
        """The id of its point."""
        return f"{self.kommun}-{self.slug}"

    def register(self, fields: Fields) -> dict[str, Any] | None:
        """The data of a `register` report, when its profile has changed by this; else None."""
        given = fields.model_fields_set
        if "name" in given:
            self.name = None if fields.name is None else " ".join(_plain(fields.name).split())[:_NAME_MAX]
        if "evacuation_capacity" in given:
            self.capacity_day = fields.evacuation_capacity
        if "post_impact_capacity" in given:
            self.capacity_night = fields.post_impact_capacity
        for code, key in (("wheelchair", "wheelchair"), ("ada_compliant", "ada")):
            if key in given:
                self.accessible[code] = getattr(fields, key)
        profile: dict[str, Any] = {
            "name": self.name or f"Shelter {self.id}",
            "kind": "evakueringslokal",
            "position": {"lon": self.position[0], "lat": self.position[1]},
        }
        known = {
            "org_unit": self.org_unit,
            "accessibility": self._accessibility(),
            "capacity_day": self.capacity_day,
            "capacity_night": self.capacity_night,
        }
        profile |= {key: value for key, value in known.items() if value is not None}
        if profile == self.profile:
            return None
        self.profile = profile
        return profile

    def status(self, fields: Fields) -> dict[str, Any] | None:
        """The data of a `status` report, when this says anything of how it is now; else None."""
        data: dict[str, Any] = {}
        given = fields.model_fields_set
        if "status" in given:
            status = fields.status
            self._tell(data, "lifecycle", None if status is None else _LIFECYCLES[status])
            # That it is open does not say that there is room, but it is no longer said to be full.
            self._tell(data, "availability", "full" if status == "FULL" else None)
        if "population" in given:
            self._tell(data, "occupancy", fields.population)
        if "pets" in given:
            pets: dict[str, Any] = {}
            self._tell(pets, "pets", None if fields.pets is None else _PETS[fields.pets])
            if pets:
                data["services"] = {"pets": {"state": pets["pets"]}}
        return data or None

    def _tell(self, data: dict[str, Any], key: str, value: Any) -> None:
        if value is not None:
            self.told.add(key)
            data[key] = value
        elif key in self.told:
            self.told.remove(key)
            data[key] = None

    def _accessibility(self) -> list[str] | None:
        """What it is known to have; nothing at all only where the feed denies both."""
        has = [code for code, answer in self.accessible.items() if answer == "YES"]
        denied = len(self.accessible) == 2 and set(self.accessible.values()) == {"NO"}
        return has if has or denied else None


def _plain(text: str) -> str:
    """A text without control characters."""
    return "".join(char if char.isprintable() else " " for char in text)
