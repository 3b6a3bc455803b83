"""What a parent asks of a child about a stream that goes up, and fetches of it when it is missing here.

Nothing is left out of such a stream, so two sequences tell whether something is: the one that a message has here, and
the one that it had there. Both grow by one with each message, and where they do not, something is missing between.
"""

import asyncio
import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from vardkase.federation.asking import Asking
from vardkase.federation.landing import Landing, Message, Place, message
from vardkase.federation.tended import Missing, There, quietly_same
from vardkase.federation.wiring import UP
from vardkase.runtime.jetstream.api import MESSAGE_NOT_FOUND, ApiError
from vardkase.runtime.jetstream.batches import MESSAGE_ID, Outgoing, covers
from vardkase.runtime.jetstream.errors import WriteFailed
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase_contracts import instants

_MOST: Final = 1_000
"""Messages that are fetched one by one, in one look. Where more are missing, the stream is read again from there: some
of it twice, and merging that changes nothing."""
_AT_ONCE: Final = 50
"""Questions under way."""
_SUBJECT: Final = re.compile(r"[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64}){4,11}")
_PASSED: Final = re.compile(r"Tp-[A-Za-z-]{1,32}|Content-Type")
"""The headers that go on with a message; the server's own are made anew."""
_PRINTABLE: Final = re.compile(r"[\x20-\x7e]{0,1024}")


class _Sure(NamedTuple):
    """A pair of sequences up to which nothing is missing, or cannot be had."""

    here: int
    there: int


