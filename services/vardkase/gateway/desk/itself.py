"""What a kommun says of itself: how far it has come with its points. That nothing is needed is said too."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vardkase.gateway import forms
from vardkase.gateway.desk.heard import itself, sid_of
from vardkase.gateway.desk.page import PageRoute, Who, entered, not_a_form
from vardkase.gateway.house import house_of
from vardkase.gateway.reporting.drafts import Draft
from vardkase_contracts import vocab

router: Final = APIRouter(route_class=PageRoute)

_LIMIT: Final = 64 << 10


@router.post("/kommun/aktivering")
async def activation(request: Request, who: Who) -> Response:
    """How far the kommun has come."""
    house = house_of(request)
    pairs = await forms.fields(request, house, limit=_LIMIT)
    place = entered(request, who, forms.first(pairs, "kod"), forms.first(pairs, "reality"))
    said = forms.first(pairs, "do")
    if said not in vocab.ACTIVATION_STATES:
        raise not_a_form("do")
    draft = Draft(key="activation", kind="activation", data={"state": said}, said={"do": said})
    own = itself(place, sid_of(pairs), house.clock.now())
    await forms.store_one(request, house, who, own.envelope(place.itself), draft)
    return forms.sent_on(f"/kommun?{place.query}&klar=1")
