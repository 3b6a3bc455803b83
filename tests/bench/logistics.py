"""How good fuel rounds and proposals are, and how long they take.

    PYTHONPATH=tests uv run --no-sync python tests/bench/logistics.py

Fuel rounds: drawn rounds of a län (points some 60 km around, deadlines within nine hours), held against the best that
there is (every order of every part of the points, up to seven points and one truck), and larger ones against nearest
first and earliest deadline first. Proposals: drawn needs and offers of one kind, held against giving each need in turn,
the most pressing first, the nearest that is left.
"""

import random
import time
from statistics import median

from unit.test_logistics_fuel import best_of_all, drawn
from vardkase.logistics.distance import kilometres
from vardkase.logistics.search import earliest_first, nearest_first, plan
from vardkase.logistics.transport import WEIGHTS, Demand, Supply, assign
from vardkase_contracts.instants import HOUR

NOW = 1_795_000_000_000_000


def rounds() -> None:
    """Print how good rounds are."""
    rng = random.Random(11)
    small = [drawn(rng, rng.randint(4, 7), 1) for _ in range(60)] + [drawn(rng, 5, 2) for _ in range(20)]
    best = [(each.total(plan(each)), best_of_all(each)) for each in small]
    print(f"small rounds: {len(best)}, the best there is {sum(a == b for a, b in best)}, ", end="")
    print(f"as few dry {sum(a.dry == b.dry for a, b in best)}")
    for points, trucks in ((20, 2), (50, 4), (150, 10)):
        took: list[float] = []
        sums = [0, 0, 0]
        for _ in range(5):
            task = drawn(rng, points, trucks)
            began = time.perf_counter()
            found = plan(task)
            took.append(time.perf_counter() - began)
            for place, orders in enumerate((found, nearest_first(task), earliest_first(task))):
                sums[place] += task.total(orders).dry
        told = " / ".join(f"{each / 5:.0f}" for each in sums)
        print(f"{points} points, {trucks} trucks: dry weight, plan / nearest / earliest {told}; {median(took):.1f} s")


def proposals() -> None:
    """Print how good proposals are."""
    for count in (20, 100, 500):
        rng = random.Random(count)
        took: list[float] = []
        met = [0.0, 0.0]
        way = [0.0, 0.0]
        for _ in range(5):
            demands, supplies = _problem(rng, count)
            began = time.perf_counter()
            pairs = [(pair.demand, pair.km, pair.quantity or 0.0) for pair in assign(demands, supplies, NOW)]
            took.append(time.perf_counter() - began)
            weights = {each.id: WEIGHTS[each.priority] / (each.quantity or 1.0) for each in demands}
            for place, found in enumerate((pairs, _greedy(demands, supplies))):
                met[place] += sum(weights[name] * quantity for name, _, quantity in found)
                way[place] += sum(km * quantity for _, km, quantity in found) / sum(q for _, _, q in found)
        print(
            f"{count} needs: weight met {met[0] / 5:.0f} against {met[1] / 5:.0f}, km a litre {way[0] / 5:.0f} "
            f"against {way[1] / 5:.0f}; {median(took):.2f} s"
        )


def _problem(rng: random.Random, count: int) -> tuple[list[Demand], list[Supply]]:
    def place() -> tuple[float, float]:
        return rng.uniform(16.0, 21.0), rng.uniform(62.5, 65.5)

    demands = [
        Demand(
            id=f"d{n}", kind="fuel", position=place(), quantity=rng.choice([50.0, 100.0, 300.0]), unit="l",
            priority=rng.choice(["urgent", "high", "normal", "low"]), needed_by=NOW + rng.randint(1, 12) * HOUR,
        )
        for n in range(count)
    ]  # fmt: skip
    supplies = [
        Supply(id=f"s{n}", kind="fuel", position=place(), quantity=rng.choice([100.0, 500.0]), unit="l")
        for n in range(count // 3)
    ]
    demands.sort(key=lambda each: (-WEIGHTS[each.priority], each.needed_by or 0, each.id))
    return demands, supplies


def _greedy(demands: list[Demand], supplies: list[Supply]) -> list[tuple[str, float, float]]:
    left = {each.id: each.quantity or 0.0 for each in supplies}
    found: list[tuple[str, float, float]] = []
    for demand in demands:
        wanted = demand.quantity or 0.0
        for km, name in sorted((kilometres(demand.position, each.position), each.id) for each in supplies):
            amount = min(wanted, left[name])
            if amount > 0:
                found.append((demand.id, km, amount))
                wanted, left[name] = wanted - amount, left[name] - amount
            if wanted <= 0:
                break
    return found


if __name__ == "__main__":
    rounds()
    proposals()
