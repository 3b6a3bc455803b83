"""How and when the desk heard what it reports."""

from collections.abc import Mapping
from typing import Final

from vardkase.gateway import forms
from vardkase.gateway.desk.page import Place, not_a_form
from vardkase.gateway.reporting.drafts import UNCHANGED, Draft, confirm
from vardkase.gateway.reporting.events import Envelope
from vardkase.gateway.reporting.times import latest_at, parse_clock
from vardkase_contracts import vocab

FIELDS: Final = frozenset({"channel", "observed.at", "observed.day"})
"""The inputs that say so."""
DAYS_BACK: Final = (
    ("0", "senast"),
    ("1", "dagen före"),
    *((str(days), f"{days} dygn före") for days in range(2, 8)),
)
"""How many days back a time of day is."""

_CHANNELS: Final[Mapping[str, vocab.Channel]] = {channel: channel for channel in vocab.CHANNELS}


class Heard:
    """How and when.

    Args:
        place: where the desk is.
        given: the answers; they have been checked.
        sid: the form's own id.
        now: the time, µs.
    """

    def __init__(self, place: Place, given: Mapping[str, str], sid: str, now: int) -> None:
        self._place = place
        self._sid = sid
        clock = parse_clock(given.get("observed.at", ""))
        self.at: Final = now if clock is None else latest_at(clock, int(given.get("observed.day", "0")), now)
        said = given.get("channel", "phone")
        self._channel: Final[vocab.Channel] = _CHANNELS.get(said) or "phone"

    def envelope(self, point: str) -> Envelope:
        """What the reports about a point share."""
        return Envelope(
            point=point,
            reality=self._place.reality,
            sid=self._sid,
            at=self.at,
            reporter="desk",
            role="krisledning",
            channel=self._channel,
            quality="observed" if self._channel == "form" else "relayed",
        )


def itself(place: Place, sid: str, now: int) -> Heard:
    """What the kommun says of its own accord, now."""
    return Heard(place, {"channel": "form"}, sid, now)


def sid_of(pairs: forms.Pairs) -> str:
    """The form's own id.

    Raises:
        Problem: 422, there is none.
    """
    sid = forms.first(pairs, "sid")
    if not forms.SID.fullmatch(sid):
        raise not_a_form("sid")
    return sid


def done(verb: str) -> Draft:
    """What a button does with a point: its lifecycle, "Oförändrat", an attempt to reach it.

    Raises:
        Problem: 422, there is no such button.
    """
    if verb == UNCHANGED:
        return confirm()
    if verb in vocab.CONTACT_RESULTS:
        return Draft(key="contact", kind="contact", data={"result": verb}, said={"do": verb})
    if verb in vocab.LIFECYCLES:
        return Draft(key="status", kind="status", data={"lifecycle": verb}, said={"lifecycle": verb})
    raise not_a_form("do")
