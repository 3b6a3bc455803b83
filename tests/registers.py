"""Registers of points for tests: files with one peculiarity each, read as an import reads them."""

from pathlib import Path

from vardkase.registry import fields, table
from vardkase.registry.candidates import Candidates, candidates

FIXTURES = Path(__file__).parent / "fixtures" / "registers"


def read(name: str, *, crs: str | None = None, kommun: str | None = "2480") -> Candidates:
    """What a file says."""
    found = table.read((FIXTURES / name).read_bytes())
    return candidates(found, fields.recognise(found.headers, {}), constants={}, kommun=kommun, crs=crs)
