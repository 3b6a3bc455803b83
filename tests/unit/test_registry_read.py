"""Reading a register: encodings, separators, coordinates, words; and what is said of a file that cannot be used."""

import math

import pytest

from registers import read
from vardkase.registry import coordinates, fields, table, values
from vardkase.registry.problems import BadFile

UMEDALEN = (20.167364, 63.826738)


@pytest.mark.parametrize(
    "name",
    [
        "sweref99tm.csv",
        "windows_1252.csv",
        "utf8_bom.csv",
        "utf16.csv",
        "tab_separated.csv",
        "comma_separated.csv",
        "excel_sep_line.csv",
        "north_and_east_swapped.csv",
        "wgs84.csv",
        "wgs84.geojson",
        "sweref99tm.geojson",
    ],
)
def test_a_register_says_the_same_in_every_form(name: str) -> None:
    """Encoding, separator, decimal comma, coordinate system, order of axes and GeoJSON make no difference."""
    found = read(name)
    assert found.problems == ()
    assert [each.name for each in found.found] == ["Umedalens skola", "Östra gymnasiet"]
    assert found.found[0].position == pytest.approx(UMEDALEN, abs=2e-6)
    assert found.found[1].position == pytest.approx((20.30309, 63.811906), abs=2e-6)
    if name.endswith(".csv"):
        assert found.found[0].said["planned_services"] == ["heat", "charging"]
        assert found.found[1].said == {
            "name": "Östra gymnasiet",
            "kind": "varmestuga",
            "capacity_day": 80,
            "backup_type": "none",
            "planned_services": ["food"],
        }


def test_swapped_axes_are_turned_and_counted() -> None:
    """North and east the other way round are seen by their size, turned, and told of."""
    assert (read("north_and_east_swapped.csv").swapped, read("sweref99tm.csv").swapped) == (2, 0)
    assert read("sweref99tm.geojson").swapped == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("local_zone.csv", ("lokal zon", "--crs")),
        ("mixed_systems.csv", ("rad 2", "rad 3", "SWEREF 99 TM", "WGS 84")),
        ("same_header_twice.csv", ("'Namn'", "två gånger")),
        ("header_only.csv", ("inga rader",)),
        ("one_column.csv", ("en kolumn",)),
        ("crs_unknown.geojson", ("EPSG::9999", "EPSG:3006")),
        ("not_geojson.json", ("FeatureCollection",)),
        ("spreadsheet.xlsx", ("Excel", "CSV")),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_what_would_help(name: str, words: tuple[str, ...]) -> None:
    """One line says what is wrong with the file as a whole."""
    with pytest.raises(BadFile) as refused:
        read(name)
    assert "\n" not in str(refused.value)
    assert [word for word in words if word not in str(refused.value)] == []


@pytest.mark.parametrize(
    ("name", "field", "words"),
    [
        ("not_in_sweden.csv", "position", ("0, 0", "Sverige")),
        ("not_a_number.csv", "north", ("okänd", "tal")),
        ("capacity_not_whole.csv", "capacity_day", ("80,5", "heltal")),
        ("unknown_kind.csv", "kind", ("värmestugan", "varmestuga")),
        ("too_many_cells.csv", None, ("9 celler", "rubrikerna är 7")),
        ("cut_row.csv", None, ("4 celler", "rubrikerna är 7")),
        ("unclosed_quote.csv", None, ("1 celler", "citattecken")),
    ],
)
def test_a_bad_row_is_told_of_by_line_and_field_and_stops_no_other(
    name: str, field: str | None, words: tuple[str, ...]
) -> None:
    """One error names the line, the field and what was expected; the other row is good."""
    found = read(name)
    [problem] = found.problems
    assert (problem.severity, problem.line, problem.field) == ("error", 3, field)
    assert [word for word in words if word not in problem.text] == []
    assert [each.name for each in found.found] == ["Umedalens skola"]


def test_a_geometry_that_is_no_point_is_told_of() -> None:
    """A line is no place."""
    [problem] = read("not_a_point.geojson").problems
    assert (problem.line, problem.code) == (1, "row")
    assert "LineString" in problem.text


