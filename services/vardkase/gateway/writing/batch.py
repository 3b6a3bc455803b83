"""A batch of CloudEvents (`application/cloudevents-batch+json`): each event's own bytes, as they were sent."""

import json
import re
from typing import Final, NoReturn

from vardkase_contracts.refusals import Refusal

MOST: Final = 1_000
"""Events in a batch: they are stored as one whole, and the server takes no more in one."""
_BLANK: Final = re.compile(r"[ \t\n\r]*")
_TOO_MANY: Final = Refusal("too_large", None, f"A batch is at most {MOST} events")


def _no_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no numbers")


_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant)


def split(body: bytes) -> list[bytes] | Refusal:
    """The events of a batch, or what is wrong with it as a whole.

    An event keeps its bytes: who sends it again alone sends the same report.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return Refusal("not_json", None, "Should be JSON in UTF-8")
    at = _after_blank(text, 0)
    if text[at : at + 1] != "[":
        return Refusal("not_cloudevent", None, "A batch is an array of events")
    try:
        return _events(text, _after_blank(text, at + 1))
    except RecursionError:
        return Refusal("not_json", None, "Nested too deep")
    except ValueError as error:
        return Refusal("not_json", None, f"Not JSON: {getattr(error, 'msg', error)}"[:200])


def _events(text: str, at: int) -> list[bytes] | Refusal:
    events: list[bytes] = []
    if text[at : at + 1] == "]":
        return _ended(text, at, events)
    while True:
        _, end = _DECODER.raw_decode(text, at)
        events.append(text[at:end].encode())
        if len(events) > MOST:
            return _TOO_MANY
        at = _after_blank(text, end)
        follows = text[at : at + 1]
        if follows == "]":
            return _ended(text, at, events)
        if follows != ",":
            raise ValueError("a comma or the array's end is missing")
        at = _after_blank(text, at + 1)


def _ended(text: str, at: int, events: list[bytes]) -> list[bytes]:
    if _after_blank(text, at + 1) != len(text):
        raise ValueError("something follows the array")
    return events


def _after_blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return at if found is None else found.end()
