"""Audit: who read restricted aggregates, who acted, what was refused."""

from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter

from vardkase_contracts import vocab
from vardkase_contracts.base import AreaCode, EventId, Frozen, Moment


class AuditWho(Frozen):
    """Who: by the id of a token or a key, never by name."""

    id: Annotated[str, Field(min_length=1, max_length=128)]
    """The id of the token or key; never the secret itself."""
    role: vocab.AuditRole | None = None
    """In what role, where the token or key says."""


class AuditData(Frozen):
    """Who did what, on what, and what came of it."""

    who: AuditWho
    """Who."""
    what: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}(?:\.[a-z0-9_]{1,32}){0,2}$")]
    """What was done, such as `read.picture`, `order.ack`, `report.submit`: an open vocabulary."""
    on: Annotated[str, Field(min_length=1, max_length=255)]
    """What it was done to: an area's code, a point's id, an alert's key or a report's identity."""
    outcome: Literal["done", "refused", "failed"]
    """Whether it was done, was not allowed, or did not work."""


class AuditEvent(Frozen):
    """CloudEvent: somebody read, acted or was refused."""

    specversion: Literal["1.0"] = "1.0"
    """The version of CloudEvents."""
    type: Literal["se.trygghetspunkt.audit.v1"] = "se.trygghetspunkt.audit.v1"
    """The kind of event, and its version."""
    id: EventId
    """Unique within the source."""
    source: Annotated[str, Field(min_length=1, max_length=120)]
    """The node where it happened."""
    subject: AreaCode
    """The area that it concerns."""
    time: Moment
    """When it happened."""
    datacontenttype: Literal["application/json"] = "application/json"
    """What `data` is: JSON."""
    reality: vocab.Reality
    """Skarpt läge, övning or prov."""
    data: AuditData
    """Who, what, on what, with what outcome."""


AUDIT: Final[TypeAdapter[AuditEvent]] = TypeAdapter(AuditEvent)
"""Decodes audit events."""
