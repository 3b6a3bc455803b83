import pytest
from pydantic import ValidationError

from vardkase_contracts.alert import ALERT
from vardkase_contracts.audit import AUDIT
from vardkase_contracts.counts import (
    ActivationCounts,
    AvailabilityCounts,
    ConditionCounts,
    FreshnessCounts,
    LifecycleCounts,
    PowerCounts,
    ServiceCounts,
)
from vardkase_contracts.picture import PICTURE
from vardkase_contracts.public import PUBLIC, PublicKommun, PublicPoint, PublicTombstone
from vardkase_contracts.schemas import example
from vardkase_contracts.state import STATE
from vardkase_contracts.vocab import (
    ACTIVATION_STATES,
    AVAILABILITIES,
    CONDITIONS,
    FRESHNESSES,
    LIFECYCLES,
    POWER_SOURCES,
    SERVICE_STATES,
)

from .fixtures import to_json

PRIVATE = {"note", "occupancy", "capacity_day", "power", "staff", "water", "heat", "comms", "needs", "runs_out_at"}


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (LifecycleCounts, (*LIFECYCLES, "unknown")),
        (AvailabilityCounts, (*AVAILABILITIES, "unknown")),
        (ConditionCounts, CONDITIONS),
        (FreshnessCounts, FRESHNESSES),
        (ServiceCounts, (*SERVICE_STATES, "unknown")),
        (ActivationCounts, (*ACTIVATION_STATES, "unknown")),
        (PowerCounts, (*POWER_SOURCES, "unknown")),
    ],
)
def test_counts_say_every_word(counts: type[LifecycleCounts], words: tuple[str, ...]) -> None:
    """A count by a vocabulary has each of its words, and unknown apart: no data never looks like none."""
    assert words == tuple(counts.model_fields)
    assert all(field.is_required() for field in counts.model_fields.values())


def test_an_output_may_grow() -> None:
    """A reader of this version reads what a later one adds fields to."""
    for adapter, name in ((STATE, "state"), (PICTURE, "picture"), (ALERT, "alert"), (AUDIT, "audit")):
        held = example(name)
        assert adapter.validate_json(to_json(held)) == adapter.validate_json(to_json({**held, "later": {"more": 1}}))


def test_what_stands_under_a_public_subject() -> None:
    """A point, a kommun that takes part, or that the point is gone: each is told apart."""
    for name, model in (
        ("public.point", PublicPoint),
        ("public.kommun", PublicKommun),
        ("public.tombstone", PublicTombstone),
    ):
        assert type(PUBLIC.validate_json(to_json(example(name)))) is model


def test_a_listed_point_has_no_live_fields() -> None:
    """A point that is only listed is read without a status."""
    shown = ("id", "name", "kind", "position")
    listed = {name: value for name, value in example("public.point").items() if name in shown}
    point = PUBLIC.validate_json(to_json(listed))
    assert isinstance(point, PublicPoint)
    assert point.model_fields_set == set(shown)


def test_nothing_restricted_is_public() -> None:
    """No restricted field has a place in what the public sees."""
    assert not PRIVATE & PublicPoint.model_fields.keys()


def test_a_picture_without_a_count_is_refused() -> None:
    """A count that is missing is a fault, not a zero."""
    held = example("picture")
    del held["condition"]["freshness"]["silent"]
    with pytest.raises(ValidationError):
        PICTURE.validate_json(to_json(held))


def test_timelines_are_bounded() -> None:
    """A state's timeline holds at most 73 values."""
    held = example("state")
    held["timelines"]["aspects"]["occupancy"] = [[0, count] for count in range(73)]
    STATE.validate_json(to_json(held))
    held["timelines"]["aspects"]["occupancy"].append([0, 73])
    with pytest.raises(ValidationError):
        STATE.validate_json(to_json(held))
