"""What is public, described for data portals: DCAT-AP-SE 3.0.1, as JSON-LD. Pure.

The profile (https://docs.dataportal.se/dcat/3.0.1/sv/) requires of a catalogue its title, description, publisher,
licence (CC0, of the description itself) and datasets; of a dataset title, description and publisher; of a distribution
its access URL; of a publisher its name; of a contact its name and e-mail. What it recommends is told too.
"""

from typing import Any, Final, NamedTuple

from vardkase.registry.boxes import box_of
from vardkase_contracts.areas import Area

PROFILE: Final = "https://docs.dataportal.se/dcat/3.0.1/"
"""The version of the profile."""
MEDIA_TYPE: Final = "application/ld+json"
CC0: Final = "http://creativecommons.org/publicdomain/zero/1.0/"
"""The licence of the description itself: the profile asks for no other."""
_EU: Final = "http://publications.europa.eu/resource/authority"
_CONTEXT: Final[dict[str, Any]] = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcterms": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "geosparql": "http://www.opengis.net/ont/geosparql#",
}
_AUTHORITY: Final = {
    "kommun": "LocalAuthority",
    "lan": "RegionalAuthority",
    "civo": "RegionalAuthority",
    "nation": "NationalAuthority",
}
_ABOUT: Final = {
    "sv": "Trygghetspunkter som vem som helst får se: var de ligger, om de är öppna, vilka funktioner de har nu och "
    "hur fulla de är i grova steg. Bara punkter som kommunen själv har beslutat att visa. Tider är avrundade till en "
    "kvart, och historik ingår inte. Säger ingen något på ett tag står det att uppgiften inte är bekräftad.",
    "en": "Municipal support points that anyone may see: where they are, whether they are open, what they give now "
    "and how full they are in broad bands. Only points that the municipality has decided to show. Times are rounded "
    "to a quarter of an hour, and there is no history. What nobody has confirmed for a while says so.",
}


class Publisher(NamedTuple):
    """Who answers for it: from the settings."""

    name: str
    uri: str | None
    """Of the organisation; None: it has none that is known."""
    contact: str
    """What the contact is called."""
    email: str


def catalogue(base: str, area: Area, licence: str, publisher: Publisher) -> dict[str, Any]:
    """The catalogue, as JSON-LD.

    Args:
        base: the gateway's own address, `https://…`.
        area: the node's.
        licence: what the data are given under.
        publisher: who answers for it.
    """
    here = f"{base}/public/v1"
    about = f"{here}/dcat"
    agent: dict[str, Any] = {
        "@id": publisher.uri or f"{about}#publisher",
        "@type": "foaf:Agent",
        "foaf:name": publisher.name,
        "dcterms:type": _node(f"http://purl.org/adms/publishertype/{_AUTHORITY[area.level]}"),
    }
    return {
        "@context": _CONTEXT,
        "@id": about,
        "@type": "dcat:Catalog",
        "dcterms:conformsTo": _node(PROFILE),
        "dcterms:title": _texts(
            f"Öppna data om trygghetspunkter: {area.name}", f"Open data on support points: {area.name}"
        ),
        "dcterms:description": _texts(
            f"Det som är öppet om trygghetspunkter i {area.name}.", f"What is open about support points in {area.name}."
        ),
        "dcterms:publisher": agent,
        "dcterms:license": _node(CC0),
        "dcterms:language": _node(f"{_EU}/language/SWE"),
        "dcterms:spatial": _spatial(area),
        "foaf:homepage": _node(f"{base}/publik"),
        "dcat:themeTaxonomy": _node(f"{_EU}/data-theme"),
        "dcat:dataset": [_dataset(here, about, base, area, licence, agent, publisher)],
    }


