"""What a scenario can set of what it is about, where that is no storm: an attack on systems, a heating that fails.

Units as in `parameters`. Both strike whole län; what they do there they do to parts of kommuner, one after another.
"""

from typing import Annotated

from pydantic import Field, field_validator

from vardkase.simulator.draw import Positive, Range, Settings, Share, Spread
from vardkase_contracts.areas import LAN

LanCode = Annotated[str, Field(pattern=r"^[0-9]{2}$")]


def _known(codes: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [code for code in codes if code not in LAN]
    if unknown:
        raise ValueError(f"no such län: {', '.join(unknown)}")
    return codes


class Regional(Settings):
    """Where something strikes, and when."""

    lan: tuple[LanCode, ...] = Field(min_length=1, max_length=21)
    begins_h: float = Field(ge=0, le=500)
    points_per_area: int = Field(ge=1, le=1_000)

    _lan = field_validator("lan")(_known)


class Cyber(Regional):
    """An attack on payment and telephone systems. What has electricity keeps it, but for a mistake here and there."""

    payment_after_min: Range
    payment_h: Spread
    delivery_fails_share: Share
    asked_per_h: float = Field(ge=0, le=10)
    mobile_share: Share
    mobile_after_min: Range
    mobile_h: Spread
    telephony_share: Share
    broadband_share: Share
    broadband_after_min: Range
    broadband_h: Spread
    power_share: Share
    power_after_h: Range
    power_h: Spread


class Cold(Regional):
    """District heating that gives less and less, in the cold."""

    plants_share: Share
    plant_after_h: Range
    part_after_h: Range
    decline_h: Range
    lowest: Range
    repair_h: Spread
    recover_h: Range
    noticed_below: Share
    given_up_below_c: float = Field(ge=-60, le=60)
    district_share: Share
    heater_share: Share
    heater_gives: Range
    heater_l_per_h: Range
    heater_tank_h: Range
    heater_below_c: float = Field(ge=-60, le=60)
    heater_asks_below_h: Positive
