"""What is asked of a fuel round: trucks and depots, as JSON; over HTTP, and from a file by command."""

from typing import Annotated, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from vardkase.logistics.distance import ROAD_FACTOR
from vardkase.logistics.fuel import MOST_DEPOTS, MOST_TRUCKS, Depot, Truck
from vardkase_contracts.base import AreaCode
from vardkase_contracts.instants import MINUTE, from_datetime
from vardkase_contracts.vocab import Reality

HOURS: Final = 24.0
"""How far ahead a round is planned unless asked otherwise."""


class _Asked(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


class Place(_Asked):
    """Where something is (WGS 84)."""

    lon: Annotated[float, Field(ge=-180, le=180)]
    """Degrees; in Sweden 10 to 25."""
    lat: Annotated[float, Field(ge=-90, le=90)]
    """Degrees; in Sweden 55 to 70."""


class TruckAsked(_Asked):
    """A truck."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    """What it is called: a number or a post, never a person's name."""
    position: Place
    """Where it is."""
    litres: Annotated[float, Field(ge=0, le=100_000)]
    """What it has now."""
    capacity_l: Annotated[float, Field(gt=0, le=100_000)] | None = None
    """What it takes at a depot; what it has now unless given."""
    km_h: Annotated[float, Field(ge=1, le=130)] = 50.0
    """How fast it gets on."""
    minutes_per_stop: Annotated[float, Field(ge=0, le=600)] = 20.0
    """How long it stands at a point."""
    free_at: AwareDatetime | None = None
    """When it can set off; now unless given."""

    def made(self) -> Truck:
        """As the plan has it."""
        return Truck(
            name=self.name,
            position=(self.position.lon, self.position.lat),
            litres=self.litres,
            capacity_l=max(self.capacity_l or 0.0, self.litres, 1.0),
            km_h=self.km_h,
            stop_us=round(self.minutes_per_stop * MINUTE),
            free_at=0 if self.free_at is None else from_datetime(self.free_at),
        )


class DepotAsked(_Asked):
    """Where trucks are filled."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    """What it is called."""
    position: Place
    """Where it is."""
    minutes: Annotated[float, Field(ge=0, le=600)] = 30.0
    """How long filling takes."""

    def made(self) -> Depot:
        """As the plan has it."""
        return Depot(
            name=self.name, position=(self.position.lon, self.position.lat), fill_us=round(self.minutes * MINUTE)
        )


class Fleet(_Asked):
    """What a file of trucks holds."""

    trucks: Annotated[tuple[TruckAsked, ...], Field(min_length=1, max_length=MOST_TRUCKS)]
    """The trucks."""
    depots: Annotated[tuple[DepotAsked, ...], Field(max_length=MOST_DEPOTS)] = ()
    """Where they are filled; none: they give what they have."""
    hours: Annotated[float, Field(gt=0, le=72)] = HOURS
    """How far ahead it is planned."""
    road_factor: Annotated[float, Field(ge=1, le=3)] = ROAD_FACTOR
    """How much longer a road is than the way of the crow."""


class RoundAsked(Fleet):
    """A fuel round, over HTTP."""

    code: AreaCode | None = None
    """The code of the area: `2480`, `24`, `norra` or `SE`. One's own unless given."""
    reality: Reality = "act"
    """`act` skarpt, `exe` övning, `tst` prov."""
