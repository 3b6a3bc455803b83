"""How a node's links are, told as one document in a bucket of the node: the gateways serve it, the board shows it.

It stands beside the pictures and not in them: two nodes with the same reports have the same picture of an area, and not
the same links. Times are real time, also where the node's clock is driven.
"""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import nats.errors
from nats.aio.client import Client

from vardkase.federation.health import LinkHealth
from vardkase.federation.landing import get
from vardkase.federation.topology import LINKS
from vardkase.runtime.jetstream.api import ApiError, NoAnswer
from vardkase_contracts import instants

log: Final = logging.getLogger(__name__)

STREAM: Final = f"KV_{LINKS}"
"""The stream that the bucket is."""
SUBJECT: Final = f"$KV.{LINKS}.node"
"""Where the document stands."""
_MEMORY: Final = 7 * 86_400
"""Seconds after which what an earlier program told is no memory any more."""


def document(node: str, area: str, links: Sequence[LinkHealth], now: float) -> dict[str, Any]:
    """The document.

    Args:
        node: whose links they are.
        area: the code of its area.
        links: as they were seen last.
        now: seconds since the epoch.
    """
    return {
        "node": node,
        "area": area,
        "as_of": _iso(now),
        "links": [_link(each) for each in sorted(links, key=lambda one: (one.to, one.node))],
    }


def _link(link: LinkHealth) -> dict[str, Any]:
    return {
        "node": link.node,
        "area": link.area,
        "to": link.to,
        "up": link.up if link.looked else None,
        "since": _iso(link.since),
        "last_seen": None if link.seen is None else _iso(link.seen),
        "lag_messages": link.waiting,
        "lag_s": None if link.behind_s is None else round(link.behind_s, 3),
        "stalled": bool(link.ill),
        "foreign": link.foreign,
        "detail": link.ill or link.detail,
    }


class Told:
    """Tells how the links are: at once when one comes, goes or stands still, else now and then.

    Args:
        nc: a connection to the node's account.
        node: whose links they are.
        area: the code of its area.
        every: seconds between two times that it is told, when nothing has happened.
        within: seconds that the server may take to store it.
    """

    def __init__(self, nc: Client, node: str, area: str, *, every: float, within: float) -> None:
        self._nc = nc
        self._node = node
        self._area = area
        self._every = every
        self._within = within
        self._last: tuple[object, ...] | None = None
        self._at = 0.0
        self._before: Mapping[str, Mapping[str, Any]] = {}

    async def recall(self) -> None:
        """Read what an earlier program told, so that what was down before it ended is not taken for just gone."""
        try:
            found = await get(self._nc, STREAM, last_by_subj=SUBJECT)
            told = {} if found is None else json.loads(found.data)
            if told and told["node"] == self._node and time.time() - _seconds(told["as_of"]) < _MEMORY:
                self._before = {each["node"]: {**each, "as_of": told["as_of"]} for each in told["links"]}
        except (ApiError, NoAnswer, ValueError, LookupError, TypeError) as error:
            log.warning("what was told of the links before cannot be read: %s", error)

    def remember(self, link: LinkHealth) -> None:
        """Give a link that is new in this program what was known of it: when it was seen, since when it is down."""
        before = self._before.get(link.node)
        if before is None:
            return
        try:
            link.seen = None if before["last_seen"] is None else _seconds(before["last_seen"])
            # What was up then, and does not answer now, went after it was last seen.
            link.since = _seconds(before["since"]) if before["up"] is False else link.seen or link.since
        except (ValueError, LookupError, TypeError) as error:
            log.warning("what was told of a link before cannot be read: %s", error, extra={"node": link.node})

    async def see(self, links: Sequence[LinkHealth]) -> None:
        """Tell how they are, if it is time. What cannot be stored now is told again at the next look."""
        now = time.time()
        mark = tuple((each.node, each.looked, each.up, bool(each.ill), each.foreign) for each in links)
        if mark == self._last and abs(now - self._at) < self._every:
            return
        data = json.dumps(document(self._node, self._area, links, now)).encode()
        try:
            answer = json.loads((await self._nc.request(SUBJECT, data, timeout=self._within)).data)
            error = answer.get("error")
        except (nats.errors.Error, OSError, TimeoutError, ValueError) as trouble:
            error = trouble
        if error:
            log.debug("how the links are cannot be told: %s", error)
            return
        self._last, self._at = mark, now


def _iso(seconds: float) -> str:
    return instants.iso(round(seconds * 1000) * 1000)


def _seconds(text: str) -> float:
    return instants.parse(text) / instants.SECOND
