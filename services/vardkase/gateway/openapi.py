"""The OpenAPI 3.1 document: the framework's, with the contract's schemas, who may ask, and all that may be answered."""

import inspect
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute

from vardkase_contracts.schemas import component_schemas, to_bytes

from .access import dependencies
from .answer_schemas import NEAREST, SCHEMAS
from .documented import problem

VERSION: Final = "1.0.0"
_LICENCE: Final = {"name": "EUPL-1.2", "identifier": "EUPL-1.2"}
_SCHEMES: Final[dict[str, Any]] = {
    "token": {"type": "http", "scheme": "bearer", "description": "A token (`vk_…`), or a JWT of the issuer."},
    "session": {"type": "apiKey", "in": "cookie", "name": "vardkase_session", "description": "Made by `POST /login`."},
}
_COMMON: Final = (400, 408, 413, 429, 431, 503)
"""What every route may answer, since the server or what stands before the routes does."""
_METHODS: Final = ("get", "post", "put", "patch", "delete")


def document(app: FastAPI) -> dict[str, Any]:
    """The document of an application."""
    made: dict[str, Any] = app.openapi()
    made["info"] |= {"version": VERSION, "license": _LICENCE}
    restricted = [route for route in _routes(app) if _asks_who(route)]
    needing = {(route.path_format, method.lower()) for route in restricted for method in route.methods or ()}
    for path, item in made["paths"].items():
        for method in _METHODS:
            if (operation := item.get(method)) is not None:
                _complete(operation, asks_who=(path, method) in needing)
    known = {**component_schemas(), **SCHEMAS}
    known["PointProperties"] = _properties(known["State"])
    named = made.get("components", {}).get("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        named.pop(unused, None)
    made["components"] = {"schemas": {**_used(made["paths"], known), **named}, "securitySchemes": _SCHEMES}
    return made


@cache
def published() -> bytes:
    """The document as it is published: a file of `contracts/schemas/v1/`."""
    from .web import application  # noqa: PLC0415 -- it is built of all routes, and some of them answer with this

    return to_bytes(document(application()))


def _routes(app: FastAPI) -> Iterator[APIRoute]:
    for route in app.routes:
        yield from _within(route)


def _within(route: Any) -> Iterator[APIRoute]:
    if isinstance(route, APIRoute):
        yield route
    for inner in getattr(getattr(route, "original_router", None), "routes", ()):
        yield from _within(inner)


def _asks_who(route: APIRoute) -> bool:
    """Whether a route is for somebody known alone."""
    waiting, names = [route.dependant], {"principal"}
    while waiting:
        each = waiting.pop()
        call = each.call
        if inspect.isfunction(call) and call.__module__ == dependencies.__name__ and call.__name__ in names:
            return True
        waiting += each.dependencies
    return False


def _complete(operation: dict[str, Any], *, asks_who: bool) -> None:
    responses = operation["responses"]
    given = responses.get("422", {}).get("content", {}).get("application/json", {})
    if given.get("schema", {}).get("$ref", "").endswith("HTTPValidationError"):
        del responses["422"]  # the framework's own: here it is 400, a problem
    for status in (*_COMMON, *((401, 403) if asks_who else ())):
        responses.setdefault(str(status), problem(status))
    operation["responses"] = dict(sorted(responses.items()))
    if asks_who:
        operation.setdefault("security", [{"token": []}, {"session": []}])


def _properties(state: dict[str, Any]) -> dict[str, Any]:
    """A state as a feature has it: without its timelines, and with where else one could go."""
    left_out = {"timelines", "others"}
    kept = {name: schema for name, schema in state["properties"].items() if name not in left_out}
    return {
        **state,
        "title": "PointProperties",
        "description": "A point's state without what only the rules look at.",
        "required": [name for name in state["required"] if name not in left_out],
        "properties": {**kept, "nearest": {**NEAREST, "description": "Where else one could go, when it has alerts."}},
    }


def _used(root: Any, known: dict[str, Any]) -> dict[str, Any]:
    """Those of the schemas that are referred to, from the root or from one another."""
    found: dict[str, Any] = {}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            name = str(node.get("$ref", "")).removeprefix("#/components/schemas/")
            if name in known and name not in found:
                found[name] = known[name]
                waiting.append(known[name])
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    return dict(sorted(found.items()))
