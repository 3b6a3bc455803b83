"""The gate: a schema that no longer follows a release's is refused here, before anybody has to live with it."""

import difflib
import json
import os
import random
from functools import cache
from typing import Any

import pytest

from vardkase_contracts.schemas import DOCUMENTS, Document, document_schema, generate

from .compatibility import direction_of, is_compatible, lost
from .mutants import Mutant, mutants
from .release import Release, releases

IDS = [document.name for document in DOCUMENTS]
RELEASES = releases()
#: Changes of each schema that are tried; `MUTANTS` says otherwise, 0 is all.
TRIED = int(os.environ.get("MUTANTS", "25"))


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
@pytest.mark.parametrize("document", DOCUMENTS, ids=IDS)
def test_a_schema_follows_each_release(document: Document, release: Release) -> None:
    """What a release took in is still taken in, and what goes out can be read by who reads by that release."""
    held = release.schemas().get(f"{document.name}.json")
    if held is None:
        return  # newer than the release
    made = document_schema(document)
    direction = direction_of(document.family)
    refused = "would be refused or lose a field" if direction == "in" else "could not be read by who reads"
    assert is_compatible(held, made, direction), (
        f"{document.name} of {release.name} {refused}:\n{_changed(held, made)}\n"
        'CONTRIBUTING, "Schemas": mend it, or publish it as v2 beside v1'
    )


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
def test_nothing_published_is_gone(release: Release) -> None:
    """Every document, subject, stream, message and header of a release is still there."""
    made = generate()
    assert not release.schemas().keys() - made.keys()
    assert lost(release.schemas()["asyncapi.json"], json.loads(made["asyncapi.json"])) == []


@cache
def _made() -> bytes:
    return generate()["asyncapi.json"]


def _changed(held: Any, made: Any) -> str:
    before, after = (json.dumps(each, indent=1, sort_keys=True).splitlines() for each in (held, made))
    return "\n".join(difflib.unified_diff(before, after, "released", "now", n=2, lineterm=""))


@pytest.mark.parametrize("document", DOCUMENTS, ids=IDS)
def test_each_kind_of_change_is_told_apart(document: Document) -> None:
    """One change anywhere in a schema: an incompatible one is refused, one that only adds is let through."""
    schema, direction = document_schema(document), direction_of(document.family)
    wrong = [
        f"{mutant.what}: {'let through' if refused else 'refused'}"
        for mutant, refused in _tried(document, direction)
        if is_compatible(schema, mutant.schema, direction) == refused
    ]
    assert wrong == []


def _tried(document: Document, direction: str) -> list[tuple[Mutant, bool]]:
    """Some changes, drawn by the document's name: the same ones each time."""
    every = list(mutants(document_schema(document)))
    drawn = random.Random(document.name).sample(every, min(TRIED or len(every), len(every)))
    return [(mutant, mutant.refused_in if direction == "in" else mutant.refused_out) for mutant in drawn]


def test_no_change_is_no_fault() -> None:
    """Every schema may follow itself, in both directions."""
    for document in DOCUMENTS:
        schema = document_schema(document)
        assert is_compatible(schema, schema, "in"), document.name
        assert is_compatible(schema, schema, "out"), document.name


def test_texts_may_change() -> None:
    """A description is not part of the promise."""
    schema = document_schema(DOCUMENTS[0])
    assert is_compatible(schema, schema | {"description": "Other words.", "title": "Other"}, "in")


def test_a_keyword_that_nobody_has_thought_about_is_not_let_through() -> None:
    """Before a schema says `if` or `not`, somebody decides how that may change."""
    with pytest.raises(ValueError, match="decide in"):
        is_compatible({"not": {"type": "string"}}, {"not": {"type": "string"}}, "in")


@pytest.mark.parametrize(
    ("path", "change"),
    [
        (("channels", "alert", "address"), "tp.v1.{reality}.alerts.{lan}.{kommun}.{slug}.{rule}"),
        (("channels", "alert"), None),
        (("channels", "order", "messages", "order.ack"), None),
        (("channels", "public", "x-streams"), []),
        (("components", "messages", "alert", "contentType"), "text/plain"),
        (("components", "parameters", "reality", "enum"), ["act", "exe"]),
        (("operations", "receiveOrder"), None),
    ],
    ids=lambda value: "/".join(value) if isinstance(value, tuple) else None,
)
def test_a_subject_or_a_stream_that_is_gone_is_seen(path: tuple[str, ...], change: Any) -> None:
    """An address that moved, a stream, message or word that is gone: each is named."""
    held, made = json.loads(_made()), json.loads(_made())
    node = made
    for key in path[:-1]:
        node = node[key]
    if change is None:
        del node[path[-1]]
    else:
        node[path[-1]] = change
    assert any(fault.startswith("/" + "/".join(path)) for fault in lost(held, made))
    assert lost(made, held) == [] or change is not None


def test_a_subject_more_is_no_fault() -> None:
    """A new subject, message or word of a parameter is no fault, nor is another text."""
    held, made = json.loads(_made()), json.loads(_made())
    made["channels"]["later"] = made["channels"]["alert"]
    made["components"]["parameters"]["reality"]["enum"].append("later")
    made["channels"]["alert"]["description"] = "Other words."
    assert lost(held, made) == []
