"""What the node's NATS server has refused, counted from its log."""

from pathlib import Path

from vardkase.runtime.nats_refusals import Refusals

PUBLISH = '[1] [ERR] 127.0.0.1:1 - cid:5 - "v2" - "TP/nkey:U" - Publish Violation - Subject "tp.v1.act.report"\n'
LISTEN = '[1] [ERR] 127.0.0.1:1 - cid:5 - "v2" - Subscription Violation - Subject "tp.v1.>", SID 2\n'
ENTER = "[1] [ERR] 127.0.0.1:1 - lid:5 - authentication error\n"


def test_refusals_are_counted_as_they_come(tmp_path: Path) -> None:
    """Each once, by kind; what was refused before this program began is not counted, nor half a line."""
    path = tmp_path / "nats.log"
    path.write_text(PUBLISH)
    seen = Refusals(path)
    assert seen.counts == {"publish": 0, "subscribe": 0, "login": 0, "tls": 0}
    with path.open("a") as file:
        file.write(PUBLISH + LISTEN + PUBLISH + ENTER[:20])
    seen.look()
    seen.look()
    assert seen.counts == {"publish": 2, "subscribe": 1, "login": 0, "tls": 0}
    with path.open("a") as file:
        file.write(ENTER[20:])
    seen.look()
    assert seen.counts["login"] == 1
    assert 'vardkase_nats_refused_total{what="publish"} 2' in seen.exposition()


def test_another_log_is_read_from_its_beginning(tmp_path: Path) -> None:
    """The server begins another file when one is full; while there is none, nothing is counted."""
    path = tmp_path / "nats.log"
    seen = Refusals(path)
    path.write_text(PUBLISH * 3)
    seen.look()
    path.rename(tmp_path / "nats.log.1")
    seen.look()
    path.write_text(LISTEN)
    seen.look()
    assert seen.counts == {"publish": 3, "subscribe": 1, "login": 0, "tls": 0}
