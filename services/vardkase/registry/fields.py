"""The columns that a register may have: what each one is called in files, and in Swedish.

A header is compared without case, accents, blanks, punctuation and what stands in brackets: `Kapacitet dag (antal)`
is `kapacitetdag`.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vardkase.registry.problems import BadFile

ID: Final = "id"
KOMMUN: Final = "kommun"
NORTH: Final = "north"
EAST: Final = "east"
POSITION: Final = "position"

HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    ID: ("id", "punktid", "pointid", "trygghetspunktid", "slug"),
    KOMMUN: ("kommunkod", "kommun", "kommunnamn", "municipalitycode", "municipality", "knkod"),
    "name": ("namn", "name", "benamning", "platsnamn", "plats", "lokal", "anlaggning", "objektnamn"),
    "kind": ("kind", "typ", "type", "slag", "kategori", "punkttyp"),
    NORTH: (
        *("north", "nord", "northing", "n", "lat", "latitud", "latitude", "y", "ykoord", "ykoordinat", "ycoord"),
        *("nkoord", "nkoordinat", "nordkoordinat", "nordlig", "sweref99n", "sweref99tmn", "koordn", "koordy", "pointy"),
    ),
    EAST: (
        *("east", "ost", "easting", "e", "o", "lon", "lng", "long", "longitud", "longitude", "x", "xkoord"),
        *("xkoordinat", "xcoord", "ekoord", "ekoordinat", "ostkoordinat", "ostlig", "sweref99e", "sweref99tme"),
        *("koorde", "koordx", "pointx"),
    ),
    POSITION: ("position", "koordinater", "koordinat", "coordinates", "wkt", "geom", "geometry", "thegeom", "lage"),
    "publish": ("publish", "publicering", "publicera", "synlighet", "synlig", "offentlig", "publik"),
    "no": ("no", "nr", "nummer", "punktnummer", "radionummer"),
    "address": ("address", "adress", "gatuadress", "besoksadress"),
    "org_unit": ("orgunit", "stadsdel", "enhet", "forvaltning", "distrikt", "ansvarigenhet"),
    "serves": ("serves", "betjanar", "betjanarkommuner", "andrakommuner"),
    "local_label": ("locallabel", "lokaltnamn", "lokalbenamning", "kallas"),
    "service_level": ("servicelevel", "serviceniva", "niva"),
    "mobility": ("mobility", "rorlighet"),
    "planned_services": (
        *("plannedservices", "planeradefunktioner", "funktioner", "planeradetjanster", "tjanster", "services"),
        *("service", "utbud"),
    ),
    "accessibility": ("accessibility", "tillganglighet", "tillganglighetsanpassning"),
    "capacity_day": ("capacityday", "kapacitetdag", "kapacitet", "capacity", "antalplatser", "platser", "maxantal"),
    "capacity_night": ("capacitynight", "kapacitetnatt", "sovplatser", "nattplatser"),
    "staff_required": ("staffrequired", "bemanning", "bemanningsbehov", "personalbehov", "personal"),
    "staff_min": ("staffmin", "minstabemanning", "minbemanning", "lagstabemanning"),
    "backup_type": ("backuptype", "reservkraft", "reservelverk", "elverk"),
    "refill_lead_h": ("refillleadh", "ledtidpafyllning", "pafyllningstid", "ledtidh", "ledtid"),
    "fuel_priority": ("fuelpriority", "drivmedelsprioritet", "drivmedelsprio", "bransleprioritet", "prioritet"),
}
"""What a column of each field may be called, the likeliest first."""

FIELDS: Final = tuple(HEADERS)
"""What a column may hold."""
LOCATION: Final = frozenset({NORTH, EAST, POSITION})
"""What tells where a point is."""
PROFILE: Final = tuple(name for name in FIELDS if name not in {ID, KOMMUN, NORTH, EAST, POSITION})
"""The fields of a register report that are columns of their own."""

LABEL: Final[Mapping[str, str]] = {
    ID: "id",
    KOMMUN: "kommun",
    "name": "namn",
    "kind": "slag",
    NORTH: "nord",
    EAST: "öst",
    POSITION: "läge",
    "publish": "publicering",
    "no": "nummer",
    "address": "adress",
    "org_unit": "enhet",
    "serves": "betjänar",
    "local_label": "kallas lokalt",
    "service_level": "servicenivå",
    "mobility": "rörlighet",
    "planned_services": "planerade funktioner",
    "accessibility": "tillgänglighet",
    "capacity_day": "kapacitet dag",
    "capacity_night": "kapacitet natt",
    "staff_required": "bemanning",
    "staff_min": "minsta bemanning",
    "backup_type": "reservkraft",
    "refill_lead_h": "ledtid för påfyllning (h)",
    "fuel_priority": "prioritet för drivmedel",
}
"""A field in Swedish."""

_BRACKETS: Final = re.compile(r"[(\[].*?[)\]]")
_NOISE: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """What the columns of a file hold."""

    header_of: Mapping[str, str]
    """The header of each field that the file has."""
    unknown: tuple[str, ...]
    """Headers that mean nothing to us: listed, not refused."""
    passed_over: Mapping[str, str]
    """Headers of a field that another column gives already, and that field."""


def plain(text: str) -> str:
    """A word in a-z and 0-9 alone, to be compared."""
    ascii_only = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return _NOISE.sub("", ascii_only)


def recognise(headers: Sequence[str], given: Mapping[str, str]) -> Columns:
    """Which column holds what.

    Args:
        headers: of the file, as they stand there.
        given: what `--map` says: the field of a header.

    Raises:
        BadFile: `given` names a column or a field that is not there, or a field twice.
    """
    named = _given(headers, given)
    header_of = {field: header for header, field in named.items()}
    meanings = {header: field for header in headers if header not in named and (field := _meaning(header))}
    passed_over: dict[str, str] = {}
    for field in FIELDS:
        names = HEADERS[field]
        found = sorted(
            (h for h, meaning in meanings.items() if meaning == field), key=lambda h, names=names: names.index(_key(h))
        )
        if field not in header_of and found:
            header_of[field] = found.pop(0)
        passed_over.update(dict.fromkeys(found, field))
    if POSITION in header_of and NORTH in header_of and EAST in header_of and POSITION not in named.values():
        passed_over[header_of.pop(POSITION)] = POSITION
    unknown = tuple(header for header in headers if header not in named and header not in meanings)
    return Columns(header_of=header_of, unknown=unknown, passed_over=passed_over)


def _given(headers: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    named: dict[str, str] = {}
    for column, field in given.items():
        header = _find(column, headers)
        if header is None:
            raise BadFile(f"--map {column}={field}: filen har ingen kolumn {column!r}; den har {_list(headers)}")
        if field not in HEADERS:
            raise BadFile(f"--map {column}={field}: det finns inget fält {field!r}; det finns {_list(FIELDS)}")
        if field in named.values():
            raise BadFile(f"--map {column}={field}: fältet {field} ges av två kolumner")
        named[header] = field
    return named


def _find(column: str, headers: Sequence[str]) -> str | None:
    if column in headers:
        return column
    return next((header for header in headers if plain(header) == plain(column)), None)


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "inga"


def _key(header: str) -> str:
    return plain(_BRACKETS.sub("", header)) or plain(header)


def _meaning(header: str) -> str | None:
    key = _key(header)
    return next((field for field, names in HEADERS.items() if key in names), None)
