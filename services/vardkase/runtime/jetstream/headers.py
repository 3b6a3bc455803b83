"""Headers as they stand on the wire: read whatever strangers put there, written only where they cannot break a line."""

from collections.abc import Iterable
from typing import Final

_VERSION: Final = "NATS/1.0"
_BREAK: Final = "\r\n"
_BLANKS: Final = " \t\r\n\x0b\x0c"
"""What counts as blank around a name and a value: ASCII's, as for bytes."""


def read(block: bytes) -> dict[str, str]:
    """The fields of a message's headers, and the server's status if it is one; what cannot be read is left out."""
    fields: dict[str, str] = {}
    first, *rest = block.decode("utf-8", "replace").split(_BREAK)
    code, _, words = first.removeprefix(_VERSION).strip(_BLANKS).partition(" ")
    if code.isascii() and code.isdigit():
        fields["Status"] = code
        fields["Description"] = words
    for line in rest:
        name, colon, value = line.partition(":")
        if colon:
            name = name.strip(_BLANKS)
            if name.isascii() and " " not in name:
                fields[name] = value.strip(_BLANKS)
    return fields


def value(block: bytes, name: bytes) -> str | None:
    """One field as we write them ourselves, without reading the others; `None` where it does not stand so."""
    start = block.find(b"\r\n%b: " % name)
    if start < 0:
        return None
    start += len(name) + 4
    return block[start : block.find(b"\r\n", start)].decode("utf-8", "replace")


def written(fields: Iterable[tuple[str, str]]) -> bytes:
    """The block of these fields.

    Raises:
        ValueError: one of them holds a line break, or a name a colon.
    """
    names_and_values = list(fields)
    lines = [f"{name}: {value}" for name, value in names_and_values]
    text = _BREAK.join((_VERSION, *lines, "", ""))
    if text.count("\n") != len(lines) + 2 or text.count("\r") != len(lines) + 2:
        raise ValueError("a header holds a line break")
    if any(":" in name for name, _ in names_and_values):
        raise ValueError("a header's name holds a colon")
    return text.encode()
