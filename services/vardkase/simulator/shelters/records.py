"""What stands in a dataset: one change of a shelter a line, checked one by one and never held all at once.

A dataset is what snapshots of a feed of open shelters differ in: `{"t": unix seconds, "id": shelter, "new": true|false,
"set": {changed fields}}`, or `{"t", "id", "gone": true}` when a shelter has left the feed. Unknown has many faces in it
(a blank, `UNK`, a capacity of 0); here they all become None.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Final, Literal, TypeAlias

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

MAX_LINE: Final = 65_536
"""The longest line, in bytes; one of the archive is some 350."""
MAX_SHELTERS: Final = 100_000
"""The most shelters in one dataset: something is remembered of each (as many as the largest simulation has points)."""

_WORDS_FOR_UNKNOWN: Final = frozenset({"", "UNK", "UNKNOWN"})
_FIRST_SAID: Final = ("SHELTER_NAME", "CITY", "STATE", "SHELTER_STATUS")
"""What every new shelter comes with, be it blank: by this a dataset is known."""


class DatasetError(ValueError):
    """A dataset that cannot be used: `line` from 1 (0: the file as a whole), `field` as `set.TOTAL_POPULATION`."""

    def __init__(self, name: str, line: int, field: str, detail: str) -> None:
        self.name = name
        self.line = line
        self.field = field
        self.detail = detail
        where = f"line {line}: {field}: " if line else ""
        super().__init__(f"dataset {name}: {where}{detail}")


def _blank(value: object) -> object:
    """None for a text that says nothing."""
    return None if isinstance(value, str) and not value.strip() else value


def _word(value: object) -> object:
    """A word in capitals without blanks around it; None for those that mean unknown."""
    if not isinstance(value, str):
        return value
    word = value.strip().upper()
    return None if word in _WORDS_FOR_UNKNOWN else word


def _told_capacity(value: object) -> object:
    """None for a blank and for 0: a shelter that holds nobody is none; the feed has 0 where nobody has filled it in."""
    value = _blank(value)
    return None if value == 0 and not isinstance(value, bool) else value


_People = Annotated[int, Field(ge=0, le=1_000_000)]
Text: TypeAlias = Annotated[str | None, BeforeValidator(_blank)]
Capacity: TypeAlias = Annotated[_People | None, BeforeValidator(_told_capacity)]
YesNo: TypeAlias = Annotated[Literal["YES", "NO"] | None, BeforeValidator(_word)]

ShelterStatus = Literal["ALERT", "STANDBY", "OPEN", "FULL", "CLOSED"]
"""The words of the National Shelter System. The archived feed lists open shelters alone, so it has but `OPEN`."""


class _Line(BaseModel):
    """Numbers are numbers and texts are texts; columns that are not known here are left aside."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, allow_inf_nan=False)


class Fields(_Line):
    """What a change says. A field left out says nothing; None: the feed does not know."""

    name: Text = Field(None, alias="SHELTER_NAME")
    city: Text = Field(None, alias="CITY")
    state: Text = Field(None, alias="STATE")
    status: Annotated[ShelterStatus | None, BeforeValidator(_word)] = Field(None, alias="SHELTER_STATUS")
    evacuation_capacity: Capacity = Field(None, alias="EVACUATION_CAPACITY")
    post_impact_capacity: Capacity = Field(None, alias="POST_IMPACT_CAPACITY")
    population: Annotated[_People | None, BeforeValidator(_blank)] = Field(None, alias="TOTAL_POPULATION")
    wheelchair: YesNo = Field(None, alias="WHEELCHAIR_ACCESSIBLE")
    ada: YesNo = Field(None, alias="ADA_COMPLIANT")
    pets: Annotated[Literal["YES", "NO", "NONE"] | None, BeforeValidator(_word)] = Field(
        None, alias="PET_ACCOMMODATIONS_CODE"
    )


class _Change(_Line):
    t: Annotated[int, Field(ge=0, lt=4_102_444_800)]
    """Before the year 2100."""
    id: Annotated[int, Field(ge=0, le=2**53)]


class Listed(_Change):
    """A shelter has come into the feed, or what the feed says of it has changed."""

    new: bool
    set: Fields

    @field_validator("set", mode="before")
    @classmethod
    def _are_fields(cls, value: object) -> object:
        if isinstance(value, dict) and not value:
            raise ValueError("says nothing")
        return value


class Gone(_Change):
    """A shelter is no longer in the feed. Why, nobody says."""

    gone: Literal[True]


Change: TypeAlias = Listed | Gone


def changes(lines: Iterable[bytes], name: str) -> Iterator[tuple[int, Change]]:
    """The changes of a dataset with the number of the line of each, in the order of time; blank lines are passed by.

    What is remembered meanwhile is which shelters have been seen.

    Raises:
        DatasetError: a line is not what it should be; nothing after it is read.
    """
    seen: set[int] = set()
    latest = 0
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_LINE:
            raise DatasetError(name, number, "(line)", f"longer than {MAX_LINE} bytes")
        if not line.strip():
            continue
        change = _change(line, name, number)
        if change.t < latest:
            raise DatasetError(name, number, "t", f"{change.t} is before the line above it ({latest})")
        latest = change.t
        if change.id not in seen:
            _is_first(change, name, number)
            seen.add(change.id)
            if len(seen) > MAX_SHELTERS:
                raise DatasetError(name, number, "id", f"more than {MAX_SHELTERS} shelters")
        yield number, change
    if not seen:
        raise DatasetError(name, 0, "(file)", "there is nothing in it")


def _is_first(change: Change, name: str, number: int) -> None:
    """The first that is heard of a shelter must say that it is new, and what and where it is."""
    if isinstance(change, Gone) or not change.new:
        raise DatasetError(name, number, "id", f"shelter {change.id} was never new: it is not known where it is")
    given = {field.alias for key, field in Fields.model_fields.items() if key in change.set.model_fields_set}
    missing = [field for field in _FIRST_SAID if field not in given]
    if missing:
        raise DatasetError(name, number, f"set.{missing[0]}", "missing, and the shelter is new")


def _change(line: bytes, name: str, number: int) -> Change:
    try:
        document: Any = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise DatasetError(name, number, "(line)", f"not JSON: {error}") from None
    if not isinstance(document, dict):
        raise DatasetError(name, number, "(line)", "not a JSON object")
    model = Gone if "gone" in document else Listed
    try:
        return model.model_validate(document)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in problem["loc"]) or "(line)"
        raise DatasetError(name, number, field, problem["msg"].removeprefix("Value error, ")) from None
