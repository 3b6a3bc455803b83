"""`path=value` as people type it, made into the data of a report: the contract decides what a value is."""

import json
import types
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

from vardkase.runtime.errors import Refused
from vardkase_contracts.reports import (
    ActivationReport,
    ConfirmReport,
    ContactReport,
    HeartbeatReport,
    NeedReport,
    RegisterReport,
    ReportBase,
    ResourcesReport,
    RetireReport,
    StatusReport,
    WithdrawReport,
)
from vardkase_contracts.vocab import ReportKind

REPORTS: Final[dict[ReportKind, type[ReportBase]]] = {
    "register": RegisterReport,
    "status": StatusReport,
    "resources": ResourcesReport,
    "need": NeedReport,
    "confirm": ConfirmReport,
    "heartbeat": HeartbeatReport,
    "contact": ContactReport,
    "activation": ActivationReport,
    "withdraw": WithdrawReport,
    "retire": RetireReport,
}
"""The model of each kind of report."""


def set_value(data: dict[str, Any], kind: ReportKind, assignment: str) -> None:
    """Put one `path=value` into the data: `power.fuel_l=60`, `services.heat=stopped`, `message=Öppet`.

    A value is JSON where the field takes it as such, else the text as it stands; `null` is "unknown now". A service
    may be given its state alone, and a public message its Swedish text alone.

    Raises:
        Refused: it is no assignment, or there is no such field.
    """
    path, equals, text = assignment.partition("=")
    parts = path.split(".")
    if not equals or not all(parts):
        raise Refused(f"{assignment!r}: expected path=value, such as power.fuel_l=60")
    model = REPORTS[kind].model_fields["data"].annotation
    field = _field(model, parts, assignment)
    value = _value(field, text)
    if parts[0] == "services" and len(parts) == 2 and not isinstance(value, dict):
        value = {"state": value}
    if parts == ["message"] and isinstance(value, str):
        value = {"sv": value}
    inner = data
    for part in parts[:-1]:
        inner = inner.setdefault(part, {})
        if not isinstance(inner, dict):
            raise Refused(f"{assignment!r}: {part} was given another value before")
    inner[parts[-1]] = value


def _field(model: Any, parts: list[str], assignment: str) -> Any:
    """What type the field at a path has."""
    found: Any = model
    for place, part in enumerate(parts):
        inner = _model(found)
        if inner is None:
            if _is_dict(found):
                found = str
                continue
            raise Refused(f"{assignment!r}: {'.'.join(parts[:place])} has no parts")
        if part not in inner.model_fields:
            known = ", ".join(inner.model_fields) or "none"
            raise Refused(f"{assignment!r}: there is no field {part}; the fields here: {known}")
        field = inner.model_fields[part]
        found = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    return found


def _value(field: Any, text: str) -> Any:
    if text == "null":
        return None
    value, is_json = _json(text)
    if is_json and _takes(field, text):
        return value
    if not is_json or _takes(field, json.dumps(text)):
        return text  # a note of digits is a note
    return value


def _takes(field: Any, value: str) -> bool:
    try:
        TypeAdapter[Any](field).validate_json(value, strict=True)
    except ValidationError:
        return False
    return True


def _json(text: str) -> tuple[Any, bool]:
    try:
        return json.loads(text), True
    except ValueError:
        return None, False


def _model(found: Any) -> type[BaseModel] | None:
    for each in _alternatives(found):
        if isinstance(each, type) and issubclass(each, BaseModel):
            return each
    return None


def _is_dict(found: Any) -> bool:
    return any(get_origin(each) is dict for each in _alternatives(found))


def _alternatives(found: Any) -> list[Any]:
    origin = get_origin(found)
    if origin is Annotated:
        return _alternatives(get_args(found)[0])
    if origin in {Union, types.UnionType}:
        return [inner for each in get_args(found) for inner in _alternatives(each)]
    return [found]
