"""The doctor's look at what lands of other nodes."""

from nats.aio.client import Client

from servers import Eventually
from vardkase.doctor import links
from vardkase.doctor.finding import Finding, Findings
from vardkase.federation import landing
from vardkase.federation.wiring import Source
from vardkase.runtime.jetstream.api import call


async def examined(nc: Client) -> dict[str, Finding]:
    found: list[Finding] = []
    await links.examine(Findings("links", found.append), nc)
    return {each.check: each for each in found}


async def test_a_stream_of_which_nothing_comes_is_seen(nc: Client, eventually: Eventually) -> None:
    """Alone nothing is told; then a source that is taken away, one that hears nobody, and one that is well."""
    assert await examined(nc) == {}
    await landing.make(nc, landing.wanted("CHILD_2480", 1, 1))
    gone = Source(into="CHILD_2482", node="kommun-2482", stream="REPORTS", consumer="up", deliver="up.2482.reports")
    await landing.make(nc, landing.wanted("CHILD_2482", 1, 1) | {"sources": [gone.config()]})
    await call(nc, "STREAM.CREATE.HERE", {"name": "HERE", "subjects": ["here.>"], "storage": "file"})
    await landing.make(nc, landing.wanted("CHILD_2401", 1, 1) | {"sources": [{"name": "HERE"}]})

    async def heard() -> bool:
        return (await examined(nc))["link CHILD_2401"].status == "ok"

    await eventually(heard, what="one that is read here is well")
    found = await examined(nc)
    assert {check: each.status for check, each in found.items()} == {
        "link CHILD_2480": "warning",
        "link CHILD_2482": "warning",
        "link CHILD_2401": "ok",
    }
    assert "svarat" in found["link CHILD_2480"].seen
    assert "aldrig" in found["link CHILD_2482"].seen
    assert found["link CHILD_2482"].do
