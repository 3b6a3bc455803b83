"""The notifier as a part of `vardkase up`."""

import json
import urllib.request
from pathlib import Path

import pytest

from notify_kit import Sink, hooks_file, verified
from program import inside, program
from servers import Eventually
from up import node_up, until

pytestmark = pytest.mark.slow

POINT = "2480-umedalen-skola"


async def test_a_report_reaches_a_webhook(tmp_path: Path, eventually: Eventually) -> None:
    """Set a webhook, report that the fuel runs out, and it is told; kill the notifier, and it goes on."""
    sink = Sink()
    await sink.start()
    file = hooks_file(tmp_path, larm=f'url = "{sink.url("/a")}"')
    try:
        with node_up(tmp_path, area="24", ARCHIVE="off", NOTIFY_WEBHOOKS=str(file), NOTIFY_LEASE="2s") as up:
            nats = ("--nats", up.told["nats"])
            until(
                lambda: any(each["name"] == "notifier: lease" for each in _checks(up.told["ops"])), "the notifier runs"
            )

            async def report(kind: str, *values: str) -> None:
                done = await inside("report", kind, POINT, *values, *nats)
                assert done.code == 0, done.stderr

            await report("status", "lifecycle=open")
            power = ("power.source=backup", "power.backup_state=running", "power.fuel_l_per_h=12")
            await report("resources", *power, "power.fuel_l=100", "staff.present=2")
            await eventually(lambda: sink.got, what="told", within=20)
            assert verified(sink.got[0], b"s" * 32)
            assert sink.told("/a")[0] == f"raised yellow power.endurance/{POINT}"
            up.signal("notifier", 9)
            await report("resources", *power, "power.fuel_l=60", "staff.present=2")
            changed = f"changed red power.endurance/{POINT}"
            await eventually(lambda: changed in sink.told("/a"), what="told by the next", within=60)
            assert len(sink.told("/a")) == len(set(sink.told("/a")))
    finally:
        await sink.stop()


async def test_a_request_for_reports_reaches_a_webhook(tmp_path: Path, eventually: Eventually) -> None:
    """Ask on the command line, and those asked and the asker are told; a report ends both, though nobody told then."""
    sink = Sink()
    await sink.start()
    file = hooks_file(tmp_path, larm=f'url = "{sink.url("/a")}"\nkinds = ["request"]')
    try:
        with node_up(tmp_path, area="24", ARCHIVE="off", NOTIFY_WEBHOOKS=str(file), NOTIFY_LEASE="2s") as up:
            nats = ("--nats", up.told["nats"])
            until(
                lambda: any(each["name"] == "notifier: lease" for each in _checks(up.told["ops"])), "the notifier runs"
            )
            asked = await inside("request", "give", "2480", "--deadline", "2h", "--as", "24", *nats)
            assert asked.code == 0, asked.stderr
            await eventually(lambda: len(sink.got) == 2, what="told", within=30)
            assert [line.rpartition(".")[0] for line in sorted(sink.told("/a"))] == [
                "raised yellow request.asked/2480/24",
                "raised yellow request.given/24/24",
            ]
            up.signal("notifier", 9)
            done = await inside("report", "activation", "2480", "state=none_needed", *nats)
            assert done.code == 0, done.stderr
            await eventually(lambda: len(sink.got) == 4, what="its end told by the next", within=60)
            assert {line.split(" ")[0] for line in sink.told("/a")[2:]} == {"cleared"}
            said = {each.json["data"]["annotations"]["summary"] for each in sink.got[2:]}
            assert any("alla har svarat (1 av 1)" in each for each in said)
    finally:
        await sink.stop()


async def test_a_receiver_that_is_set_wrong_is_told_at_once(tmp_path: Path) -> None:
    """`up` does not start, and says which line of which file is wrong."""
    file = hooks_file(tmp_path, larm='url = "gopher://a"')
    done = await program(
        "up", "--data-dir", str(tmp_path / "d"), VARDKASE_NOTIFY_WEBHOOKS=str(file), VARDKASE_ARCHIVE="off"
    )
    assert done.code == 2
    assert "webhook.0.url: expected a URL" in done.stderr


def _checks(url: str) -> list[dict[str, object]]:
    with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:
        return json.load(answer)["checks"]
