"""Reports go up."""

from federation.conftest import Three


async def test_a_report_at_a_kommun_is_in_the_nations_log_once(three: Three) -> None:
    """It is published at the kommun alone, and goes up over two links."""
    await three.kommun.report("one", "two", "three")
    await three.lan.report("four", kommun="2401")
    await three.federation.until_has([three.nation, three.lan], {"one", "two", "three", "four"})
    await three.federation.until_has([three.kommun], {"one", "two", "three"})
