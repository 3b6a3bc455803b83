"""Acks and silences of the node's own area, as silences of an Alertmanager: pure.

The alert goes on standing there, so nothing ends falsely; a worse level has other labels, so it breaks an ack.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from vardkase_contracts.instants import iso, parse

from .standing import Muted, Name

_SLACK: Final = 1_000_000
"""Instants that differ by less, µs, are the same."""
NAMING: Final = frozenset({"key", "reality", "level", "node"})
"""The labels that name an alert among those of all nodes."""


def short(name: Name) -> Name:
    """What a silence of an alert matches."""
    return tuple(each for each in name if each[0] in NAMING)


class Wanted(NamedTuple):
    """A silence that Alertmanager is to have; instants in µs of real time."""

    name: Name
    until: int
    comment: str


class Held(NamedTuple):
    """A silence of ours that it has."""

    id: str
    until: int


def wanted(muted: Iterable[Muted], until: Callable[[int], int], *, now: int) -> dict[Name, Wanted]:
    """The silences that it is to have now, by what they match.

    Args:
        muted: what is quiet.
        until: the real time of an instant of the node's clock, both in µs.
        now: real time, µs.
    """
    found: dict[Name, Wanted] = {}
    for name, quiet in muted:
        if quiet.until is not None and (ends := until(quiet.until)) > now:
            found[short(name)] = Wanted(short(name), ends, quiet.comment)
    return found


def held(silences: Iterable[Mapping[str, Any]], author: str) -> tuple[dict[Name, Held], list[str]]:
    """Of all its silences those that are ours and not over, by what they silence; and the ids of those that are twice.

    What cannot be read is not ours.
    """
    found: dict[Name, Held] = {}
    twice: list[str] = []
    for each in silences:
        try:
            if each["createdBy"] != author or each["status"]["state"] == "expired":
                continue
            name = tuple(sorted((str(one["name"]), str(one["value"])) for one in each["matchers"]))
            silence = Held(str(each["id"]), parse(each["endsAt"]))
        except (LookupError, TypeError, ValueError):
            continue
        if name in found:
            twice.append(silence.id)
        else:
            found[name] = silence
    return found, twice


def differs(wish: Wanted, has: Held | None) -> bool:
    """Whether a silence is to be made, or changed."""
    return has is None or abs(has.until - wish.until) > _SLACK


def payload(wish: Wanted, *, author: str, now: int, id: str | None) -> dict[str, Any]:  # noqa: A002 -- the API's word
    """A silence as Alertmanager's API v2 takes it.

    Args:
        wish: the silence.
        author: whose it is.
        now: from when on, real time, µs.
        id: of the silence that it changes; None: a new one.
    """
    matchers = [{"name": name, "value": value, "isRegex": False, "isEqual": True} for name, value in wish.name]
    silence: dict[str, Any] = {
        "matchers": matchers,
        "startsAt": iso(now),
        "endsAt": iso(wish.until),
        "createdBy": author,
        "comment": wish.comment,
    }
    return silence if id is None else silence | {"id": id}
