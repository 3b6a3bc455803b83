"""An order in short: what a person decides. Who acts, when, and the envelope are the gateway's to say."""

from typing import Annotated, Any, Final

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vardkase_contracts.areas import Area
from vardkase_contracts.base import AreaCode, EventId, Note
from vardkase_contracts.client.events import new_id
from vardkase_contracts.instants import iso
from vardkase_contracts.orders import order_type
from vardkase_contracts.refusals import Refusal
from vardkase_contracts.vocab import OrderKind, Reality, Role

_NOT_THEIRS: Final = frozenset({"by", "note"})


class ShortOrder(BaseModel):
    """An order in short."""

    model_config = ConfigDict(
        strict=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True, allow_inf_nan=False
    )

    kind: OrderKind
    """The kind of order."""
    area: AreaCode
    """The code of the area that it is about; of an ack, the alert's."""
    role: Role
    """In what role somebody acts. Never a name."""
    reality: Reality = "act"
    """`act` skarpt, `exe` övning, `tst` prov."""
    id: EventId | None = None
    """Makes sending it again harmless; a fresh one unless given."""
    acting_for: AreaCode | None = None
    """The code of the area that somebody acts for; one's own unless given."""
    note: Note | None = None
    """Why, or what more there is to say. Restricted."""
    data: Annotated[dict[str, Any], Field(default_factory=dict)]
    """The fields of the kind, but `by` and `note`."""


def whole(raw: bytes, *, own: Area, now: int) -> bytes | Refusal:
    """The order that is meant, as a CloudEvent.

    Args:
        raw: the short order's JSON.
        own: the area of whoever sends it.
        now: the time, µs: a person's clock may be wrong, and an order counts from its time on.
    """
    try:
        short = ShortOrder.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        if first["type"] == "json_invalid":
            return Refusal("not_json", None, first["msg"])
        known = [str(part) for part in first["loc"] if part in ShortOrder.model_fields]
        return Refusal("schema", ".".join(known) or None, first["msg"][:300])
    given = next((name for name in sorted(_NOT_THEIRS) if name in short.data), None)
    if given is not None:
        return Refusal("schema", f"data.{given}", "Stands beside data in an order in short, or is not given at all")
    try:
        actor = own if short.acting_for is None else Area.parse(short.acting_for)
    except ValueError:
        return Refusal("schema", "acting_for", "There is no such area")
    by = {"role": short.role, "level": actor.level, "code": actor.code}
    event = {
        "specversion": "1.0",
        "id": short.id or new_id(),
        "source": f"urn:tp:{actor.level}:{actor.code}",
        "type": order_type(short.kind),
        "subject": short.area,
        "time": iso(now),
        "datacontenttype": "application/json",
        "reality": short.reality,
        "data": {"by": by, **short.data, **({} if short.note is None else {"note": short.note})},
    }
    try:
        return orjson.dumps(event)
    except orjson.JSONEncodeError:  # what pydantic reads and orjson does not write: an integer of more than 64 bits
        return Refusal("range", "data", "A number is too large, or it is nested too deeply")