def _dataset(
    here: str, about: str, base: str, area: Area, licence: str, agent: dict[str, Any], publisher: Publisher
) -> dict[str, Any]:
    return {
        "@id": f"{about}#points",
        "@type": "dcat:Dataset",
        "dcterms:title": _texts("Trygghetspunkter", "Support points (trygghetspunkter)"),
        "dcterms:description": _texts(_ABOUT["sv"], _ABOUT["en"]),
        "dcterms:publisher": _node(agent["@id"]),
        "dcat:contactPoint": {
            "@id": f"{about}#contact",
            "@type": "vcard:Organization",
            "vcard:fn": publisher.contact,
            "vcard:hasEmail": _node(f"mailto:{publisher.email}"),
        },
        "dcterms:accessRights": _node(f"{_EU}/access-right/PUBLIC"),
        "dcterms:spatial": _spatial(area),
        "dcat:theme": [_node(f"{_EU}/data-theme/SOCI"), _node(f"{_EU}/data-theme/GOVE")],
        "dcat:keyword": [
            *({"@value": word, "@language": "sv"} for word in ("trygghetspunkt", "krisberedskap", "elavbrott")),
            *({"@value": word, "@language": "en"} for word in ("emergency shelter", "crisis preparedness")),
        ],
        "dcterms:accrualPeriodicity": _node(f"{_EU}/frequency/UPDATE_CONT"),
        "dcterms:language": _node(f"{_EU}/language/SWE"),
        "dcat:landingPage": _node(f"{base}/publik"),
        "dcat:distribution": [
            {
                "@id": f"{about}#geojson",
                "@type": "dcat:Distribution",
                "dcterms:title": _texts("Punkter som GeoJSON", "Points as GeoJSON"),
                "dcterms:description": _texts(
                    "Alla punkter som visas, som GeoJSON (RFC 7946).",
                    "All points that are shown, as GeoJSON (RFC 7946).",
                ),
                "dcat:accessURL": _node(f"{here}/points"),
                "dcat:downloadURL": _node(f"{here}/points"),
                "dcterms:format": "application/geo+json",
                "dcterms:license": _node(licence),
                "dcterms:conformsTo": _node("https://www.rfc-editor.org/rfc/rfc7946"),
            },
            {
                "@id": f"{about}#stream",
                "@type": "dcat:Distribution",
                "dcterms:title": _texts("Ändringar som händelseström", "Changes as server-sent events"),
                "dcterms:description": _texts(
                    "Först läget nu, sedan varje ändring (server-sent events).", "What is, then every change (SSE)."
                ),
                "dcat:accessURL": _node(f"{here}/stream"),
                "dcterms:format": "text/event-stream",
                "dcterms:license": _node(licence),
                "dcat:accessService": {
                    "@id": f"{about}#api",
                    "@type": "dcat:DataService",
                    "dcterms:title": _texts("Vårdkases öppna API", "Vårdkase's open API"),
                    "dcterms:publisher": _node(agent["@id"]),
                    "dcat:endpointURL": _node(here),
                    "dcat:endpointDescription": _node(f"{base}/openapi.json"),
                    "dcterms:license": _node(licence),
                    "dcterms:accessRights": _node(f"{_EU}/access-right/PUBLIC"),
                    "dcat:servesDataset": _node(f"{about}#points"),
                },
            },
        ],
    }


def _spatial(area: Area) -> Any:
    """Sweden by its name in the EU's list; a part of it by the box around it, and its code."""
    sweden = _node(f"{_EU}/country/SWE")
    if area.level == "nation":
        return sweden
    return {
        "@type": "dcterms:Location",
        "skos:prefLabel": {"@value": area.name, "@language": "sv"},
        "dcterms:identifier": area.code,
        "dcat:bbox": {"@value": box_of(area.kommuner()).wkt, "@type": "geosparql:wktLiteral"},
    }


def _texts(sv: str, en: str) -> list[dict[str, str]]:
    return [{"@value": sv, "@language": "sv"}, {"@value": en, "@language": "en"}]


def _node(uri: str) -> dict[str, str]:
    return {"@id": uri}
