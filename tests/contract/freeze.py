"""Freeze a release of the contract: `PYTHONPATH=tests uv run python -m contract.freeze 0.1` (CONTRIBUTING, "Schemas").

Writes `tests/fixtures/releases/<version>`: the schemas, events of every kind, what is published of them, and what is
made of them and of the events of every earlier release. A folder that is there is left alone, unless `--again` says
that it has not been released yet.
"""

import argparse
import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from contract import story
from contract.fixtures import faulty_reports
from contract.release import RELEASES, Json, Made, releases, replay
from vardkase.intake.check import check
from vardkase_contracts.instants import iso
from vardkase_contracts.refusals import Refusal, rejected
from vardkase_contracts.schemas import DOCUMENTS, example, generate, to_bytes


def freeze(version: str) -> Path:
    """Write the folder of a release; what stood there is replaced.

    Returns:
        The folder.
    """
    folder = RELEASES / version
    reports, orders = story.reports(), story.orders()
    made = replay(reports, orders, story.INSTANTS)
    files = {f"schemas/{name}": content for name, content in generate().items()} | {
        "reports.json": _lines([{**one._asdict(), "received": iso(one.received)} for one in reports]),
        "orders.json": _lines(orders),
        "outputs.json": _by_name(_outputs(made)),
        f"results/{version}.json": to_bytes(made.result),
    }
    for earlier in releases():
        if earlier.folder != folder:
            again = replay(earlier.reports(), earlier.orders(), earlier.instants())
            files[f"results/{earlier.name}.json"] = to_bytes(again.result)
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def _outputs(made: Made) -> dict[str, list[Json]]:
    """What is published: of the story, of refusals, and the example of each document."""
    outputs = made.outputs | {"rejected": list(_rejected()), "audit": []}
    for document in DOCUMENTS:
        if document.family in outputs:
            outputs[document.family].append(example(document.name))
    return outputs


def _rejected() -> Iterator[Json]:
    """A refusal of each reason."""
    told: set[str] = set()
    for number, faulty in enumerate(faulty_reports()):
        refusal = check(faulty.subject, faulty.raw)
        if isinstance(refusal, Refusal) and refusal.reason not in told:
            told.add(refusal.reason)
            at = story.INSTANTS[0]
            event = rejected(
                refusal,
                faulty.raw,
                subject=faulty.subject,
                node="SE",
                origin=f"SE/{number}",
                received=at,
                reality="act",
            )
            yield json.loads(event.model_dump_json(exclude_none=True))


def _lines(events: list[Json]) -> bytes:
    """One event a line."""
    return ("[\n" + ",\n".join(json.dumps(event, ensure_ascii=False) for event in events) + "\n]\n").encode()


def _by_name(documents: dict[str, list[Json]]) -> bytes:
    """One document a line, under their names."""
    parts = (f"{json.dumps(name)}: {_lines(held).decode().rstrip()}" for name, held in documents.items())
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode()


def main() -> int:
    """Freeze the release that the command line names."""
    parser = argparse.ArgumentParser(description="Freeze a release of the contract.")
    parser.add_argument("version", help="such as 0.1")
    parser.add_argument("--again", action="store_true", help="write it anew: it has not been released yet")
    given = parser.parse_args()
    if re.fullmatch(r"\d+\.\d+", given.version) is None:
        parser.error("a version is two numbers, such as 0.1")
    newest = releases()[-1].name if releases() else None
    if (RELEASES / given.version).exists() and not (given.again and given.version == newest):
        parser.error(f"{given.version} is frozen; of one that is not released yet, the newest can be written --again")
    print(freeze(given.version))  # noqa: T201 - what a command says
    return 0


if __name__ == "__main__":
    sys.exit(main())
