"""What a forecast is measured against where that is a matter of rules: the limits of warmth that hold at a point."""

from vardkase.domain.rules import Rules
from vardkase_contracts.vocab import ALERT_LEVELS


def cold_limits(rules: Rules) -> tuple[float, ...]:
    """The limits of `heat.low`, °C, mildest first; of a level that never holds, none.

    Args:
        rules: the table that judges the point, overrides and all (`Tables.of_point`).
    """
    spec = rules["heat.low"]
    return tuple(limit for level in ALERT_LEVELS if (limit := spec.limit(level)) is not None)
