"""Acts of people reach the levels that they concern, up and down, also late; and never go in a circle."""

from federation.conftest import Three
from federation.kit import Federation, Level
from vardkase_contracts import streams


async def test_orders_reach_whom_they_concern(federation: Federation) -> None:
    """An ack of the kommun is seen by the län and the nation; an order of the län by its kommun, not by another."""
    nation = await federation.begin()
    lan, other = await federation.join("24", parent=True), await federation.join("25", parent=True)
    kommun, neighbour = await federation.join("2480"), await federation.join("2482")
    await federation.until_up()
    await kommun.order("of the kommun", "2480", "ack")
    await lan.order("of the lan", "24", "incident")
    await lan.order("to the kommun", "2480")
    await nation.order("of the nation", "SE", "rules")
    everything = {"of the kommun", "of the lan", "to the kommun", "of the nation"}
    up = {
        nation: everything,
        lan: {"of the kommun", "of the lan", "to the kommun"},
        other: set[str](),
        kommun: {"of the kommun"},
    }
    down = {
        nation: everything,
        lan: everything,
        other: {"of the nation"},
        kommun: everything,
        neighbour: {"of the lan", "of the nation"},
    }
    for level, wanted in up.items():
        await federation.until_has([level], wanted, stream=streams.ORDERS_UP)
    for level, wanted in down.items():
        await federation.eventually(
            lambda level=level, wanted=wanted: _has(level, wanted), what=f"orders at {level.name}", within=15
        )
        assert set(await level.has(streams.ORDERS_DOWN)) == wanted, level.name


async def _has(level: Level, wanted: set[str]) -> bool:
    return wanted <= set(await level.has(streams.ORDERS_DOWN))


async def test_orders_late_and_none_in_a_circle(three: Three) -> None:
    """A link is down while orders are given on both sides; then each side has all, and nothing goes on coming."""
    three.federation.links["lan-24"].cut()
    await three.kommun.order("from below", "2480", "ack")
    await three.nation.order("from above", "SE", "silence")
    three.federation.links["lan-24"].heal()
    for level in (three.nation, three.lan, three.kommun):
        await three.federation.eventually(
            lambda level=level: _has(level, {"from below", "from above"}), what=f"both at {level.name}", within=20
        )
    assert await three.nation.count(streams.ORDERS_UP) == 2
    assert await three.lan.count(streams.ORDERS_UP) == 1
    assert await three.kommun.count(streams.ORDERS_UP) == 1
