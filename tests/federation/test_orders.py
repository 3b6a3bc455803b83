"""Acts of people reach the levels that they concern, up and down, also late; and never go in a circle."""

from federation.conftest import Three
from federation.kit import Federation, Level
from vardkase_contracts import streams


async def test_orders_reach_whom_they_concern(federation: Federation) -> None:
    """What a kommun answers is seen above it, what a län adopts by its kommuner, and what all are asked by all."""
    nation = await federation.begin()
    lan, other = await federation.join("24", parent=True), await federation.join("25", parent=True)
    kommun, neighbour = await federation.join("2480"), await federation.join("2482")
    await federation.until_up()
    await kommun.order("of the kommun", "2480", "ack")
    await lan.order("of the lan", "24", "incident")
    await lan.order("to the kommun", "2480")
    await nation.order("of the nation", "SE", "rules")
    await nation.order("asked by the nation", "SE", "report_request")
    await nation.order("noted on the lan", "24", "note")
    await lan.order("adopted by the lan", "24", "adopt")
    await kommun.order("answered by the kommun", "2480", "note")
    of_the_kommun = {"of the kommun", "answered by the kommun"}
    of_the_lan = of_the_kommun | {"of the lan", "to the kommun", "adopted by the lan"}
    of_the_nation = {"of the nation", "asked by the nation"}
    everything = of_the_lan | of_the_nation | {"noted on the lan"}
    up = {nation: everything, lan: of_the_lan, other: set[str](), kommun: of_the_kommun}
    down = {
        nation: everything,
        lan: everything,
        other: of_the_nation,
        kommun: everything,
        neighbour: of_the_nation | {"of the lan", "noted on the lan", "adopted by the lan"},
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
    await three.nation.order("from above", "SE", "report_request")
    three.federation.links["lan-24"].heal()
    for level in (three.nation, three.lan, three.kommun):
        await three.federation.eventually(
            lambda level=level: _has(level, {"from below", "from above"}), what=f"both at {level.name}", within=20
        )
    assert await three.nation.count(streams.ORDERS_UP) == 2
    assert await three.lan.count(streams.ORDERS_UP) == 1
    assert await three.kommun.count(streams.ORDERS_UP) == 1
