"""How long an alert has stood, as it was told: what escalation counts from. Part of the alert's document.

It says what was **told**, and not what was so: somebody must have had the time to take it in. A level that was found
late, by reports that came late, is as new to people as any.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from vardkase_contracts.vocab import ALERT_LEVELS, AlertLevel

from .finding import RANK
from .places import around

#: Beside the codes of areas: what muted the alert.
MUTED = "muted"


def standing(
    last: Mapping[str, Any] | None, level: AlertLevel, said: Mapping[str, Any], inhibited_by: str | None, now: str
) -> dict[str, Any]:
    """What an alert's new document says of it.

    Args:
        last: the document before, of the same alert; None: it is new.
        level: how grave it is now.
        said: the acknowledgements and silences that count now (`acks`, `silences`).
        inhibited_by: what mutes it now.
        now: the instant, RFC 3339.

    Returns:
        `since`: of each level up to this one since when, without a break, it has been told as at least so grave.
        `quieted`: until when it was quiet last, by the code of the area whose acknowledgement or silence ended, and by
        `muted` for another alert that muted it. What goes on being quiet is not in it.
    """
    before: Mapping[str, Any] = {} if last is None else standing_of(last)
    since: Mapping[str, str] = before.get("since", {})
    held = {each: since.get(each, now) for each in ALERT_LEVELS if RANK[each] <= RANK[level]}
    quieted: dict[str, str] = dict(before.get("quieted", {}))
    if last is not None:
        places = frozenset(around(last["key"].partition("/")[2]))
        ended = (_quiet(last["acks"], last.get("silences", ())) & places) - _quiet(said["acks"], said["silences"])
        if last["inhibited_by"] is not None and inhibited_by is None:
            ended |= {MUTED}
        quieted |= dict.fromkeys(sorted(ended), now)
    return {"since": held, "quieted": quieted}


def standing_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an alert's document says of how long it has stood; of one from before there was this, by its last change."""
    said = document.get("standing")
    if said is not None:
        return said
    levels = (each for each in ALERT_LEVELS if RANK[each] <= RANK[document["level"]])
    return {"since": dict.fromkeys(levels, document["changed_at"]), "quieted": {}}


def _quiet(acks: Sequence[Mapping[str, Any]], silences: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """The areas that an alert is quiet for."""
    return frozenset(each["code"] for each in (*acks, *silences))
