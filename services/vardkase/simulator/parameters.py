"""What a scenario can set, in sections. The shipped scenario file explains each value where it stands.

Names carry their unit: `_h` hours, `_min` minutes, `_s` seconds, `_km` kilometres, `_l` litres, `_c` degrees Celsius,
`_share` a part of the whole, 0 to 1.
"""

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from vardkase.simulator.draw import Positive, Range, Settings, Share, Spread, Whole
from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.vocab import BackupType, PointKind, Publish, ServiceCode

KommunCode = Annotated[str, Field(pattern=r"^[0-9]{4}$")]
Degrees = tuple[Annotated[float, Field(ge=-180, le=180)], Annotated[float, Field(ge=-90, le=90)]]
"""Longitude, latitude."""


def _known(codes: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [code for code in codes if code not in KOMMUNER]
    if unknown:
        raise ValueError(f"no such kommun: {', '.join(unknown)}")
    return codes


class Weight(Settings):
    """How many points some kommuner have, relative to others."""

    weight: Positive
    kommuner: tuple[KommunCode, ...] = Field(min_length=1, max_length=290)

    _kommuner = field_validator("kommuner")(_known)


class Points(Settings):
    """How many points there are, and where."""

    total: int = Field(ge=290, le=200_000)
    per_kommun_min: int = Field(ge=1, le=999)
    per_kommun_max: int = Field(ge=1, le=999)
    default_weight: Positive
    uneven: float = Field(ge=0, le=2)
    weights: tuple[Weight, ...]
    distance_km: Spread

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.per_kommun_min * len(KOMMUNER) <= self.total <= self.per_kommun_max * len(KOMMUNER):
            raise ValueError(
                f"total {self.total} does not fit {len(KOMMUNER)} kommuner with "
                f"{self.per_kommun_min} to {self.per_kommun_max} points each"
            )
        named = [code for weight in self.weights for code in weight.kommuner]
        twice = sorted({code for code in named if named.count(code) > 1})
        if twice:
            raise ValueError(f"weights: stands twice: {', '.join(twice)}")
        return self


class Register(Settings):
    """What kommuner say of their points beforehand, and when."""

    begin_min: float = Field(ge=0, le=10_000)
    spread_min: Positive
    initial_status_share: Share
    unregistered: int = Field(ge=0, le=1_000)
    retired: int = Field(ge=0, le=1_000)
    publish: Annotated[dict[Publish, Share], Whole]
    publish_at_opening_share: Share
    kinds: Annotated[dict[PointKind, Share], Whole]
    backup: Annotated[dict[BackupType, Share], Whole]
    refill_lead_h: Annotated[dict[int, Share], Whole]
    capacity_day: Spread
    capacity_night_share: Share
    staff_required: Range
    staff_required_told_share: Share
    services: dict[ServiceCode, Share]


class Storm(Settings):
    """A front with an axis: it takes down the grid, area by area."""

    axis_from: Degrees
    axis_to: Degrees
    arrives_h: float = Field(ge=0, le=500)
    speed_kmh: Positive
    width_km: Positive
    passage_h: Range
    outage_share: Share
    points_per_grid_area: int = Field(ge=1, le=1_000)
    quick_repair_share: Share
    quick_repair_h: Spread
    repair_h: Spread


class Networks(Settings):
    """Mobile networks, and what works without them."""

    dies_share: Share
    dies_after_h: Range
    back_after_min: Range
    fixed_line_share: Share
    rakel_share: Share
    trip_share: Share
    trip_h: Spread
    outbox_max: int = Field(ge=1, le=1_000)
    kommun_cut_share: Share
    kommun_cut_after_h: Range
    kommun_cut_h: Spread


class Connect(Settings):
    """How mobile generators get to where they are needed."""

    ready_share: Share
    comes_share: Share
    comes_h: Spread


class Power(Settings):
    """Generators, tanks, batteries."""

    start_share: Share
    repaired_share: Share
    repaired_h: Spread
    mobile: Connect
    inlet: Connect
    tank_h: dict[BackupType, Spread]
    level: Range
    burn_l_per_h: Range
    burn_error: float = Field(ge=0, le=1)
    battery_share: Share
    battery_h: Range
    faults_per_h: float = Field(ge=0, le=1)
    heat_on_backup_share: Share

    @field_validator("tank_h")
    @classmethod
    def _tanks(cls, tanks: dict[BackupType, Spread]) -> dict[BackupType, Spread]:
        if set(tanks) != {"fixed", "mobile", "inlet"}:
            raise ValueError("give a tank for each of fixed, mobile and inlet")
        return tanks


class Refill(Settings):
    """Fuel that is asked for, promised, and comes or does not."""

    asked_below_leads: Positive
    asked_share: Share
    on_time_share: Share
    late_share: Share
    confirmed_share: Share
    told_share: Share
    eta_h: Spread
    late_h: Spread
    level: Range

    @model_validator(mode="after")
    def _parts(self) -> Self:
        if self.on_time_share + self.late_share > 1:
            raise ValueError("on_time_share and late_share are more than 1 together; what is left never comes")
        return self


class Staff(Settings):
    """Shifts, and whether somebody takes the next one."""

    short_at_start_share: Share
    shift_h: Range
    covered_share: Share
    found_later_share: Share
    stays_share: Share
    relief_h: Range
    leaves_per_h: float = Field(ge=0, le=10)


class Visitors(Settings):
    """How many come, and when."""

    demand: Spread
    ramp_h: Positive
    noise: float = Field(ge=0, le=1)
    rhythm: tuple[Annotated[float, Field(ge=0, le=2)], ...] = Field(min_length=24, max_length=24)
    night_factor: float = Field(ge=0, le=2)


class House(Settings):
    """Water and warmth in the building, and the weather round it."""

    outdoor_c: Range
    tank_share: Share
    tank_l: Range
    litres_per_person_day: Positive
    indoor_c: Range
    cools_h: Range
    warms_h: Positive


class Endurance(Settings):
    """How a site lead tells endurance; what is left of 1 tells none at all."""

    fuel_share: Share
    hours_share: Share

    @model_validator(mode="after")
    def _parts(self) -> Self:
        if self.fuel_share + self.hours_share > 1:
            raise ValueError("fuel_share and hours_share are more than 1 together")
        return self


class Habits(Settings):
    """How site leads report."""

    interval_min: Spread
    diligence: Spread
    change_min: Spread
    sending_s: Range
    tells_change_share: Share
    confirm_share: Share
    first_resources_min: Spread
    never_power_share: Share
    never_staff_share: Share
    reading_every_h: Spread
    endurance: Endurance
    estimated_share: Share
    message_share: Share
    limited_share: Share
    tells_comms_share: Share
    local_time_share: Share
    form_share: Share
    app_share: Share
    heartbeat_min: Positive
    sensor_share: Share
    sensor_min: Positive
    silent_share: Share
    silent_after_h: Spread
    silent_h: Spread
    last_word_share: Share
    tells_closing_share: Share
    leaves_occupancy_share: Share


class Krisledning(Settings):
    """How a kommun decides, opens, calls and closes."""

    warned_before_h: Range
    never_heard_share: Share
    none_needed_h: Range
    decide_min: Spread
    early_share: Share
    early_h: Range
    early_opens: Share
    opens: Range
    prefers_power: float = Field(ge=0, le=10)
    establish_min: Spread
    open_min: Spread
    tells_establishing_share: Share
    provisional_share: Share
    second_wave_share: Share
    second_wave_h: Spread
    second_wave_opens: Share
    waves: int = Field(ge=1, le=100)
    watch_min: Spread
    quiet_min: Positive
    contact_share: Share
    reached_share: Share
    relay_share: Share
    tells_cut_off_share: Share
    close_after_h: Spread
    close_min: Spread
    evening: int = Field(ge=0, le=23)
    morning: int = Field(ge=0, le=23)


class Needs(Settings):
    """Help asked for and offered."""

    staff_share: Share
    water_share: Share
    other_per_h: float = Field(ge=0, le=10)
    surplus_per_h: float = Field(ge=0, le=10)
    answered_share: Share
    assigned_min: Spread
    under_way_min: Spread
    delivered_min: Spread
    needed_in_h: Range


class Mistakes(Settings):
    """What goes wrong in reporting, by accident or on purpose."""

    typo_share: Share
    noticed_share: Share
    noticed_min: Spread
    duplicate_share: Share
    duplicate_s: Spread
    edited_resend_share: Share
    differs_share: Share
    differs_min: Range
    fast_clock_share: Share
    fast_clock_min: float = Field(ge=0, le=1_440)
    malformed_share: Share
    hostile_text_share: Share
