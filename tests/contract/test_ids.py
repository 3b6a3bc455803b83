import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vardkase_contracts import ids


@given(st.text(max_size=50))
def test_a_point_id_is_read_or_refused(text: str) -> None:
    """A point's id is read to what writes it again, or refused."""
    with contextlib.suppress(ValueError):
        assert text == str(ids.split_point_id(text))


@pytest.mark.parametrize("point", ["2480-umedalen-skola", "2480-_", "0114-a"])
def test_point_ids(point: str) -> None:
    """A point's id and a kommun's own are read."""
    assert (point[:4], point[5:]) == ids.split_point_id(point)


@pytest.mark.parametrize(
    "point", ["2480", "2480-", "248-x", "2480_x", "2480-X", "٢٤٨٠-x", "2480-a-", "24800-x", "2480-a\n"]
)
def test_no_point_id(point: str) -> None:
    """What is no point's id is refused."""
    with pytest.raises(ValueError, match="point's id"):
        ids.split_point_id(point)


def test_source() -> None:
    """A kommun's source, with and without a reporter."""
    assert ids.kommun_source("2480") == "urn:tp:kommun:2480"
    assert ids.kommun_source("2480", "surfplatta-17") == "urn:tp:kommun:2480:surfplatta-17"
