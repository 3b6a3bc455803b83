"""All routes of the desk."""

from typing import Final

from fastapi import APIRouter

from vardkase.gateway.desk import itself, one, rad, register, sheets, table

router: Final = APIRouter(include_in_schema=False)
for _module in (table, one, itself, rad, register, sheets):
    router.include_router(_module.router)
