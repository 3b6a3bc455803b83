"""Headers on the wire: what strangers put there is read, and what we put there cannot break a line."""

import pytest

from vardkase.runtime.jetstream.headers import read, written


def test_what_is_written_is_read() -> None:
    """Names and values come back as they were."""
    fields = {"Tp-Received": "2026-11-20T02:40:00Z", "Tp-Origin": "SE/17", "Namn": "Umeå: två", "Empty": ""}
    block = written(fields.items())
    assert block.startswith(b"NATS/1.0\r\nTp-Received: 2026-11-20T02:40:00Z\r\n")
    assert block.endswith(b"\r\n\r\n")
    assert read(block) == fields
    assert read(written([])) == {}


@pytest.mark.parametrize("value", ["a\nb", "a\r\nNats-Msg-Id: x", "a\r", "\n"])
def test_a_line_break_is_no_value(value: str) -> None:
    """Whoever could put a line break into a value could put a header of their own there."""
    with pytest.raises(ValueError, match="line break"):
        written([("A", value)])
    with pytest.raises(ValueError, match="line break"):
        written([(value, "a")])


def test_a_colon_is_no_name() -> None:
    """What follows the first colon is the value."""
    with pytest.raises(ValueError, match="colon"):
        written([("A:b", "c")])


@pytest.mark.parametrize(
    ("block", "fields"),
    [
        (b"NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: 7\r\n\r\n",
         {"Status": "100", "Description": "Idle Heartbeat", "Nats-Last-Consumer": "7"}),
        (b"NATS/1.0 503\r\n\r\n", {"Status": "503", "Description": ""}),
        (b"NATS/1.0\r\nA:b\r\n C \t: d \r\n\r\n", {"A": "b", "C": "d"}),
        (b"NATS/1.0\r\nA b: c\r\nno colon\r\n\xc3\xa5: d\r\nE: \xff\r\n\r\n", {"E": "\ufffd"}),
        (b"NATS/1.0\r\nA: b", {"A": "b"}),
        ("NATS/1.0 ٤\r\nA: \u00a0b\r\n".encode(), {"A": "\u00a0b"}),
        (b"", {}),
        (b"\xff\xfe\x00", {}),
    ],
)  # fmt: skip
def test_whatever_stands_there_is_read_as_far_as_it_goes(block: bytes, fields: dict[str, str]) -> None:
    """A status of the server is told; what cannot be read is left out, and nothing raises."""
    assert read(block) == fields
