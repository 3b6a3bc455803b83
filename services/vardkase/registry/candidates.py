"""From rows to candidates: what each row says of which point, and what is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import ValidationError

from vardkase.registry import coordinates, values
from vardkase.registry.coordinates import Pair, System
from vardkase.registry.fields import EAST, ID, KOMMUN, LABEL, NORTH, POSITION, PROFILE, Columns
from vardkase.registry.problems import Problem
from vardkase.registry.table import Row, Table
from vardkase_contracts import ids
from vardkase_contracts.areas import KOMMUNER

_NOTHING: Final = object()


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """What a row says of a point."""

    line: int
    """Where it stands in the file."""
    kommun: str
    """The code of its kommun."""
    slug: str | None
    """Its slug as the file gives it; None: it is to be made of the name."""
    said: Mapping[str, Any]
    """Fields of the register report that the row says something of; None says "unknown now"."""
    position: tuple[float, float] | None
    """Longitude and latitude (WGS 84); None: the row says nothing of it."""

    @property
    def name(self) -> str:
        """What it is called; empty when the row does not say."""
        return self.said.get("name") or ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidates:
    """What a file says."""

    found: tuple[Candidate, ...]
    problems: tuple[Problem, ...]
    system: System | None
    """The coordinate system of the file; None when it has no coordinates."""
    swapped: int
    """Rows whose two coordinates stood the other way round than their headers say."""


def candidates(
    table: Table, columns: Columns, *, constants: Mapping[str, str], kommun: str | None, crs: str | None
) -> Candidates:
    """What the rows of a file say.

    Args:
        table: the file.
        columns: what its columns hold.
        constants: fields that have one value for all rows (`--set`).
        kommun: the kommun of rows that do not say.
        crs: the coordinate system; None: as the file says, else as its numbers say.

    Raises:
        BadFile: the coordinate system is unknown, or cannot be told.
    """
    problems: list[Problem] = []
    drafted = [_draft(row, columns, constants, kommun, problems) for row in table.rows]
    # Rows that cannot be used for another reason tell the coordinate system all the same.
    located = [(row.line, pair) for row, (_, pair) in zip(table.rows, drafted, strict=True) if pair is not None]
    drafts = [(draft, pair) for draft, pair in drafted if draft is not None]
    if crs is not None:
        system = coordinates.named(crs, by="--crs")
    elif table.crs is not None:
        system = coordinates.named(table.crs, by="crs i filen")
    else:
        system = coordinates.detect(located) if located else None
    placed = _placed(drafts, system, problems) if system is not None else [draft for draft, _ in drafts]
    swapped = 0 if system is None else sum(_is_swapped(pair, system) for _, pair in located)
    return Candidates(found=tuple(placed), problems=tuple(problems), system=system, swapped=swapped)


def _draft(
    row: Row, columns: Columns, constants: Mapping[str, str], kommun: str | None, problems: list[Problem]
) -> tuple[Candidate | None, Pair | None]:
    """The candidate without its position, None when the row cannot be used; and the coordinates as they stand."""
    wrong: list[Problem] = []

    def bad(field: str | None, code: str, text: str) -> None:
        label = "" if field is None else f"{LABEL[field]}: "
        wrong.append(Problem(severity="error", code=code, text=f"{label}{text}", line=row.line, field=field))

    def cell(field: str) -> Any:
        header = columns.header_of.get(field)
        if header is not None and header in row.cells:
            return row.cells[header]
        return constants.get(field, _NOTHING)

    if row.trouble is not None:
        bad(None, "row", row.trouble)
        problems.extend(wrong)
        return None, None
    said: dict[str, Any] = {}
    for field in PROFILE:
        if (found := cell(field)) is not _NOTHING:
            try:
                said[field] = values.parse(field, found)
            except ValueError as error:
                bad(field, "value", str(error))
    where, slug = _whose(cell(ID), cell(KOMMUN), row.id, kommun, bad)
    pair = _pair(row, cell, bad)
    problems.extend(wrong)
    if wrong:
        return None, pair
    return Candidate(line=row.line, kommun=where, slug=slug, said=said, position=None), pair


def _whose(identity: Any, kommun: Any, feature: str | None, default: str | None, bad: Any) -> tuple[str, str | None]:
    """The kommun and the slug of a row."""
    given, slug = None, None
    text = "" if identity in {_NOTHING, None} else values.line(identity).casefold()
    if not text and feature is not None and _full(feature) is not None:
        text = feature
    full = _full(text)
    if full is not None:
        given, slug = full.kommun, full.slug
    elif text:
        slug = text
        if not ids.is_slug(text):
            bad(ID, "id", f"ett id väntades, 1-40 av a-z, 0-9 och - (som umedalens-skola), inte {text[:60]!r}")
    if kommun not in {_NOTHING, None}:
        try:
            said = values.kommun(kommun)
        except ValueError as error:
            bad(KOMMUN, "kommun", str(error))
            return "", slug
        if given not in {None, said}:
            bad(ID, "kommun", f"id {text} hör till kommun {given}, men raden säger kommun {said}")
        given = said
    given = given or default
    if given is None:
        bad(KOMMUN, "kommun", "raden säger inte vilken kommun; ge den med --kommun, eller i en kolumn")
    return given or "", slug


def _full(text: str) -> ids.PointId | None:
    try:
        point = ids.split_point_id(text)
    except ValueError:
        return None
    known = point.slug != ids.KOMMUN_ITSELF and point.kommun in KOMMUNER
    return point if known else None


def _pair(row: Row, cell: Any, bad: Any) -> Pair | None:
    """The coordinates of a row, as they stand; None when it says nothing of its position."""
    north, east, position = cell(NORTH), cell(EAST), cell(POSITION)
    try:
        if row.coordinates is not None:
            east_first, north_next = row.coordinates
            return north_next, east_first
        if position not in {_NOTHING, None}:
            return coordinates.of_text(values.line(position))
    except ValueError as error:
        bad(POSITION, "position", str(error))
        return None
    empty = [field for field, found in ((NORTH, north), (EAST, east)) if found in {_NOTHING, None}]
    if len(empty) == 2:
        return None
    if empty:
        bad(empty[0], "position", "koordinaten saknas, den andra finns")
        return None
    pair: list[float] = []
    for field, found in ((NORTH, north), (EAST, east)):
        try:
            pair.append(values.coordinate(found))
        except ValueError as error:
            bad(field, "position", str(error))
    return (pair[0], pair[1]) if len(pair) == 2 else None


def _placed(
    drafts: Sequence[tuple[Candidate, Pair | None]], system: System, problems: list[Problem]
) -> list[Candidate]:
    """The candidates with their positions."""
    places = [None if pair is None else coordinates.place(pair, system) for _, pair in drafts]
    degrees = iter(coordinates.to_wgs84([place for place in places if place is not None], system))
    found: list[Candidate] = []
    for (draft, pair), place in zip(drafts, places, strict=True):
        if pair is None:
            found.append(draft)
        elif place is not None:
            found.append(replace(draft, position=next(degrees)))
        else:
            told = f"{pair[0]:.10g}, {pair[1]:.10g}"
            text = f"läge: {told} ligger inte i Sverige ({system.name} väntades)"
            problems.append(Problem(severity="error", code="not_in_sweden", text=text, line=draft.line, field=POSITION))
    return found


def _is_swapped(pair: Pair, system: System) -> bool:
    place = coordinates.place(pair, system)
    return place is not None and place != pair


_EXPECTED: Final = {
    "greater_than_equal": "minst {ge:g} väntades",
    "greater_than": "mer än {gt:g} väntades",
    "less_than_equal": "högst {le:g} väntades",
    "string_too_long": "högst {max_length} tecken väntades",
    "string_too_short": "minst {min_length} tecken väntades",
    "too_long": "högst {max_length} väntades",
    "string_pattern_mismatch": "texten har tecken som inte tas emot, eller är tom",
    "unknown_kommun": "det finns ingen kommun med den koden",
    "missing": "saknas",
}


def explained(error: ValidationError) -> list[tuple[str, str]]:
    """What is wrong with a profile: field and reason in Swedish."""
    found: list[tuple[str, str]] = []
    for each in error.errors(include_url=False, include_input=False):
        field = str(each["loc"][0]) if each["loc"] else ""
        pattern = _EXPECTED.get(each["type"])
        found.append((field, pattern.format(**each.get("ctx", {})) if pattern else each["msg"]))
    return found
