"""The catalogue of what is public says what DCAT-AP-SE 3.0.1 requires, of every thing that it describes."""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from vardkase.gateway.public.dcat import CC0, PROFILE, Publisher, catalogue
from vardkase_contracts.areas import Area

WHO: Final = Publisher("Länsstyrelsen Västerbotten", None, "Krisberedskap", "oppnadata@example.se")
#: By class what the profile requires (docs.dataportal.se/dcat/3.0.1, "Obligatoriska"), and what this project adds.
REQUIRED: Final = {
    "dcat:Catalog": {"dcterms:title", "dcterms:description", "dcterms:publisher", "dcterms:license", "dcat:dataset"},
    "dcat:Dataset": {"dcterms:title", "dcterms:description", "dcterms:publisher"},
    "dcat:Distribution": {"dcat:accessURL"},
    "dcat:DataService": {"dcterms:title", "dcat:endpointURL"},
    "foaf:Agent": {"foaf:name"},
    "vcard:Organization": {"vcard:fn", "vcard:hasEmail"},
}
ADDED: Final = {
    "dcat:Dataset": {
        *("dcat:contactPoint", "dcterms:accessRights", "dcterms:spatial", "dcat:theme", "dcterms:accrualPeriodicity"),
        *("dcat:distribution", "dcat:keyword", "dcterms:language"),
    },
    "dcat:Distribution": {"dcterms:license", "dcterms:format", "dcterms:title"},
}


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every thing that is described in a document."""
    if isinstance(value, dict):
        if "@type" in value and "@value" not in value:
            yield value
        for name, each in value.items():
            if name != "@context":
                yield from nodes(each)
    elif isinstance(value, list):
        for each in value:
            yield from nodes(each)


def names(value: Any) -> Iterator[str]:
    """Every name that a document uses of its things."""
    if isinstance(value, dict):
        for name, each in value.items():
            if name != "@context":
                yield name
                yield from names(each)
    elif isinstance(value, list):
        for each in value:
            yield from names(each)


@pytest.mark.parametrize("code", ["2480", "24", "norra", "SE"])
def test_it_says_what_the_profile_requires(code: str) -> None:
    """Of the catalogue, its dataset, the distributions, the publisher and the contact; in Swedish at least."""
    made = json.loads(json.dumps(catalogue("https://lage.example.se", Area.parse(code), "https://l.example/", WHO)))
    found = list(nodes(made))
    assert {each["@type"] for each in found} >= set(REQUIRED)
    for each in found:
        missing = (REQUIRED.get(each["@type"], set()) | ADDED.get(each["@type"], set())) - each.keys()
        assert not missing, f"{each['@type']} lacks {missing}"
        for text in ("dcterms:title", "dcterms:description"):
            if text in each:
                assert "sv" in {said["@language"] for said in each[text]}
    assert made["dcterms:license"]["@id"] == CC0
    assert made["dcterms:conformsTo"]["@id"] == PROFILE
    assert {each["dcterms:license"]["@id"] for each in found if each["@type"] == "dcat:Distribution"} == {
        "https://l.example/"
    }


def test_every_name_has_its_vocabulary_and_every_reference_its_thing() -> None:
    """No prefix is left undeclared; the ids that it makes up itself are of things that it describes."""
    made = catalogue("https://lage.example.se", Area.parse("24"), "https://l.example/", WHO)
    prefixes = set(made["@context"])
    for name in names(made):
        assert name.startswith("@") or name.split(":")[0] in prefixes, name
    described = {each["@id"] for each in nodes(made) if "@id" in each}
    assert len(described) == sum("@id" in each for each in nodes(made))
    referred = {
        text for text in json.dumps(made).split('"') if text.startswith("https://lage.example.se/public/v1/dcat#")
    }
    assert referred <= described


def test_a_part_of_sweden_is_told_by_its_box() -> None:
    """The box around the area holds its kommuner's places."""
    made = catalogue("https://x", Area.parse("24"), "https://l.example/", WHO)
    wkt = made["dcterms:spatial"]["dcat:bbox"]["@value"]
    corners = [tuple(map(float, pair.split())) for pair in wkt.removeprefix("POLYGON((").removesuffix("))").split(", ")]
    lons, lats = [lon for lon, _ in corners], [lat for _, lat in corners]
    assert corners[0] == corners[-1]
    assert 14 < min(lons) < 20.26 < max(lons) < 22.5  # Umeå lies in it
    assert 63 < min(lats) < 63.83 < max(lats) < 67