class Child:
    """One stream of a child.

    Args:
        asking: questions to the child.
        stream: its name there.
        filters: the subjects that are the child's to write.
        writer: writes what was missing into the stream of the node's own.
    """

    def __init__(self, asking: Asking, stream: str, *, filters: Sequence[str], writer: StreamWriter) -> None:
        self._asking = asking
        self._stream = stream
        self._filters = filters
        self._writer = writer
        self._sure: _Sure | None = None

    async def there(self, have: Place | None) -> There:
        """How the child's stream stands.

        Raises:
            ApiError, NoAnswer: the child does not tell.
        """
        consumer = await self._asking.api(f"CONSUMER.INFO.{self._stream}.{UP}")
        state = _state(await self._asking.api(f"STREAM.INFO.{self._stream}"))
        after = 0 if have is None else have.there
        behind = 0.0
        if state["last_seq"] > after > 0 and (mine := await self._get(after)) is not None:
            behind = max(0.0, (_instant(state["last_ts"]) - mine.stored_at) / instants.SECOND)
        return There(
            last=state["last_seq"],
            first=state["first_seq"],
            waiting=max(0, state["last_seq"] - max(after, state["first_seq"] - 1)),
            behind_s=behind,
            paused=bool(consumer.get("paused")),
        )

    async def same(self, place: Place) -> bool:
        """Whether the child has the same message there.

        Raises:
            NoAnswer: it does not answer.
        """

        async def ask() -> bool:
            found = await self._get(place.there)
            if found is not None:
                return found.message.digest == place.digest
            return place.there <= _state(await self._asking.api(f"STREAM.INFO.{self._stream}"))["last_seq"]

        return await quietly_same(ask)

    async def parted(self, landing: Landing, have: Place) -> int:
        """The sequence at the child of the last message that both have; 0: none of those that are still here.

        Raises:
            ApiError, NoAnswer: one of the nodes does not do as it is asked.
        """
        info = await landing.look()
        low = have.here if info is None else info["state"]["first_seq"]
        high, common = have.here - 1, 0
        while low <= high:
            middle = (low + high) // 2
            place = await landing.place(middle)
            if place is not None and await self._has(place):
                low, common = middle + 1, place.there
            else:
                high = middle - 1
        return common

    async def whole(self, landing: Landing, have: Place, there: There) -> Missing:
        """Fetch what is missing here; what is not the child's to say is left out.

        Raises:
            ApiError, NoAnswer: one of the nodes does not do as it is asked.
        """
        sure = self._sure or await self._first(landing)
        count = 0
        while sure is not None and have.there - have.here > sure.there - sure.here:
            before, after = await self._hole(landing, sure, have)
            wanted = range(max(before + 1, there.first), after.there)
            if count + len(wanted) > _MOST:
                return Missing(count + len(wanted), read_after=wanted[0] - 1)
            await self._fetch(wanted)
            count += len(wanted)
            sure = self._sure = _Sure(after.here, after.there)
        self._sure = _Sure(have.here, have.there)
        return Missing(count)

    def begun(self, landing_first: int, after: int) -> None:
        """From this place on everything is to be here."""
        self._sure = _Sure(landing_first - 1, after)

    async def _first(self, landing: Landing) -> _Sure | None:
        info = await landing.look()
        place = None if info is None else await landing.place(info["state"]["first_seq"])
        return None if place is None else _Sure(place.here, place.there)

    async def _hole(self, landing: Landing, sure: _Sure, have: Place) -> tuple[int, Place]:
        """The first place after which something is missing: its sequence there, and the next message that is here."""
        low, high, found, step = sure.here, have.here, have, sure.there - sure.here
        while low + 1 < high:
            middle = (low + high) // 2
            place = await landing.place(middle)
            if place is None or place.there - place.here > step:
                high, found = middle, place or found
            else:
                low = middle
        return low + step, found

    async def _has(self, place: Place) -> bool:
        found = await self._get(place.there)
        return found is not None and found.message.digest == place.digest

    async def _fetch(self, wanted: range) -> None:
        for start in range(0, len(wanted), _AT_ONCE):
            found = await asyncio.gather(*(self._get(each) for each in wanted[start : start + _AT_ONCE]))
            messages = [each.message for each in found if each is not None and self._is_its_own(each.message)]
            await self._pass_on(messages)

    async def _pass_on(self, messages: Sequence[Message]) -> None:
        outgoing = [
            Outgoing(
                subject=each.subject,
                data=each.data,
                headers={name: text for name, text in each.fields.items() if _passes(name, text)},
                message_id=given
                if (given := each.fields.get(MESSAGE_ID, "")) and _PRINTABLE.fullmatch(given)
                else None,
            )
            for each in messages
        ]
        if not outgoing:
            return
        try:
            await self._writer.write(outgoing)
        except WriteFailed as error:
            raise ApiError(503, 0, f"what was missing cannot be stored: {error}") from None

    def _is_its_own(self, one: Message) -> bool:
        return bool(_SUBJECT.fullmatch(one.subject)) and any(covers(each, one.subject) for each in self._filters)

    async def _get(self, sequence: int) -> "_Stored | None":
        try:
            answer = await self._asking.api(f"STREAM.MSG.GET.{self._stream}", {"seq": sequence})
        except ApiError as error:
            if error.err_code == MESSAGE_NOT_FOUND:
                return None
            raise
        try:
            return _Stored(message(answer), _instant(answer["message"]["time"]))
        except ValueError as error:
            raise ApiError(500, 0, f"the child's answer cannot be read: {error}") from None


class _Stored(NamedTuple):
    message: Message
    stored_at: int
    """By the clock there, µs."""


def _state(info: dict[str, Any]) -> dict[str, Any]:
    """The state in a stream's answer, which a stranger may have made."""
    state = info.get("state")
    try:
        return {
            "first_seq": int(state["first_seq"]),  # type: ignore[index] -- else TypeError
            "last_seq": int(state["last_seq"]),  # type: ignore[index]
            "last_ts": str(state["last_ts"]),  # type: ignore[index]
        }
    except (LookupError, TypeError, ValueError):
        raise ApiError(500, 0, "the child's answer about its stream cannot be read") from None


def _instant(text: str) -> int:
    try:
        return instants.parse(text)
    except (ValueError, TypeError):
        return 0


def _outgoing(one: Message) -> Outgoing:
    given = one.fields.get(MESSAGE_ID, "")
    return Outgoing(
        subject=one.subject,
        data=one.data,
        headers={name: text for name, text in one.fields.items() if _passes(name, text)},
        message_id=given if given and _PRINTABLE.fullmatch(given) else None,
    )


def _passes(name: str, text: str) -> bool:
    return bool(_PASSED.fullmatch(name)) and bool(_PRINTABLE.fullmatch(text))
