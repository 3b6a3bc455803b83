"""The web application: all routes, and what is around them.

A router is added to `ROUTERS`; it finds the house in `request.app.state.house`.
"""

import importlib
from typing import Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from .access.headers import SecurityHeaders
from .around import Around
from .house import House
from .problems import Problem, answer_problem
from .public.crossorigin import CrossOrigin
from .swift import Swift

ROUTERS: Final = (
    "reads",
    "ordersread",
    "alerts",
    "feed",
    "escalations",
    "needs",
    "runningshort",
    "foresight.routes",
    "links",
    "notifications",
    "exercising",
    "stream",
    "writing.reports",
    "writing.orders",
    "lines",
    "writing.accepting",
    "rounds.routes",
    "history.points",
    "shift.routes",
    "access.routes",
    "service",
    "public.routes",
    "board",
    "form",
    "desk.routes",
)
"""Modules here with a `router`, in the order in which they are asked; those that are asked most come first."""

_REFUSALS: Final = {
    404: ("not_found", "there is nothing under this path"),
    405: ("method", "this path does not take this method"),
}


def build(house: House) -> FastAPI:
    """The application of a house."""
    app = application()
    app.state.house = house
    app.add_middleware(Swift, house=house)
    app.add_middleware(CrossOrigin)
    app.add_middleware(SecurityHeaders, origins=house.access.origins)
    app.add_middleware(Around, house=house)
    return app


def application() -> FastAPI:
    """All routes, without a house: what is documented."""
    app = FastAPI(
        title="Vårdkase",
        version="1.0.0",
        summary="Trygghetspunkter: what every one reports, one picture, and the alert before the power is out.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for name in ROUTERS:
        app.include_router(importlib.import_module(f"{__package__}.{name}").router)
    app.add_exception_handler(Problem, answer_problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _fault)
    return app


async def _invalid(request: Request, error: Exception) -> Response:
    """What the framework found wrong, as a problem that names the field; nothing that was sent is told back."""
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    where, *path = (str(part) for part in first["loc"])
    status = 422 if where == "body" else 400
    detail = first["msg"].removeprefix("Value error, ")
    problem = Problem(status, f"invalid_{where}", detail, field=".".join(path) or where)
    return await answer_problem(request, problem)


async def _http(request: Request, error: Exception) -> Response:
    """What the framework itself refuses: no such path, no such method."""
    if not isinstance(error, HTTPException):
        raise error
    code, detail = _REFUSALS.get(error.status_code, ("refused", str(error.detail)))
    return await answer_problem(request, Problem(error.status_code, code, detail, headers=error.headers))


async def _fault(request: Request, _: Exception) -> Response:
    """A fault of ours. The server logs it with its trace; whoever asked learns nothing of it, and asks anew."""
    problem = Problem(500, "fault", "The gateway made a mistake; it is in its log", headers={"connection": "close"})
    return await answer_problem(request, problem)
