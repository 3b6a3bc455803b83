"""How the node is, and what it says of itself: `/healthz`, `/readyz`, `/metrics`, `/openapi.json`, `/asyncapi.json`."""

from functools import cache
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from prometheus_client import generate_latest
from starlette.requests import Request
from starlette.responses import Response

from vardkase.runtime import httpio
from vardkase.runtime.exposition import CONTENT_TYPE
from vardkase.runtime.health import readiness
from vardkase_contracts.asyncapi import asyncapi
from vardkase_contracts.schemas import to_bytes

from .access.dependencies import by_address, may_read, principal
from .answer_schemas import ref
from .documented import CACHED, JSON, TEXT, answers
from .house import House, house_of
from .negotiate import answer, etag_of
from .openapi import published
from .principal import Principal
from .problems import Problem

router: Final = APIRouter(tags=["service"], dependencies=[Depends(by_address)])

_HEALTH: Final = answers({"type": "object", "required": ["status", "service"]}, text="It answers.")
_READY: Final = answers(ref("Readiness"), text="It can.") | {
    503: {"description": "It cannot now.", "content": {JSON: {"schema": ref("Readiness")}}}
}
_METRICS: Final = answers(None, 401, 403, 503, media=TEXT, text="All metrics of the node.")
_OPENAPI: Final = answers({"type": "object"}, 304, text="OpenAPI 3.1.", headers=CACHED)
_ASYNCAPI: Final = answers({"type": "object"}, 304, text="AsyncAPI 3.", headers=CACHED)
_WITHIN: Final = 3.0
_LONGEST: Final = 16 << 20


@router.get("/healthz", summary="Whether it lives", responses=_HEALTH, response_class=Response)
async def healthz(request: Request) -> Response:
    """The gateway answers."""
    del request
    return Response(b'{"status":"ok","service":"gateway"}', media_type="application/json")


@router.get("/readyz", summary="Whether the node can do its work", responses=_READY, response_class=Response)
async def readyz(request: Request) -> Response:
    """The node's checks, the gateway's among them."""
    return await _asked(house_of(request), "/readyz")


@router.get("/metrics", summary="Prometheus' text format", responses=_METRICS, response_class=Response)
async def metrics(request: Request, who: Annotated[Principal, Depends(principal)]) -> Response:
    """All of the node's: they hold aggregates, and so are restricted."""
    house = house_of(request)
    del who
    may_read(request, house.area, "act", what="read.metrics")
    return await _asked(house, "/metrics")


@router.get("/openapi.json", summary="This document", responses=_OPENAPI, response_class=Response)
async def openapi_document(request: Request) -> Response:
    """What can be asked over HTTP."""
    return _document(request, published())


@router.get("/asyncapi.json", summary="What goes over NATS", responses=_ASYNCAPI, response_class=Response)
async def asyncapi_document(request: Request) -> Response:
    """Subjects, events and documents."""
    return _document(request, _asyncapi())


@cache
def _asyncapi() -> bytes:
    return to_bytes(asyncapi())


def _document(request: Request, body: bytes) -> Response:
    headers = {"cache-control": "public, max-age=300", "access-control-allow-origin": "*", "vary": "accept-encoding"}
    return answer(request, body, etag_of(body), headers=headers, keep=True)


async def _asked(house: House, path: str) -> Response:
    port = house.settings.web.node_port
    if port is None:
        return _own(house, path)
    try:
        found = await httpio.get(port, path, timeout=_WITHIN, limit=_LONGEST)
    except OSError:
        raise Problem(503, "node_away", "the node does not answer", headers={"retry-after": "2"}) from None
    kind = CONTENT_TYPE if path == "/metrics" else "application/json"
    headers = {"cache-control": "no-store", **({} if found.status == 200 else {"retry-after": "2"})}
    return Response(found.body, found.status, headers, kind)


def _own(house: House, path: str) -> Response:
    """What the gateway says of itself: it runs alone."""
    headers = {"cache-control": "no-store"}
    if path == "/metrics":
        return Response(generate_latest(house.metrics.registry), 200, headers, CONTENT_TYPE)
    status, body = readiness("gateway", house.checks())
    return Response(body, status, headers if status == 200 else headers | {"retry-after": "2"}, "application/json")
