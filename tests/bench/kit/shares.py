"""What most of many measurements are below."""

from collections.abc import Sequence

SHARES = (0.5, 0.9, 0.99, 1.0)
HEAD = ("p50 ms", "p90 ms", "p99 ms", "max ms")


def shares(took: Sequence[float]) -> list[str]:
    """The p50, p90, p99 and maximum of so many milliseconds, as text."""
    ordered = sorted(took)
    return [f"{ordered[int(share * (len(ordered) - 1))]:.1f}" for share in SHARES]