def test_a_local_zone_is_read_when_it_is_said_which() -> None:
    """`--crs EPSG:3016` (SWEREF 99 20 15) makes sense of what numbers alone do not tell."""
    found = read("local_zone.csv", crs="EPSG:3016")
    assert found.problems == ()
    assert found.found[0].position == pytest.approx((20.31, 63.89), abs=0.02)


def gauss_kruger(lat: float, lon: float) -> tuple[float, float]:
    """North and east in SWEREF 99 TM by Lantmäteriet's formulas (Gauss Conformal Projection), term by term."""
    axis, flattening, scale, false_easting = 6378137.0, 1 / 298.257222101, 0.9996, 500_000.0
    e2 = flattening * (2 - flattening)
    n = flattening / (2 - flattening)
    radius = axis / (1 + n) * (1 + n**2 / 4 + n**4 / 64)
    phi, delta = math.radians(lat), math.radians(lon - 15)
    s, a, b = math.sin(phi), e2, (5 * e2**2 - e2**3) / 6
    c, d = (104 * e2**3 - 45 * e2**4) / 120, 1237 * e2**4 / 1260
    star = phi - s * math.cos(phi) * (a + b * s**2 + c * s**4 + d * s**6)
    xi, eta = math.atan2(math.tan(star), math.cos(delta)), math.atanh(math.cos(star) * math.sin(delta))
    betas = (
        n / 2 - 2 * n**2 / 3 + 5 * n**3 / 16 + 41 * n**4 / 180,
        13 * n**2 / 48 - 3 * n**3 / 5 + 557 * n**4 / 1440,
        61 * n**3 / 240 - 103 * n**4 / 140,
        49561 * n**4 / 161280,
    )
    north = xi + sum(b * math.sin(2 * k * xi) * math.cosh(2 * k * eta) for k, b in enumerate(betas, 1))
    east = eta + sum(b * math.cos(2 * k * xi) * math.sinh(2 * k * eta) for k, b in enumerate(betas, 1))
    return scale * radius * north, scale * radius * east + false_easting


def test_known_places_come_out_where_they_are() -> None:
    """SWEREF 99 TM agrees with Lantmäteriet's own formulas from Ystad to Kiruna, and back, to a decimetre."""
    system = coordinates.SYSTEMS[coordinates.SWEREF99TM]
    [stockholm] = coordinates.to_wgs84([(6580822.0, 674032.0)], system)
    assert stockholm == pytest.approx((18.059190, 59.330231), abs=1e-6)
    for lon, lat in [stockholm, (13.82, 55.43), (20.23, 67.86), (11.17, 58.94), (24.14, 65.85)]:
        north, east = gauss_kruger(lat, lon)
        assert coordinates.to_metres([(lon, lat)])[0] == pytest.approx((east, north), abs=0.01)
        assert coordinates.to_wgs84([(north, east)], system)[0] == pytest.approx((lon, lat), abs=1.1e-6)


@pytest.mark.parametrize(
    ("name", "epsg"),
    [
        ("EPSG:3006", 3006),
        ("urn:ogc:def:crs:EPSG::3006", 3006),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", 4326),
        ("http://www.opengis.net/def/crs/EPSG/0/3010", 3010),
        ("sweref99tm", 3006),
        ("WGS 84", 4326),
        ("3021", 3021),
    ],
)
def test_coordinate_systems_go_by_many_names(name: str, epsg: int) -> None:
    """What GIS programs write, and what people type."""
    assert coordinates.named(name, by="--crs").epsg == epsg


