"""Reports with one fault each, and the examples that the documents show."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vardkase_contracts import schemas

FIXTURES = Path(__file__).parents[1] / "fixtures" / "reports"
SCHEMAS = Path(__file__).parents[2] / "contracts" / "schemas" / "v1"
REPORT_NAMES = [document.name for document in schemas.DOCUMENTS if document.family == "report"]


@dataclass(frozen=True, kw_only=True)
class Faulty:
    """A report that is refused, by its one fault."""

    name: str
    subject: str
    raw: bytes
    reason: str
    field: str | None


def faulty_reports() -> list[Faulty]:
    """Every fixture, by name."""
    return [_read(path) for path in sorted(FIXTURES.glob("*.json"))]


def _read(path: Path) -> Faulty:
    held = json.loads(path.read_text(encoding="utf-8"))
    if "event" in held:
        raw = json.dumps(held["event"], ensure_ascii=False).encode()
    elif "raw" in held:
        raw = held["raw"].encode("ascii")
    else:
        raw = base64.b64decode(held["raw_base64"])
    expect = held["expect"]
    return Faulty(name=path.stem, subject=held["subject"], raw=raw, reason=expect["reason"], field=expect["field"])


def report(kind: str, **changes: Any) -> dict[str, Any]:
    """The example of a kind of report, with other fields in the envelope."""
    return {**schemas.example(f"report.{kind}"), **changes}


def to_json(event: Any) -> bytes:
    """As it is sent."""
    return json.dumps(event, ensure_ascii=False).encode()
