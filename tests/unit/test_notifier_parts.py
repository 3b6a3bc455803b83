"""The notifier's small parts: what a notice says, signatures, secrets, silences, settings."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from gateway_kit import alert_of
from notices import notice
from notify_kit import hooks_file, secret_file
from vardkase.notifier import muting, signing
from vardkase.notifier.hooks import hooks_of
from vardkase.notifier.notice import Notice, Quiet, notice_of
from vardkase.notifier.secrets import own_secret, read_secret
from vardkase.notifier.standing import Muted, name_of
from vardkase.notifier.walltime import WallTime
from vardkase.runtime.clock import DrivenClock
from vardkase.runtime.errors import Refused
from vardkase.runtime.settings import load
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import HOUR, parse

KEY = "power.endurance/2480-umedalen-skola"
ACK = {"code": "24", "level": "lan", "role": "tib", "at": "2026-11-20T03:00:00Z", "until": "2026-11-20T06:00:00Z"}


def told(own: str = "24", before: Notice | None = None, **changes: Any) -> Notice:
    document = alert_of(KEY, **{"acks": [], **changes})
    return notice_of(document, Area.parse(own), node="lan-24", board="https://b/", before=before)


def test_labels_route_and_annotations_tell() -> None:
    """Where, what, how grave, which world; and in words until when, on what it rests, and where to look."""
    found = told()
    assert found.labels == {
        "alertname": "power.endurance",
        "event": "5b1c3f0a9d2e4c6b8a7f0e1d2c",
        "key": KEY,
        "kommun": "2480",
        "lan": "24",
        "level": "yellow",
        "node": "lan-24",
        "point": "2480-umedalen-skola",
        "reality": "act",
        "rule": "power.endurance",
        "severity": "yellow",
    }
    assert found.annotations["link"] == f"https://b/?larm={KEY}"
    assert found.annotations["runs_out_at"] == "2026-11-20T07:40:00Z"
    assert "Räcker till: 2026-11-20 08:40" in found.annotations["description"]
    assert json.loads(found.annotations["evidence"])[0]["value"]["fuel_l"] == 60


def test_an_exercise_says_so_first() -> None:
    """Nobody takes it for the real thing, whatever shows the notification."""
    assert told(reality="exe").annotations["summary"].startswith("ÖVNING: ")
    assert told(reality="tst").annotations["summary"].startswith("PROV: ")


def test_evidence_is_cut_by_whole_readings() -> None:
    """What does not fit is left out, and what is left can be parsed."""
    reading = {"aspect": "power", "value": "x" * 700, "observed_at": None, "report": None}
    assert len(json.loads(told(evidence=[reading] * 5).annotations["evidence"])) == 2


def test_a_level_stands_since_it_began() -> None:
    """Acks and evidence that come later do not move it; another level does."""
    first = told(changed_at="2026-11-20T02:00:00Z")
    later = told(before=first, changed_at="2026-11-20T03:00:00Z")
    assert later.starts_at == first.starts_at
    graver = told(before=first, changed_at="2026-11-20T03:00:00Z", level="red")
    assert graver.starts_at == parse("2026-11-20T03:00:00Z")


@pytest.mark.parametrize(
    ("own", "changes", "why"),
    [
        ("24", {"acks": [ACK]}, "ack"),
        ("2480", {"acks": [ACK]}, None),
        ("24", {"acks": [ACK], "status": "cleared", "cleared_reason": "recovered"}, None),
        ("24", {"silences": [ACK | {"id": "s", "from": ACK["at"]}]}, "silence"),
        ("24", {"silences": [ACK | {"id": "s", "from": ACK["at"]}], "status": "cleared"}, "silence"),
        ("SE", {"silences": [ACK | {"id": "s", "from": ACK["at"]}]}, None),
        ("24", {"inhibited_by": "power.lost/2480-umedalen-skola"}, "inhibited"),
    ],
)
def test_what_quiets_the_receivers_of_an_area(own: str, changes: dict[str, Any], why: str | None) -> None:
    """Acks and silences of that very area, and no other; an ack ends with the alert, a silence outlives it."""
    quiet = told(own, **changes).quiet
    assert (None if quiet is None else quiet.why) == why


def test_signatures_are_those_of_standard_webhooks() -> None:
    """The convention's own example."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signing.headers(
        id="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330, body=b'{"test": 2432232314}', secret=secret
    )
    assert made["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """Nor what is no secret; and what the file holds is not told."""
    path = secret_file(tmp_path / "s")
    assert read_secret(path, "X") == b"s" * 32
    path.chmod(0o640)
    with pytest.raises(Refused, match="others can read it"):
        read_secret(path, "X")
    path.chmod(0o600)
    path.write_text("whsec_dG9vIHNob3J0")
    with pytest.raises(Refused, match="24 to 64 bytes") as refused:
        read_secret(path, "X")
    assert "dG9v" not in str(refused.value)


def test_a_node_makes_one_secret_for_ever(tmp_path: Path) -> None:
    """Nobody else can read it."""
    assert own_secret(tmp_path) == own_secret(tmp_path)
    assert (tmp_path / "webhook.secret").stat().st_mode & 0o777 == 0o600


def test_webhooks_of_a_file_and_by_url(tmp_path: Path) -> None:
    """Each has a name of its own; one by its URL alone hears of skarpt läge alone."""
    path = hooks_file(tmp_path, larm='url = "https://a/b?token=x"\nlevels = ["red"]\nrealities = ["exe"]')
    found = hooks_of(load(data_dir=tmp_path, webhooks="https://c/d", notify={"webhooks": path}))
    assert [each.hook.realities for each in found] == [("exe",), ("act",)]
    assert found[0].secret == b"s" * 32
    assert "token" not in repr(found) + repr(found[0].hook)
    assert found[1].hook.name.startswith("webhook-")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('url = "ftp://a"', "webhook.0.url: expected a URL"),
        ('url = "http://a"\nlevels = ["blue"]', "webhook.0.levels.0"),
        ('url = "http://a"\nbogus = 1', "webhook.0.bogus"),
        (
            'url = "http://a"\n[[webhook]]\nname = "h"\nurl = "http://b"\nsecret_file = "hook.secret"',
            "h is there twice",
        ),
    ],
)
def test_a_file_of_webhooks_that_is_wrong(tmp_path: Path, lines: str, said: str) -> None:
    """One line names the file and the field."""
    path = hooks_file(tmp_path, h=lines)
    with pytest.raises(Refused, match=said) as refused:
        hooks_of(load(data_dir=tmp_path, notify={"webhooks": path}))
    assert "\n" not in str(refused.value)


def test_webhooks_are_bounded(tmp_path: Path) -> None:
    """More than fifty are no webhooks but a mistake."""
    path = hooks_file(tmp_path, **{f"h{number}": 'url = "http://a"' for number in range(51)})
    with pytest.raises(Refused, match="at most 50"):
        hooks_of(load(data_dir=tmp_path, notify={"webhooks": path}))


def test_silences_are_made_once_and_changed_when_they_differ() -> None:
    """Those of others are left alone, those that have ended are no more, and one that is there twice is told of."""
    name = name_of(notice().labels)
    wanted = muting.wanted([Muted(name, Quiet(why="ack", until=5 * HOUR, comment="c"))], lambda at: at, now=HOUR)
    (wish,) = wanted.values()
    made = muting.payload(wish, author="vardkase SE", now=HOUR, id=None)
    assert {each["name"] for each in made["matchers"]} == {"key", "level", "node", "reality"}
    there = [
        made | {"id": "1", "status": {"state": "active"}},
        made | {"id": "2", "status": {"state": "pending"}},
        made | {"id": "3", "status": {"state": "expired"}},
        made | {"id": "4", "status": {"state": "active"}, "createdBy": "somebody"},
        {"id": "5"},
    ]
    held, twice = muting.held(there, "vardkase SE")
    assert (held[wish.name].id, twice) == ("1", ["2"])
    assert not muting.differs(wish, held[wish.name])
    assert muting.differs(wish._replace(until=6 * HOUR), held[wish.name])
    assert not muting.wanted([Muted(name, Quiet(why="ack", until=HOUR, comment="c"))], lambda at: at, now=HOUR)


def test_a_driven_clock_is_told_in_real_time() -> None:
    """A minute ago by a clock that goes sixty times as fast was a second ago."""
    clock = DrivenClock(start=parse("2026-11-20T00:00:00Z"), speed=60)
    wall = WallTime(clock, speed=60, driven=True)
    ago = wall.now() - wall.of(clock.now() - 60_000_000)
    assert 900_000 < ago < 1_500_000
