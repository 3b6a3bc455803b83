"""`vardkase register import` against a real node: what is new becomes states, a repeat sends nothing."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from node import Node
from program import Done, inside
from registers import FIXTURES
from servers import Eventually
from vardkase_contracts import streams


@pytest.fixture
async def node(tmp_path: Path, eventually: Eventually) -> AsyncIterator[Node]:
    """A node of Västerbotten that takes reports in and folds them."""
    made = Node(tmp_path, eventually, VARDKASE_AREA="24")
    await made.start("intake", "aggregator")
    yield made
    await made.stop()


async def import_(node: Node, file: str | Path, *options: str) -> Done:
    path = FIXTURES / file if isinstance(file, str) else file
    return await inside("register", "import", str(path), "--kommun", "2480", *options, VARDKASE_NATS_URL=node.nats.url)


def documents(done: Done) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


async def profiles(node: Node) -> dict[str, Any]:
    return {each["id"]: each["facts"]["profile"]["value"] for each in (await node.last(streams.STATE)).values()}


async def stored(node: Node) -> int:
    return len(await node.all(streams.REPORTS))


async def test_an_import_is_seen_in_the_states_and_a_repeat_sends_nothing(node: Node, tmp_path: Path) -> None:
    """Dry run, import, the same again, a change, and a broken file, as a kommun would do them."""
    dry = await import_(node, "sweref99tm.csv", "--dry-run")
    assert (dry.code, await stored(node)) == (0, 0)
    assert "2 nya, 0 ändras, 0 oförändrade" in dry.stdout
    assert "inget skickades" in dry.stdout

    done = await import_(node, "sweref99tm.csv")
    assert done.code == 0, done
    assert "2 rapporter lagrade, 2 godkända, alla syns i lägesbilden" in done.stdout
    held = await profiles(node)
    assert held["2480-ostra-gymnasiet"]["capacity_day"] == 80
    assert held["2480-umedalens-skola"]["position"] == {"lon": 20.167363, "lat": 63.826738}

    again = await import_(node, "wgs84.csv", "--json")
    assert again.code == 0
    *points, summary = documents(again)
    assert [each["change"] for each in points] == ["unchanged", "unchanged"]
    assert (summary["unchanged"], summary["sent"], await stored(node)) == (2, 0, 2)

    text = (FIXTURES / "sweref99tm.csv").read_text().replace(";80;", ";90;").replace("Umedalens skola", "Umedalen")
    changed = tmp_path / "changed.csv"
    changed.write_text(text)
    told = await import_(node, changed)
    assert told.code == 0
    assert "kapacitet dag: 80 → 90" in told.stdout
    assert "lämnas orörda" in told.stdout
    assert "2480-umedalens-skola (Umedalens skola, redan registrerad)" in told.stdout
    assert (await profiles(node))["2480-ostra-gymnasiet"]["capacity_day"] == 90


async def test_with_an_error_nothing_is_sent_unless_it_is_asked_for(node: Node) -> None:
    """The row and the field are named; `--skip-bad` sends the good rows."""
    refused = await import_(node, "capacity_not_whole.csv")
    assert (refused.code, await stored(node)) == (1, 0)
    assert "rad 3: kapacitet dag: ett heltal väntades, inte '80,5'" in refused.stdout
    assert "Inget skickades" in refused.stdout
    sent = await import_(node, "capacity_not_whole.csv", "--skip-bad", "--json")
    assert sent.code == 0
    assert list(await profiles(node)) == ["2480-umedalens-skola"]


async def test_going_back_to_an_earlier_register_takes_effect(node: Node, tmp_path: Path) -> None:
    """A, B, A: the third import is no repeat of the first."""
    text = (FIXTURES / "sweref99tm.csv").read_text()
    other = tmp_path / "other.csv"
    other.write_text(text.replace(";80;", ";90;"))
    for file, capacity in (("sweref99tm.csv", 80), (other, 90), ("sweref99tm.csv", 80)):
        assert (await import_(node, file)).code == 0
        assert (await profiles(node))["2480-ostra-gymnasiet"]["capacity_day"] == capacity


async def test_what_becomes_public_is_told_loudly(node: Node, tmp_path: Path) -> None:
    """It cannot be taken back once it was seen."""
    text = (FIXTURES / "sweref99tm.csv").read_text().splitlines()
    file = tmp_path / "public.csv"
    file.write_text("\n".join([f"{text[0]};publicering", f"{text[1]};live", f"{text[2]};"]))
    done = await import_(node, file)
    assert "BLIR SYNLIGA FÖR ALLMÄNHETEN:\n! 2480-umedalens-skola  Umedalens skola: dold → öppet läge" in done.stdout
    public = await node.last(streams.PUBLIC)
    assert [each["id"] for each in public.values() if "name" in each and not each["id"].endswith("_")] == [
        "2480-umedalens-skola"
    ]


async def test_a_kommun_of_another_node_is_an_error(node: Node) -> None:
    """Its rows would be refused by the node's streams."""
    elsewhere = await inside(
        *("register", "import", str(FIXTURES / "wgs84.csv"), "--kommun", "0180", "--dry-run"),
        VARDKASE_NATS_URL=node.nats.url,
    )
    assert elsewhere.code == 1
    assert "tar inte emot rapporter för Stockholm (0180)" in elsewhere.stdout
