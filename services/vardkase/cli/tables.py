"""By which tables of rules a node judges, for commands that reckon with them: its own, with what was ordered there."""

from pathlib import Path

from vardkase.aggregator.rules_file import load_rules
from vardkase.cli.orders import Desk
from vardkase.domain.order_check import refusal_of
from vardkase.domain.rules import Rules
from vardkase.domain.tables import Tables
from vardkase.runtime.settings import load
from vardkase_contracts.orders import RulesOrder
from vardkase_contracts.vocab import Reality


def base_table(file: Path | None = None) -> Rules:
    """The node's own table: it is not asked of the node, but read where the node would read it.

    Args:
        file: names it; else `VARDKASE_RULES_FILE`, else it is the built-in one.
    """
    return load_rules(file or load().rules_file)


async def tables_of(desk: Desk, base: Rules, reality: Reality, now: int) -> Tables:
    """The node's tables at an instant (µs), from the orders that it has not refused."""
    tables = Tables(base)
    for order in await desk.given(reality, "rules"):
        if isinstance(order, RulesOrder) and refusal_of(order, base) is None:
            tables.take(order)
    tables.advance(now)
    return tables
