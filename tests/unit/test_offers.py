"""What is to spare, by unit: of each kind in a kommun the units of the most offers are passed on."""

import random
from collections import Counter

import pytest

from vardkase.domain.contribution import Contribution
from vardkase.domain.offers import UNITS, Offers
from vardkase.domain.rollup import RollUp
from vardkase_contracts.areas import Area

LAN = Area.parse("24")


def contribution(offers: list[tuple[str, str, int]]) -> Contribution:
    """Of a point that offers so much in these units, by kind."""
    counts: Counter[str] = Counter()
    for kind, unit, quantity in offers:
        counts[f"surplus/{kind}/count"] += 1
        counts[f"surplus/{kind}/offers/{unit}"] += 1
        counts[f"surplus/{kind}/unit/{unit}"] += quantity
    return Contribution(counts=dict(counts))


@pytest.mark.parametrize("seed", range(5))
def test_the_sums_are_a_function_of_what_is_offered_and_are_bounded(seed: int) -> None:
    """After any changes they are those made from scratch, and hold no more units of a kind than a picture shows."""
    chance = random.Random(seed)
    rollup = RollUp(LAN)
    for _ in range(400):
        offers = [
            (chance.choice(["food", "other"]), f"{chance.choice('ab')}/{chance.randrange(40)}", chance.randrange(3))
            for _ in range(chance.choice([0, 1, 3, 30]))
        ]
        rollup.replace(f"{chance.choice(['2480', '2482'])}-p{chance.randrange(8)}", contribution(offers))
        for code, kommuner in (("2480", 1), ("24", 2)):
            for kind in ("food", "other"):
                named = [name for name in rollup.sums[Area.parse(code)] if name.startswith(f"surplus/{kind}/offers/")]
                assert len(named) <= kommuner * UNITS
    assert rollup.differs(rollup.recomputed()) == []
    for number in range(8):
        for kommun in ("2480", "2482"):
            rollup.replace(f"{kommun}-p{number}", contribution([]))
    assert rollup.sums[LAN] == {}
    assert rollup.kommuner["2480"].offers == Offers()


def test_the_units_of_the_most_offers_count_and_others_follow_when_they_go() -> None:
    """Of as many, the first by name; how many offers there are is told of all."""
    rollup = RollUp(LAN)
    rollup.replace("2480-a", contribution([("other", f"u{number:02}", 2) for number in range(UNITS + 4)]))
    rollup.replace("2480-b", contribution([("other", "z", 5), ("other", "z", 6)]))

    def named() -> dict[str, int]:
        head = "surplus/other/unit/"
        return {name[len(head) :]: sums for name, sums in rollup.sums[LAN].items() if name.startswith(head)}

    assert named() == {"z": 11} | {f"u{number:02}": 2 for number in range(UNITS - 1)}
    assert rollup.count(LAN, "surplus/other/count") == UNITS + 4 + 2
    rollup.replace("2480-b", contribution([]))
    assert named() == {f"u{number:02}": 2 for number in range(UNITS)}
    rollup.replace("2480-a", contribution([("other", f"u{number:02}", 3) for number in range(2, UNITS + 4)]))
    assert named() == {f"u{number:02}": 3 for number in range(2, UNITS + 2)}
