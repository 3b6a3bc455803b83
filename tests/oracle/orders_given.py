"""Generated orders about rules and silences: near the bounds that stories come to, several about the same."""

from collections.abc import Sequence
from typing import Any, Final

from hypothesis import strategies as st

from oracle import make
from oracle.overrides import lies_in

OVERRIDES: Final[dict[str, tuple[dict[str, Any], ...]]] = {
    "power.endurance": (
        {"yellow": 4},
        {"yellow": {"limit": 6}, "red": 4, "critical": 2},
        {"critical": None},
        {"yellow": None},
        {"red": 2.5, "keep": "20m"},
        {"keep": "0s"},
    ),
    "power.battery": ({"yellow": 12}, {"red": None}, {"critical": 2, "keep": "30m"}),
    "power.lost": ({"critical": "0s"}, {"red": "15m"}, {"yellow": "5m"}, {"critical": None}, {"keep": "1h"}),
    "power.not_connected": ({"yellow": "30m"}, {"red": "0s", "keep": "0s"}, {"critical": "6h"}),
    "report.incomplete": ({"yellow": "0s"}, {"yellow": "90m", "red": "2h"}, {"red": None}),
    "staff.short": (
        {"after_open": "0s"},
        {"yellow": "30m"},
        {"red": None, "critical": {"for": "10m"}},
        {"after_open": "2h", "keep": "30m"},
    ),
    "staff.next_shift": ({"yellow": 24}, {"red": 6}, {"critical": 0.5}, {"red": None, "after_open": "0s"}),
    "capacity.high": ({"yellow": 0.5}, {"red": None}, {"critical": 1}, {"yellow": 0.9, "keep": "1h"}),
    "water.low": ({"yellow": 4}, {"critical": 0.5}, {"red": None, "critical": None}, {"yellow": None, "keep": "0s"}),
    "heat.low": (
        {"yellow": 22},
        {"red": 19.9},
        {"red": {"limit": 17}},
        {"critical": None, "keep": "2h"},
        {"yellow": 16, "red": 15.5, "critical": 15},
    ),
    "comms.112": ({"yellow": "0s"}, {"red": "5m", "critical": "10m"}, {"red": None, "keep": "15m"}),
    "service.stopped": ({"yellow": None}, {"critical": "2h"}, {"red": "15m", "keep": "0s"}),
    "closing.occupied": ({"critical": "2h"}, {"yellow": "15m", "keep": "15m"}),
    "need.overdue": ({"red": "30m"}, {"yellow": "30m"}, {"yellow": None}),
    "freshness.stale": ({"yellow": 2}, {"yellow": 0.5}, {"yellow": None}),
    "area.silent": ({"yellow": "1h", "red": "2h"}, {"after_heartbeats": "0s"}, {"yellow": None}, {"red": "30m"}),
    "area.red_share": (
        {"min_open": 1},
        {"min_red": 1, "yellow": 0.05},
        {"red": None, "min_open": 2},
        {"critical": 0.3},
    ),
}
"""Of each rule some overrides that are possible by themselves; some of them are not together."""
SCOPES: Final = ("2480-umedalen", "2480-umedalen", "2480", "2480", "24", "norra", "SE", "2482", "2480-teg")
"""Places that stories are in, and some that they are not."""


@st.composite
def overrides(draw: st.DrawFn, of_point: bool) -> dict[str, Any] | None:  # noqa: FBT001
    """An override, or what takes one away."""
    rules = [rule for rule in OVERRIDES if not (of_point and rule.startswith("area."))]
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from((None, {}, {"heat.low": None})))
    named = draw(st.lists(st.sampled_from(rules), min_size=1, max_size=5, unique=True))
    return {rule: draw(st.sampled_from(OVERRIDES[rule])) for rule in named}


@st.composite
def rules_orders(draw: st.DrawFn, most: int = 6) -> list[dict[str, Any]]:
    """Some overrides of rules, each given at a minute of the story, now and then by a clock that is ahead."""
    found: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, most))):
        scope = draw(st.sampled_from(SCOPES))
        data = {"scope": scope, "override": draw(overrides(of_point="-" in scope))}
        minute = draw(st.sampled_from((-600, -600, -60, 0, 0, 30, 100_000)))
        found.append(make.order("rules", minute, data, by=("nation", "SE"), id_=draw(st.sampled_from("abcdef"))))
    # Two of one time and id are told apart by what they say, which is nobody's to rely on.
    return list({(order["time"], order["id"], order["data"]["scope"]): order for order in found}.values())


@st.composite
def silence_orders(draw: st.DrawFn, rules: Sequence[str], points: Sequence[str]) -> list[dict[str, Any]]:
    """Some silences, changed and ended, about points and areas, near and far."""
    minutes = st.sampled_from((-30, 0, 10, 30, 60, 120))
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for _ in range(draw(st.integers(1, 7))):
        about = draw(st.sampled_from(("2480", "24", "SE", "norra", "2482")))
        # An order reaches no further than the area that it is about: another would be refused.
        near = [place for place in ("2480", "24", "norra", "SE", "2482", *points) if lies_in(place, about)]
        matcher = {
            "rule": draw(st.sampled_from((None, *rules))),
            "point": draw(st.sampled_from((None, None, *(each for each in near if each in points)))),
            "area": draw(st.sampled_from((None, None, *(each for each in near if each not in points)))),
        }
        matcher = {name: value for name, value in matcher.items() if value is not None} or {"rule": rules[0]}
        begins = draw(minutes)
        data = {"matcher": matcher, "from": make.when(begins), "until": make.when(begins + draw(minutes))}
        if draw(st.booleans()):
            data["id"] = draw(st.sampled_from("st"))
        by = draw(st.sampled_from((("lan", "24"), ("lan", "24"), ("kommun", "2480"))))
        order = make.order("silence", draw(minutes), data, by=by, id_=draw(st.sampled_from("abcdef")))
        found[order["time"], order["id"]] = order | {"subject": about}
    return list(found.values())
