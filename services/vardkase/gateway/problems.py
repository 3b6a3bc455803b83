"""What went wrong, told as RFC 9457: one clear error that names the field. Nothing that was sent is told back."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

MEDIA_TYPE: Final = "application/problem+json"


class Problem(Exception):  # noqa: N818 -- RFC 9457's name for it
    """A request that cannot be answered as asked.

    Args:
        status: of HTTP.
        code: machine-readable, such as `unknown_area`; stands for ever (in `type`, as a URN).
        detail: one line for a person.
        field: the parameter, header or path in the body that is wrong.
        headers: more headers of the answer.
        more: more members of the document.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.field = field
        self.headers = dict(headers or {})
        self.more = more

    def response(self) -> Response:
        """The answer."""
        document: dict[str, Any] = {
            "type": f"urn:tp:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.field is not None:
            document["field"] = self.field
        body = orjson.dumps(document | self.more)
        return Response(body, self.status, {"cache-control": "no-store", **self.headers}, MEDIA_TYPE)


async def answer_problem(_: Request, problem: Exception) -> Response:
    """A handler of exceptions for the framework.

    Raises:
        Exception: it is no `Problem`.
    """
    if not isinstance(problem, Problem):
        raise problem
    return problem.response()
