"""All routes of the tools of a shift."""

from typing import Final

from fastapi import APIRouter

from vardkase.gateway.shift import changes, handover, scorecards

router: Final = APIRouter()
for _each in (changes.router, scorecards.router, scorecards.page_router, handover.router):
    router.include_router(_each)
