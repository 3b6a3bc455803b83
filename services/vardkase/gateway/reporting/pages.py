"""The pages of the form and the desk: templates in `web/form`, everything in them escaped, nothing inline."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Final

import jinja2

from vardkase.gateway.reporting import times, words
from vardkase.gateway.reporting.rules import as_json
from vardkase_contracts import instants

_HERE: Final = Path(__file__).parent.parent / "web" / "form"
_SCRIPT: Final = "text/javascript; charset=utf-8"
_TYPES: Final = {".css": "text/css; charset=utf-8", ".js": _SCRIPT, ".svg": "image/svg+xml"}


def _read() -> dict[str, tuple[bytes, str]]:
    found = sorted((_HERE / "static").iterdir())
    files = {each.name: (each.read_bytes(), _TYPES[each.suffix]) for each in found if each.suffix in _TYPES}
    rules = json.dumps(as_json(), ensure_ascii=False, separators=(",", ":")).encode()
    return files | {"rules.json": (rules, "application/json")}


FILES: Final = _read()
"""The static files: bytes and media type by name."""
VERSION: Final = hashlib.sha256(b"".join(name.encode() + data for name, (data, _) in FILES.items())).hexdigest()[:16]
"""Names these files: another one when any of them changes. They import each other, so they share it."""
STATIC: Final = f"/rapportera/static/{VERSION}"
"""Where they lie: what lies there never changes."""


def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "iso": instants.iso,
        "instant": instants.parse,
        "number": words.number,
        "anchor": anchor,
        "day": times.day,
    }
    made.globals |= {"static": STATIC, "words": words}
    return made


def anchor(field: str) -> str:
    """The id of an input, or of the first of its answers: where an error leads to."""
    name = field.replace(".", "-")
    return _FIRST.get(field) or (f"{name}-up" if field.startswith("comms.") else name)


_FIRST: Final = {
    "lifecycle": "lifecycle-open",
    "availability": "availability-normal",
    "power": "power-mains",
    "power.why": "power-why-not_connected",
    "refill.confirmed": "refill-confirmed-yes",
    "shift.covered": "shift-covered-yes",
    "water": "water-mains",
}
_ENVIRONMENT: Final = _environment()
_BLANK_LINES: Final = re.compile(r"\n\s*\n+")


def page(template: str, /, *, now: int, **context: Any) -> bytes:
    """A page, as HTML.

    Args:
        template: its name.
        now: the time, µs: ages and times of day are told from it.
        context: what it shows.
    """
    told = {"now": now, "at": _At(now), **context}
    return _BLANK_LINES.sub("\n", _ENVIRONMENT.get_template(template).render(told)).encode()


class _At:
    """Times as seen from one instant: `at.clock(then)`, `at.ago(then)`."""

    def __init__(self, now: int) -> None:
        self._now = now

    def clock(self, instant: int) -> str:
        """See `times.clock`."""
        return times.clock(instant, self._now)

    def ago(self, instant: int) -> str:
        """See `times.ago`."""
        return times.ago(instant, self._now)