def test_no_place_in_sweden_fits_two_systems_or_two_orders() -> None:
    """What detection rests on: ranges of north and east, of degrees and metres, have nothing in common."""
    tm, degrees = coordinates.SYSTEMS[3006], coordinates.SYSTEMS[4326]
    for system in coordinates.SYSTEMS.values():
        assert system.east[1] < system.north[0]
    assert degrees.north[1] < tm.east[0]


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("63.84, 20.16", (63.84, 20.16)),
        ("63,84 20,16", (63.84, 20.16)),
        ("63,84; 20,16", (63.84, 20.16)),
        ("7086880 758000", (7086880, 758000)),
        ("POINT (20.16 63.84)", (63.84, 20.16)),
        ("SRID=3006;POINT Z (758000 7086880 12)", (7086880, 758000)),
    ],
)
def test_two_coordinates_in_one_cell(text: str, pair: tuple[float, float]) -> None:
    """As people and databases write them, north first."""
    assert coordinates.of_text(text) == pair


@pytest.mark.parametrize(
    ("text", "number"),
    [("12,5", 12.5), ("1 200", 1200), ("1\u00a0200,5", 1200.5), ("-3", -3), ("7088000.25", 7088000.25)],
)
def test_numbers_as_swedes_write_them(text: str, number: float) -> None:
    """A comma for decimals, blanks between thousands."""
    assert coordinates.number(text) == number


@pytest.mark.parametrize("text", ["", "1.2.3", "1,2,3", "tolv", "1e5", "NaN", "inf", "9" * 400])
def test_what_is_no_number_is_refused(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match="tal väntades"):
        coordinates.number(text)


@pytest.mark.parametrize("cell", ["2480", "Umeå", "umeå kommun", 2480.0, "Umea"])
def test_a_kommun_by_code_or_name(cell: table.Cell) -> None:
    """The code, or the name however it is written."""
    assert values.kommun(cell) == "2480"


def test_a_kommun_whose_zero_a_spreadsheet_took() -> None:
    """0114 is Upplands Väsby, also as the number 114."""
    assert (values.kommun("114"), values.kommun(114.0), values.kommun("Upplands Väsby")) == ("0114",) * 3


def test_headers_are_known_in_swedish_and_english_and_the_rest_is_listed() -> None:
    """Case, accents, units and punctuation do not matter; what means nothing is listed."""
    found = fields.recognise(["NAMN", "X-koord", "Y_koord", "Kapacitet dag (antal)", "Kommentar", "Besöksadress"], {})
    assert found.header_of == {
        "name": "NAMN",
        "north": "Y_koord",
        "east": "X-koord",
        "capacity_day": "Kapacitet dag (antal)",
        "address": "Besöksadress",
    }
    assert found.unknown == ("Kommentar",)


def test_of_two_columns_of_one_field_the_likelier_is_used_and_the_other_told_of() -> None:
    """The code goes before the name."""
    found = fields.recognise(["kommunnamn", "namn", "kommunkod"], {})
    assert (found.header_of["kommun"], dict(found.passed_over)) == ("kommunkod", {"kommunnamn": "kommun"})


def test_map_wins_over_what_a_header_seems_to_say() -> None:
    """`--map Lokal=name` though there is a column Namn."""
    found = fields.recognise(["Namn", "Lokal"], {"lokal": "name"})
    assert (found.header_of["name"], dict(found.passed_over)) == ("Lokal", {"Namn": "name"})


@pytest.mark.parametrize("maps", [{"Saknas": "name"}, {"Namn": "nope"}, {"Namn": "name", "Lokal": "name"}])
def test_a_map_that_cannot_be_is_refused(maps: dict[str, str]) -> None:
    """A column or a field that is not there, or a field twice."""
    with pytest.raises(BadFile, match="--map"):
        fields.recognise(["Namn", "Lokal"], maps)


def test_a_row_that_says_no_kommun_asks_for_it() -> None:
    """Where a point belongs is not guessed from where it lies."""
    problems = read("sweref99tm.csv", kommun=None).problems
    assert {each.code for each in problems} == {"kommun"}
    assert all("--kommun" in each.text for each in problems)


def test_deep_json_and_endless_cells_end_in_one_line() -> None:
    """Hostile files are refused, not crashed on."""
    for raw in (b'{"a":' * 100_000, b"a;b\n" + b'"' + b"x" * 200_000, b"a;b\n\0\0", b"", b"   \n\n"):
        with pytest.raises(BadFile):
            table.read(raw)
