import pytest

from vardkase.gateway.principal import ROLES, Principal, within
from vardkase_contracts.areas import CIVO, KOMMUNER, LAN, NATION, Area
from vardkase_contracts.vocab import ORDER_KINDS, REALITIES, REPORT_KINDS, AccessRole, OrderKind, Reality, ReportKind

UMEA, AC, NORRA = Area.parse("2480"), Area.parse("24"), Area.parse("norra")
STOCKHOLM = Area.parse("0180")
ALL = frozenset(REALITIES)


def of(role: AccessRole, area: Area, *, realities: frozenset[Reality] = ALL, point: str | None = None) -> Principal:
    return Principal(id="x", role=role, area=area, realities=realities, point=point)


EVERY = [
    *(Area("kommun", code) for code in KOMMUNER),
    *(Area("lan", code) for code in LAN),
    *(Area("civo", code) for code in CIVO),
    NATION,
]


def test_an_area_lies_in_its_own_and_in_those_above_it_and_nowhere_else() -> None:
    """Within follows the kommuner and the levels, for every pair of areas."""
    order = ("kommun", "lan", "civo", "nation")
    for inner in EVERY:
        kommuner = set(inner.kommuner())
        for outer in EVERY:
            lower = order.index(inner.level) < order.index(outer.level)
            assert within(inner, outer) == (inner == outer or (lower and kommuner <= set(outer.kommuner())))


def test_gotlands_kommun_does_not_open_the_picture_of_its_lan() -> None:
    """A län with a single kommun is another area than the kommun: its picture is the länsstyrelse's."""
    gotland, lan = Area.parse("0980"), Area.parse("09")
    assert gotland.kommuner() == lan.kommuner()
    assert not of("kommun", gotland).reads(lan, "act")
    assert of("lan", lan).reads(gotland, "act")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("mine", [UMEA, AC, NORRA, NATION], ids=lambda area: area.code)
@pytest.mark.parametrize("area", [UMEA, AC, NORRA, NATION, STOCKHOLM, Area.parse("01")], ids=lambda area: area.code)
def test_pictures_are_read_by_those_who_read_and_in_their_area_alone(role: AccessRole, mine: Area, area: Area) -> None:
    """A reporter reads no picture; everybody else those of the area and of what lies in it."""
    assert of(role, mine).reads(area, "act") == (role != "reporter" and within(area, mine))


@pytest.mark.parametrize("role", ROLES)
def test_a_reality_that_is_not_held_opens_nothing(role: AccessRole) -> None:
    """Whoever has the exercise alone neither reads, reports nor acts in what is real."""
    who = of(role, UMEA, realities=frozenset({"exe"}))
    assert not who.reads(UMEA, "act")
    assert not who.reads_point("2480-x", "act")
    assert not any(who.reports("2480-x", "act", kind) for kind in REPORT_KINDS)
    assert not any(who.orders(kind, UMEA, "act") for kind in ORDER_KINDS)


@pytest.mark.parametrize("kind", REPORT_KINDS)
@pytest.mark.parametrize("role", ROLES)
def test_reports_are_sent_by_reporters_kommuner_and_the_operator_of_their_own_points(
    role: AccessRole, kind: ReportKind
) -> None:
    """A level never takes over a kommun's reports; nobody reports for another kommun."""
    may = role in {"reporter", "kommun", "admin"}
    assert of(role, UMEA).reports("2480-x", "act", kind) == may
    assert of(role, UMEA).reports("2480-_", "act", kind) == may
    assert not of(role, UMEA).reports("0180-x", "act", kind)
    assert not of(role, UMEA).reports("9999-x", "act", kind)


@pytest.mark.parametrize("kind", REPORT_KINDS)
def test_who_is_bound_to_a_point_says_how_it_is_and_not_what_it_is(kind: ReportKind) -> None:
    """A form's link sends no register, retire, withdraw or activation, and nothing of another point."""
    who = of("reporter", UMEA, point="2480-x")
    assert who.reports("2480-x", "act", kind) == (kind not in {"register", "retire", "withdraw", "activation"})
    assert not who.reports("2480-y", "act", kind)
    assert not who.reports("2480-_", "act", kind)
    assert who.reads_point("2480-x", "act")
    assert not who.reads_point("2480-y", "act")


@pytest.mark.parametrize("kind", ORDER_KINDS)
@pytest.mark.parametrize("role", ROLES)
def test_orders_are_given_by_staff_about_their_area(role: AccessRole, kind: OrderKind) -> None:
    """Readers and reporters order nothing; a kommun asks nobody for reports; nobody orders above themselves."""
    staff = role in {"kommun", "lan", "nation", "admin"}
    asks = role != "kommun" or kind != "report_request"
    assert of(role, AC).orders(kind, UMEA, "act") == (staff and asks)
    assert not of(role, UMEA).orders(kind, AC, "act")
    assert not of(role, UMEA).orders(kind, STOCKHOLM, "act")


def test_a_point_of_no_kommun_is_read_by_nobody() -> None:
    """What is no point's id opens nothing, whoever asks."""
    for point in ("9999-x", "", "24", "SE", "2480"):
        assert not of("reader", Area.parse("0180")).reads_point(point, "act")
    assert not of("nation", NATION).reads_point("9999-x", "act")
