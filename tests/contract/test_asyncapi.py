import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from vardkase_contracts import subjects, vocab
from vardkase_contracts.areas import NATION, Area
from vardkase_contracts.asyncapi import VERSION, asyncapi
from vardkase_contracts.streams import STREAMS

from .fixtures import SCHEMAS

DOCUMENT: dict[str, Any] = json.loads(json.dumps(asyncapi()))
KEY = re.compile(r"[A-Za-z0-9.\-_]+")


def refs(node: Any) -> Iterator[str]:
    """Every reference in a document."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for inner in node.values():
            yield from refs(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from refs(inner)


def resolve(ref: str) -> Any:
    """What a reference points at."""
    assert ref.startswith("#/")
    node: Any = DOCUMENT
    for key in ref[2:].split("/"):
        node = node[key]
    return node


def test_references_resolve() -> None:
    """Everything that the document refers to is in it."""
    for ref in set(refs(DOCUMENT)):
        assert isinstance(resolve(ref), dict), ref


def test_shape() -> None:
    """The document has what AsyncAPI 3 requires, and its keys are ones that it allows."""
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= DOCUMENT["info"].keys()
    for group in ("channels", "operations", "servers"):
        assert all(KEY.fullmatch(key) for key in DOCUMENT[group])
    for group in DOCUMENT["components"].values():
        assert all(KEY.fullmatch(key) for key in group)


def test_version_is_the_distributions() -> None:
    """The document's version is that of the distribution."""
    project = tomllib.loads((SCHEMAS.parents[1] / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION


@pytest.mark.parametrize("family", subjects.FAMILIES)
def test_channel(family: str) -> None:
    """A channel declares the parameters of its address, its messages and its streams."""
    channel = DOCUMENT["channels"][family]
    assert set(re.findall(r"\{(\w+)\}", channel["address"])) == set(channel["parameters"])
    assert channel["messages"]
    assert [stream.name for stream in STREAMS if stream.family == family] == [
        stream["name"] for stream in channel["x-streams"]
    ]
    server = resolve(channel["servers"][0]["$ref"])
    assert ("public" in server["title"]) == (family == "public")


@pytest.mark.parametrize("name", DOCUMENT["operations"])
def test_operation(name: str) -> None:
    """A node receives reports and orders and sends the rest; an operation's messages are its channel's."""
    operation = DOCUMENT["operations"][name]
    family = operation["channel"]["$ref"].removeprefix("#/channels/")
    assert (operation["action"] == "receive") == (family in {"report", "order"})
    own = {f"#/channels/{family}/messages/{key}" for key in DOCUMENT["channels"][family]["messages"]}
    assert own == {message["$ref"] for message in operation["messages"]}


def test_every_stream_is_told_of() -> None:
    """Each stream is beside the channel of what it holds."""
    told = {stream["name"] for channel in DOCUMENT["channels"].values() for stream in channel["x-streams"]}
    assert told == {stream.name for stream in STREAMS}


def test_every_kind_has_a_message() -> None:
    """Each kind of report and order is a message, raw and accepted."""
    assert set(DOCUMENT["channels"]["report"]["messages"]) == {f"report.{kind}" for kind in vocab.REPORT_KINDS}
    assert set(DOCUMENT["channels"]["accepted"]["messages"]) == {f"accepted.{kind}" for kind in vocab.REPORT_KINDS}
    assert set(DOCUMENT["channels"]["order"]["messages"]) == {f"order.{kind}" for kind in vocab.ORDER_KINDS}


@pytest.mark.parametrize(
    ("family", "subject"),
    [
        ("report", subjects.report("act", "2480", "x", "status")),
        ("accepted", subjects.accepted("exe", "2480", "_", "need")),
        ("rejected", subjects.rejected("act", "24", "2480", "x")),
        ("state", subjects.state("tst", "2480", "x")),
        ("picture", subjects.picture("act", NATION)),
        ("alert", subjects.alert("act", "area.silent/2480")),
        ("public", subjects.public("2480", "x")),
        ("order", subjects.order("act", Area.parse("24"), "ack")),
        ("audit", subjects.audit("act", Area.parse("norra"))),
    ],
)
def test_addresses_are_those_of_the_subjects(family: str, subject: str) -> None:
    """A subject that is built is one of its channel's, and of no other's."""
    found = [
        name
        for name, channel in DOCUMENT["channels"].items()
        if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^.]+", re.escape(channel["address"])), subject)
    ]
    assert found == [family]


def test_examples_are_valid_in_the_document() -> None:
    """Each message's example is valid by the document's own schemas."""
    shared = {"components": {"schemas": DOCUMENT["components"]["schemas"]}}
    for message in DOCUMENT["components"]["messages"].values():
        for shown in message.get("examples", []):
            Draft202012Validator({**shared, "$ref": message["payload"]["$ref"]}).validate(shown["payload"])
