"""An event of the audit as it is written."""

import orjson

from vardkase.runtime.jetstream.batches import Outgoing
from vardkase_contracts import instants, subjects
from vardkase_contracts.client import new_id

from .telling import Told


def audit_event(told: Told, source: str) -> Outgoing:
    """The message that tells of something; written twice, it stands once.

    Args:
        told: what is told of.
        source: where it happened: `urn:tp:node:<name>`.
    """
    identity = new_id()
    event = {
        "specversion": "1.0",
        "type": "se.trygghetspunkt.audit.v1",
        "id": identity,
        "source": source,
        "subject": told.area.code,
        "time": instants.iso(told.at),
        "datacontenttype": "application/json",
        "reality": told.reality,
        "data": {
            "who": {"id": told.who} if told.role is None else {"id": told.who, "role": told.role},
            "what": told.what,
            "on": told.on,
            "outcome": told.outcome,
        },
    }
    subject = subjects.audit(told.reality, told.area)
    return Outgoing(subject=subject, data=orjson.dumps(event), message_id=f"audit/{identity}")
