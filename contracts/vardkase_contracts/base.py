"""What every contract is made of: frozen values, strict types, bounded fields.

Strict means that nothing is converted: "1" is no number, 1 is no text, 1.0 is no whole number, a timestamp in
seconds is no time. Every text, list and number has a bound, so that a report of 64 KiB cannot hide a surprise.
"""

import math
from collections.abc import Hashable
from datetime import datetime
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    JsonValue,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from vardkase_contracts import ids
from vardkase_contracts.instants import END, FIRST, RFC3339


class Frozen(BaseModel):
    """A value that cannot be changed once made. Fields that it does not know are left out."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="ignore",
        allow_inf_nan=False,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        validate_default=False,
    )


def _finite(value: JsonValue) -> JsonValue:
    """What a field that we do not know may hold: any JSON, which has no NaN and no infinity."""
    match value:
        case float() if not math.isfinite(value):
            raise PydanticCustomError("finite_number", "Input should be a finite number")
        case dict():
            for inner in value.values():
                _finite(inner)
        case list():
            for inner in value:
                _finite(inner)
        case _:
            pass
    return value


Extra = Annotated[Any, AfterValidator(_finite)]
"""The value of a field that is not in the contract: kept to be counted, otherwise ignored."""


Json = Annotated[JsonValue, AfterValidator(_finite)]
"""Any JSON; pydantic's `JsonValue` alone would let NaN and infinity through."""


class Incoming(Frozen):
    """A part of a report: fields that it does not know are kept aside, so that intake can count them."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Extra] = Field(init=False)  # pyright: ignore[reportIncompatibleVariableOverride]


class _Rfc3339:
    """On the wire only RFC 3339 with seconds and an offset; in Python only an aware datetime; the years 2000..2099.

    Pydantic alone would also take "1700000000", a time without seconds, and a space or an underscore for the T.
    """

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Text of the right shape first, then its value."""
        text = core_schema.str_schema(strict=True, pattern=RFC3339)
        from_text = core_schema.datetime_schema(strict=False, tz_constraint="aware", ge=FIRST, lt=END)
        from_python = core_schema.datetime_schema(strict=True, tz_constraint="aware", ge=FIRST, lt=END)
        return core_schema.json_or_python_schema(
            json_schema=core_schema.chain_schema([text, from_text]), python_schema=from_python
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A text in the format date-time."""
        return {"type": "string", "format": "date-time", "pattern": RFC3339}


Moment = Annotated[datetime, _Rfc3339()]
"""A time: RFC 3339 with an offset, 2000-01-01T00:00:00Z or later and before 2100."""

PRINTABLE: Final = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$"
"""No control characters but tab, line feed and carriage return: PostgreSQL cannot hold U+0000, nor a page show them."""


NOT_BLANK: Final = r"^[^\u0000-\u001f\u007f]*[^\s\u0000-\u001f\u007f][^\u0000-\u001f\u007f]*$"
"""One line without control characters, and not only blanks."""


def _text(longest: int, *, shortest: int = 0) -> Any:
    return Field(min_length=shortest, max_length=longest, pattern=PRINTABLE)


Line = Annotated[str, _text(120)]
"""A short text, at most 120 characters."""
Name = Annotated[
    str,
    Field(min_length=1, max_length=120, pattern=NOT_BLANK),
]
"""What something is called: 1-120 characters on one line, not only blanks."""
Address = Annotated[str, _text(240)]
"""A postal or visiting address, at most 240 characters."""
Note = Annotated[str, _text(2000)]
"""A longer text, at most 2,000 characters. Restricted. Never names of persons."""
PublicText = Annotated[str, _text(500)]
"""A text for the public, at most 500 characters."""
Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
"""A word of an open vocabulary: 1-40 of a-z, 0-9, _ and -."""

EventId = Annotated[str, Field(pattern=rf"^{ids.EVENT_ID}$")]
"""An event's id: 1-64 of A-Z, a-z, 0-9, _ and -."""
Source = Annotated[str, Field(pattern=rf"^{ids.SOURCE}$", max_length=84)]
"""A report's source: `urn:tp:kommun:<code>`, or with `:<reporter>` after it."""
IncidentId = Annotated[str, Field(pattern=rf"^{ids.INCIDENT}$")]
"""An incident's id: 1-64 of A-Z, a-z, 0-9, ., _ and -."""
PointRef = Annotated[str, Field(pattern=rf"^{ids.KOMMUN}-{ids.SLUG}$", max_length=45)]
"""A point's id: `<kommun>-<slug>`."""
KommunRef = Annotated[str, Field(pattern=rf"^{ids.KOMMUN}-_$")]
"""The kommun itself, where a point's id would stand: `<kommun>-_`."""
PointOrKommunRef = Annotated[str, Field(pattern=rf"^{ids.KOMMUN}-(?:_|{ids.SLUG})$", max_length=45)]
"""A point's id, or `<kommun>-_` for the kommun itself."""
AreaCode = Annotated[str, Field(pattern=r"^(?:SE|[0-9]{2}|[0-9]{4}|[a-z]{1,20})$")]
"""An area's code: `2480`, `24`, `norra` or `SE`."""
KommunCode = Annotated[str, Field(pattern=r"^[0-9]{4}$")]
"""A kommun's code, four digits."""
LanCode = Annotated[str, Field(pattern=r"^[0-9]{2}$")]
"""A län's code, two digits."""
RuleName = Annotated[str, Field(pattern=rf"^{ids.RULE}$")]
"""A rule's name, such as `power.endurance`."""
AlertKey = Annotated[
    str,
    Field(pattern=rf"^{ids.RULE}/(?:SE|[0-9]{{2}}|[a-z]{{1,20}}|[0-9]{{4}}(?:-(?:_|{ids.SLUG}))?)$", max_length=180),
]
"""An alert's key: `<rule>/<point or area>`."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 in lower case hex."""

SEQ_MAX: Final = 2**53
"""The greatest `seq`: the greatest whole number up to which every JSON reader counts exactly."""
Seq = Annotated[int, Field(ge=0, le=SEQ_MAX)]
"""A counter that only rises, per point and source."""
People = Annotated[int, Field(ge=0, le=1_000_000)]
"""A number of people."""
Hours = Annotated[float, Field(ge=0, le=8_760)]
"""A duration in hours, at most a year."""
Litres = Annotated[float, Field(ge=0, le=10_000_000)]
"""A volume in litres."""
Count = Annotated[int, Field(ge=0)]
"""A count in what we publish."""

_Item = TypeVar("_Item", bound=Hashable)


def _unique(items: tuple[_Item, ...]) -> tuple[_Item, ...]:
    if len(set(items)) != len(items):
        raise PydanticCustomError("duplicate_items", "List should hold each item once")
    return items


Unique = AfterValidator(_unique)
"""Beside a tuple's type, with `UNIQUE_ITEMS`: an item that stands twice is refused."""
UNIQUE_ITEMS: Final[dict[str, Any]] = {"uniqueItems": True}
"""What `Unique` is in JSON Schema."""


def default(value: object, kind: Any) -> BeforeValidator:
    """`null` in a field of this kind is the same as leaving it out: both are the default."""

    def fill(given: Any) -> Any:
        return value if given is None else given

    return BeforeValidator(fill, json_schema_input_type=kind | None)


class Counterpart(Incoming):
    """The other side of an agreement: whose need is met, or whose surplus meets it."""

    point: PointOrKommunRef
    """A point, or (`2480-_`) a kommun itself."""
    need_id: EventId
    """Its need, or its surplus, as it was proposed."""
