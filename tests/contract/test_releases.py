"""Events frozen at each release: still accepted, still meaning the same; and what it published can still be read."""

from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter

from vardkase.domain.codec import load, merged_document
from vardkase.intake.check import Accepted, check
from vardkase_contracts.alert import ALERT
from vardkase_contracts.audit import AUDIT
from vardkase_contracts.orders import ORDER
from vardkase_contracts.picture import PICTURE
from vardkase_contracts.public import PUBLIC
from vardkase_contracts.refusals import REJECTED
from vardkase_contracts.schemas import DOCUMENTS
from vardkase_contracts.state import STATE
from vardkase_contracts.vocab import RULES

from .fixtures import to_json
from .release import Made, Release, differences, meaning, releases, replay

RELEASES = releases()
ADAPTERS: dict[str, TypeAdapter[Any]] = {
    "state": STATE, "picture": PICTURE, "alert": ALERT, "public": PUBLIC, "rejected": REJECTED, "audit": AUDIT,
}  # fmt: skip
of_each_release = pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)


@cache
def replayed(release: Release) -> Made:
    """What this program makes of a release's events."""
    return replay(release.reports(), release.orders(), release.instants())


def test_there_is_a_release() -> None:
    """Something is frozen, and each release says what it makes of the events of all before it."""
    assert RELEASES
    for at, release in enumerate(RELEASES, 1):
        assert [each.name for each in RELEASES[:at]] == sorted(release.results(), key=_number)


def _number(name: str) -> list[int]:
    return [int(part) for part in name.split(".")]


@of_each_release
def test_every_report_and_order_is_still_accepted(release: Release) -> None:
    """What intake took at a release, it takes now, to the same place."""
    for sent in release.reports():
        outcome = check(sent.subject, sent.raw.encode())
        assert isinstance(outcome, Accepted), f"{sent.name}: {outcome}"
        assert sent.subject.split(".")[-2] == outcome.report.slug
    for order in release.orders():
        assert order["id"] == ORDER.validate_json(to_json(order)).id


@of_each_release
def test_the_same_events_mean_the_same(release: Release) -> None:
    """A release's events give the same versions of states, alerts at each instant, and figures in pictures as before.

    A deliberate change of meaning is a release of its own: CONTRIBUTING, "Schemas".
    """
    held = RELEASES[-1].results()[release.name]
    assert differences(meaning(held), meaning(replayed(release).result)) == []


@of_each_release
def test_what_it_published_can_be_read(release: Release) -> None:
    """Documents of a release are read by today's models: they stand in streams, archives and other nodes."""
    for name, documents in release.outputs().items():
        assert documents, name
        for document in documents:
            ADAPTERS[name].validate_json(to_json(document))


@of_each_release
def test_its_states_are_gone_on_from(release: Release) -> None:
    """A state that a release stored is loaded as it was."""
    for document in release.outputs()["state"][:-1]:  # the last is the example of the schema, which no program made
        assert document["version"] == merged_document(load(document))["version"], document["id"]


@of_each_release
def test_who_reads_by_it_can_read_what_is_published_now(release: Release) -> None:
    """What is made of a release's events today is valid by that release's schemas."""
    schemas = release.schemas()
    for name, documents in replayed(release).outputs.items():
        of_family = [document.name for document in DOCUMENTS if document.family == name]
        validators = [Draft202012Validator(schemas[f"{each}.json"]) for each in of_family]
        for document in documents:
            assert any(validator.is_valid(document) for validator in validators), (name, document)


@of_each_release
def test_frozen_events_hold_every_field_and_word(release: Release) -> None:
    """The frozen events are not a mere sample: each field and each word of what came in then is in one of them."""
    said = "\n".join([sent.raw for sent in release.reports()] + [to_json(order).decode() for order in release.orders()])
    names = [d.name for d in DOCUMENTS if d.family in {"report", "order"} and f"{d.name}.json" in release.schemas()]
    missing = {
        f"{name}: {word}"
        for name in names
        for word in _words(release.schemas()[f"{name}.json"])
        if f'"{word}"' not in said
    }
    assert missing == set()


def _words(node: Any) -> set[str]:
    """Every field's name and every word of a vocabulary in a schema."""
    if isinstance(node, list):
        return set().union(*map(_words, node))
    if not isinstance(node, dict):
        return set()
    own = {*node.get("properties", {}), *(word for word in node.get("enum", ()) if isinstance(word, str))}
    return own.union(*map(_words, node.values()))


@of_each_release
def test_every_rule_holds_somewhere(release: Release) -> None:
    """Each rule of a release has an alert in its story, so that a change of any is seen."""
    found = release.results()[release.name]["at"].values()
    rules = {key.partition("/")[0] for at in found for reality in at.values() for key in reality["alerts"]}
    assert set(RULES) >= rules
    assert len(rules) >= 17


def test_a_difference_is_told() -> None:
    """An alert more or less, another level, another figure: each is told; a field more in a picture is none."""
    held = {"states": {"act": {"p": "1"}}, "at": {"t": {"act": {"alerts": {"k": "red"}, "pictures": [{"n": 1}]}}}}
    for changed in (
        {"states": {"act": {"p": "2"}}},
        {"states": {"act": {"p": "1", "q": "1"}}},
        {"at": {"t": {"act": {"alerts": {"k": "yellow"}, "pictures": [{"n": 1}]}}}},
        {"at": {"t": {"act": {"alerts": {}, "pictures": [{"n": 1}]}}}},
        {"at": {"t": {"act": {"alerts": {"k": "red", "l": "red"}, "pictures": [{"n": 1}]}}}},
        {"at": {"t": {"act": {"alerts": {"k": "red"}, "pictures": [{"n": 2}]}}}},
    ):
        assert len(differences(held, held | changed)) == 1, changed
    assert (
        differences(held, held | {"at": {"t": {"act": {"alerts": {"k": "red"}, "pictures": [{"n": 1, "m": 2}]}}}}) == []
    )
