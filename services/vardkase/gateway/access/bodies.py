"""Small bodies of requests: read within bounds, and checked by a model."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import parse_qsl

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import ClientDisconnect, Request

from vardkase.gateway.principal import GatewayRole
from vardkase.gateway.problems import Problem
from vardkase_contracts.vocab import Reality

from .tokens import LABEL

LONGEST: Final = 16 << 10
"""Most bytes of such a body."""
FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"
_FIELDS: Final = 10

M = TypeVar("M", bound=BaseModel)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Login(_Body):
    """What somebody logs in with."""

    token: Annotated[str, Field(min_length=1, max_length=8192)]
    next: Annotated[str, Field(max_length=512)] = "/"


class Wanted(_Body):
    """A token that is to be made."""

    role: GatewayRole
    area: Annotated[str, Field(max_length=20)]
    realities: Annotated[frozenset[Reality], Field(min_length=1)] | None = None
    point: Annotated[str, Field(max_length=64)] | None = None
    label: Annotated[str, Field(max_length=LABEL)] = ""
    expires: AwareDatetime | None = None


async def read(request: Request, model: type[M], *, form: bool = False) -> tuple[M, bool]:
    """The body of a request, and whether a form sent it.

    Raises:
        Problem: 400, 413, 415, 422: nothing that was sent is told back.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _JSON and not (form and kind == FORM):
        expected = f"{_JSON} or {FORM}" if form else _JSON
        raise Problem(415, "media_type", f"Expected {expected}", field="Content-Type")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Problem(415, "encoding", "Send the body as it is, not compressed", field="Content-Encoding")
    data = await _bytes(request)
    try:
        given = dict(parse_qsl(data.decode(), max_num_fields=_FIELDS)) if kind == FORM else orjson.loads(data)
    except ValueError:
        raise Problem(400, "invalid_body", "The body cannot be read") from None
    if not isinstance(given, Mapping):
        raise Problem(422, "invalid_body", "Expected an object", field="body")
    return _checked(given, model), kind == FORM


def _checked(given: Mapping[str, Any], model: type[M]) -> M:
    try:
        return model.model_validate(given, strict=False)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"])[:200] or "body"
        raise Problem(422, "invalid_body", first["msg"], field=field) from None


async def _bytes(request: Request) -> bytes:
    length = request.headers.get("content-length", "0")
    too_long = Problem(413, "too_large", f"The body may have {LONGEST} bytes")
    if not length.isascii() or not length.isdigit() or int(length) > LONGEST:
        raise too_long
    data = bytearray()
    try:
        async for part in request.stream():
            data += part
            if len(data) > LONGEST:
                raise too_long
    except ClientDisconnect:
        raise Problem(400, "invalid_body", "The body did not come to its end") from None
    return bytes(data)
