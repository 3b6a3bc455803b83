"""The document of a state: what is merged, and beside it what the clock adds."""

from typing import Any

from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.instants import iso

from .alerts import Subject, key_of
from .codec import fact, merged_json
from .judge import Judgement, conflicts
from .state import PointState


def clock_part(state: PointState, judgement: Judgement, subject: Subject) -> dict[str, Any]:
    """What the clock adds to a state, but for the instant itself."""
    return {
        "freshness": None if state.content is None else judgement.freshness,
        "link": judgement.link,
        "condition": judgement.condition,
        "runs_out_at": None if judgement.runs_out_at is None else iso(judgement.runs_out_at),
        "dark": judgement.dark,
        "endurance_known": judgement.endurance_known,
        "conflict": [
            {"aspect": each.aspect, "values": [fact(each.newest), fact(each.other)]} for each in conflicts(state)
        ],
        "alerts": [
            {"key": key_of(rule, subject), "level": verdict.level, "inhibited_by": verdict.inhibited_by}
            for rule, verdict in sorted(judgement.verdicts.items())
        ],
    }


def document(state: PointState, clock: dict[str, Any], now: int) -> dict[str, Any]:
    """The whole document, as it is published to STATE; what is merged stands in it as `orjson.Fragment`s."""
    return {
        "id": state.id,
        "reality": state.reality,
        "kommun": state.kommun,
        "lan": KOMMUNER[state.kommun].lan,
        "registered": state.registered,
        "retired": state.retired,
        **merged_json(state),
        "as_of": iso(now),
        **clock,
    }
