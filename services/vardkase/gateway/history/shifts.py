"""What the tools of a shift ask of the archive: the last adopted picture, a handover, changes, a scorecard."""

from collections.abc import Callable
from typing import Any, Final

import orjson

from vardkase.archive.changes import Mark, Window, changes
from vardkase.archive.replay import canonical
from vardkase.archive.scorecard import Asked, scorecard
from vardkase.archive.shift import Past, last_adopted, past
from vardkase.archive.store import Store
from vardkase.domain.rules import Rules
from vardkase_contracts.areas import Area

from .asks import Ask, Head, Told

WHAT: Final = frozenset({"adopted", "handover", "changes", "scorecard"})


async def read(store: Store, ask: Ask, fallback: Callable[[], Rules]) -> Told:
    """The answer to one of these.

    Args:
        store: the archive.
        ask: the question.
        fallback: gives the table of rules when the archive knows none.

    Raises:
        Away: the database does not answer.
    """
    area = Area.parse(ask.area)
    match ask.what:
        case "adopted":
            return _told(await last_adopted(store, area, ask.reality, ask.by))
        case "handover":
            asked = Past(area, ask.reality, ask.at, ask.since, ask.now, ask.by)
            found = await past(store, asked, fallback)
            return _told(found, found["reports"])
        case "scorecard":
            return _told(await scorecard(store, Asked(ask.area, ask.reality, ask.since, ask.by)))
        case _:
            after = None if ask.after is None else Mark(*ask.after)
            window = Window(area, ask.reality, ask.since, ask.by, after, ask.most)
            part = await changes(store, window)
            body = b"\n".join(orjson.dumps(each, option=orjson.OPT_SORT_KEYS) for each in part.entries)
            last = None if part.last is None else (part.last.stored_at, part.last.source, part.last.sequence)
            return Told(head=Head(size=len(body), after=last), body=body)


def _told(document: dict[str, Any] | None, reports: int = 0) -> Told:
    body = b"null" if document is None else canonical(document)
    return Told(head=Head(size=len(body), reports=reports), body=body)
