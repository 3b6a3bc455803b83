"""Names and addresses of places, made up from what such places are called in Sweden. No real person is in them."""

import re
import unicodedata
from collections.abc import Iterator
from random import Random
from typing import Final

_CENTRAL: Final = (
    "{kommun} brandstation",
    "{kommun} sporthall",
    "{kommun} bibliotek",
    "Medborgarhuset i {kommun}",
    "{kommun} ishall",
    "{kommun} gymnasieskola",
    "Församlingshemmet i {kommun}",
    "Folkets hus i {kommun}",
    "{kommun} kulturhus",
    "{kommun} simhall",
)
"""In the centre: these carry the kommun's name."""

_DISTRICTS: Final = (
    "Backa", "Berga", "Björkhaga", "Brunnsäng", "Ekbacka", "Ekeby", "Fagerlid", "Forsby", "Furulund", "Granliden",
    "Gärde", "Hagaby", "Hamnviken", "Heden", "Högalid", "Klockarbo", "Kvarnby", "Kyrkbyn", "Källtorp", "Lillån",
    "Lindhaga", "Lugnet", "Lövåsen", "Mellanby", "Myrby", "Norrby", "Nybo", "Näset", "Ramsdal", "Rosenlund", "Rönnby",
    "Sandviken", "Sjöberga", "Skogslund", "Solbacka", "Stenby", "Strandängen", "Svartå", "Söderby", "Tallåsen",
    "Torpa", "Uddbyn", "Valla", "Vikby", "Västerby", "Åbrinken", "Ängby", "Ödeshult", "Österbo", "Östanå",
)  # fmt: skip
"""Made-up parts of a kommun; many kommuner have one that sounds like it."""

_LOCAL: Final = (
    "{district} skola",
    "{district} bygdegård",
    "{district} idrottshall",
    "{district} församlingshem",
    "{district} brandstation",
    "{district} bibliotek",
    "{district} förskola",
    "Folkets hus i {district}",
    "{district} hembygdsgård",
    "{district} mötesplats",
)

_STREETS: Final = (
    "Skolgatan", "Storgatan", "Kyrkogatan", "Stationsgatan", "Idrottsvägen", "Bygatan", "Torggatan", "Föreningsgatan",
    "Brogatan", "Parkvägen", "Ringvägen", "Hantverkargatan", "Esplanaden", "Kvarngatan", "Strandvägen",
)  # fmt: skip

_LONGEST_SLUG: Final = 40


def slug(name: str) -> str:
    """A point's slug from its name: "Umedalens skola" gives `umedalens-skola`; å and ä become a, ö becomes o."""
    plain = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_SLUG].strip("-")


def place_names(kommun: str, rng: Random) -> Iterator[tuple[str, str]]:
    """Names of places in a kommun, with a district each, without end and without repeats; central ones first."""
    for pattern in rng.sample(_CENTRAL, rng.randint(2, 5)):
        yield pattern.format(kommun=kommun), "Centrum"
    local = [(pattern.format(district=district), district) for district in _DISTRICTS for pattern in _LOCAL]
    rng.shuffle(local)
    yield from local
    number = 2
    while True:
        for name, district in local:
            yield f"{name} {number}", district
        number += 1


def address(rng: Random) -> str:
    """A street and a number."""
    return f"{rng.choice(_STREETS)} {rng.randint(1, 60)}"
