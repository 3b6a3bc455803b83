"""What every page of the desk has: who looks, at which kommun and reality, and what they see when it goes wrong."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from vardkase.domain.exercises import ABORTED_SV
from vardkase.gateway import forms
from vardkase.gateway.access.dependencies import may_read, optional_principal
from vardkase.gateway.exercises import ABORTED, WHAT_TO_DO, Shown
from vardkase.gateway.house import house_of
from vardkase.gateway.principal import Principal
from vardkase.gateway.problems import Problem
from vardkase.gateway.reporting import pages
from vardkase_contracts import ids, vocab
from vardkase_contracts.areas import KOMMUNER, Area
from vardkase_contracts.vocab import Reality

_TROUBLE: Final = {
    400: ("Adressen är fel", "Gå tillbaka och försök igen."),
    403: ("Ingen behörighet", "Din inloggning gäller inte för det här. Logga in med en annan."),
    413: ("För stort", "Det som skickades är för stort."),
    415: ("Fel slag av fil", "Det som skickades går inte att läsa."),
    429: ("För många försök", "Vänta en liten stund och försök igen."),
    503: ("Det går inte just nu", "Inget är bekräftat. Gå tillbaka och skicka igen om en stund: det räknas en gång."),
}


class PageRoute(APIRoute):
    """A route that answers with pages, also when something went wrong."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with problems made into pages."""
        handler = super().get_route_handler()

        async def shown(request: Request) -> Response:
            try:
                return await handler(request)
            except Problem as problem:
                return _trouble(request, problem)
            except RequestValidationError:
                return _trouble(request, Problem(400, "invalid_query", "Adressen är fel."))

        return shown


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What a page of the desk is about, and who looks."""

    who: Principal
    kommun: str
    reality: Reality
    reports: bool
    """Whether they may report, and not only look."""
    exercise: Shown
    """What is to be said of exercises."""

    @property
    def query(self) -> str:
        """The part of an address that names it."""
        return f"kod={self.kommun}&reality={self.reality}"

    @property
    def itself(self) -> str:
        """The kommun itself, where a point's id would stand."""
        return f"{self.kommun}-{ids.KOMMUN_ITSELF}"

    def shown(self) -> dict[str, Any]:
        """What every page shows of it."""
        return {
            "place": self,
            "kommun": KOMMUNER[self.kommun].name,
            "reality": self.reality,
            "exercise": self.exercise,
            "realities": [each for each in vocab.REALITIES if each in self.who.realities],
        }


async def staff(request: Request) -> Principal:
    """Who has logged in.

    Raises:
        Problem: 401, nobody; the page then asks.
    """
    who = await optional_principal(request)
    if who is None:
        raise Problem(401, "log_in", "Logga in.", headers={"www-authenticate": "Cookie"})
    return who


Who = Annotated[Principal, Depends(staff)]


def entered(request: Request, who: Principal, kommun: str, reality: str) -> Place:
    """The place that a page is about, if whoever asks may see it.

    Raises:
        Problem: 403, 404.
    """
    if kommun not in KOMMUNER:
        raise Problem(404, "not_found", "Det finns ingen sådan kommun.", field="kod")
    world: Reality | None = next((each for each in vocab.REALITIES if each == reality), None)
    if world is None:
        raise Problem(404, "not_found", "Det finns inget sådant läge.", field="reality")
    may_read(request, Area("kommun", kommun), world, what="read.points")
    itself = f"{kommun}-{ids.KOMMUN_ITSELF}"
    return Place(
        who=who,
        kommun=kommun,
        reality=world,
        reports=who.reports(itself, world, "activation"),
        exercise=house_of(request).exercises.shown(kommun, world),
    )


def kommun_of(point: str) -> str:
    """The kommun of a point that an address names.

    Raises:
        Problem: 404, it is no point.
    """
    try:
        kommun, slug = ids.split_point_id(point)
    except ValueError:
        slug, kommun = ids.KOMMUN_ITSELF, ""
    if slug == ids.KOMMUN_ITSELF:
        raise Problem(404, "not_found", "Det finns ingen sådan punkt.", field="point")
    return kommun


def not_a_form(field: str) -> Problem:
    """What no page of ours sends."""
    return Problem(422, "not_a_form", "Formuläret kunde inte läsas. Gå tillbaka och försök igen.", field=field)


def _trouble(request: Request, problem: Problem) -> Response:
    now = house_of(request).clock.now()
    if problem.status == 401:
        query = f"?{request.url.query}" if request.url.query else ""
        to = f"{request.url.path}{query}" if request.method == "GET" else "/kommun"
        wrong = problem.code != "log_in"
        body = pages.page("logga-in.html", now=now, to=to, wrong=wrong)
        return forms.shown(body, 401, problem.headers)
    title, text = _TROUBLE.get(problem.status, ("Det gick inte", problem.detail))
    if problem.code == ABORTED:
        title, text = ABORTED_SV, WHAT_TO_DO
    return forms.shown(pages.page("besked.html", now=now, heading=title, text=text), problem.status, problem.headers)
