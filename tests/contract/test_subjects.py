import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vardkase_contracts import ids, subjects, vocab
from vardkase_contracts.areas import CIVO, KOMMUNER, LAN, NATION, Area
from vardkase_contracts.subjects import ReportSubject, SubjectError

SLUGS = st.from_regex(re.compile(ids.SLUG, re.ASCII), fullmatch=True)
KOMMUN_CODES = st.sampled_from(list(KOMMUNER))
REALITIES = st.sampled_from(vocab.REALITIES)
AREAS = [NATION, *(Area.parse(code) for codes in (CIVO, LAN, KOMMUNER) for code in codes)]


@given(REALITIES, KOMMUN_CODES, SLUGS, st.sampled_from([k for k in vocab.REPORT_KINDS if k != "activation"]))
def test_round_trip_of_a_point(reality: vocab.Reality, kommun: str, slug: str, kind: vocab.ReportKind) -> None:
    """What was built is read back, raw and accepted, and only under its own family."""
    expected = ReportSubject(reality, kommun[:2], kommun, slug, kind)
    raw, accepted = subjects.report(reality, kommun, slug, kind), subjects.accepted(reality, kommun, slug, kind)
    assert expected == subjects.parse_report(raw) == subjects.parse_accepted(accepted)
    assert expected.point == f"{kommun}-{slug}"
    assert isinstance(subjects.parse_report(accepted), SubjectError)


@given(REALITIES, KOMMUN_CODES, st.sampled_from(sorted(subjects.MAY_BE_KOMMUN)))
def test_round_trip_of_a_kommun(reality: vocab.Reality, kommun: str, kind: vocab.ReportKind) -> None:
    """A kommun itself stands as `_`."""
    expected = ReportSubject(reality, kommun[:2], kommun, "_", kind)
    assert expected == subjects.parse_report(subjects.report(reality, kommun, "_", kind))


@pytest.mark.parametrize("kind", vocab.REPORT_KINDS)
def test_which_reports_may_be_about_the_kommun(kind: vocab.ReportKind) -> None:
    """Activation is always about the kommun; needs and signs of life may be; the rest never."""
    about_kommun = subjects.parse_report(f"tp.v1.act.report.24.2480._.{kind}")
    about_point = subjects.parse_report(f"tp.v1.act.report.24.2480.skolan.{kind}")
    may = kind in {"activation", "need", "heartbeat", "contact", "withdraw"}
    assert may == isinstance(about_kommun, ReportSubject)
    assert (kind != "activation") == isinstance(about_point, ReportSubject)


@given(st.text(alphabet="tpv1.reporact2480_-xå*> ", max_size=60))
def test_any_subject_is_read_or_refused(text: str) -> None:
    """Whatever the subject, it is read or said what is wrong with it, in one line."""
    parsed = subjects.parse_report(text)
    if isinstance(parsed, SubjectError):
        assert parsed.reason in {"subject_mismatch", "unknown_kommun", "kommun_not_in_lan"}
        assert len(parsed.detail.splitlines()) == 1
    else:
        assert text == subjects.report(parsed.reality, parsed.kommun, parsed.slug, parsed.kind)


@pytest.mark.parametrize("slug", ["", "A", "a.b", "a-", "-a", "a" * 41, "å", "a b", "*", ">", "a\n", "__"])
def test_no_subject_is_built_of_a_wrong_slug(slug: str) -> None:
    """A slug that is none builds no subject."""
    with pytest.raises(ValueError, match="slug"):
        subjects.state("act", "2480", slug)


def test_no_subject_is_built_of_an_unknown_kommun() -> None:
    """A kommun that does not exist builds no subject."""
    with pytest.raises(ValueError, match="kommun"):
        subjects.report("act", "2499", "skolan", "status")


@pytest.mark.parametrize(
    ("expected", "subject"),
    [
        ("tp.v1.act.state.24.2480.umedalen-skola", subjects.state("act", "2480", "umedalen-skola")),
        ("tp.v1.exe.picture.24.2480", subjects.picture("exe", Area.parse("2480"))),
        ("tp.v1.act.picture.24._", subjects.picture("act", Area.parse("24"))),
        ("tp.v1.act.picture._.norra", subjects.picture("act", Area.parse("norra"))),
        ("tp.v1.act.picture._._", subjects.picture("act", NATION)),
        ("tp.v1.act.alert.24.2480.x.power-endurance", subjects.alert("act", "power.endurance/2480-x")),
        ("tp.v1.act.alert.24.2480._.need-overdue", subjects.alert("act", "need.overdue/2480-_")),
        ("tp.v1.act.alert.24.2480._.area-silent", subjects.alert("act", "area.silent/2480")),
        ("tp.v1.act.alert.24._._.area-red_share", subjects.alert("act", "area.red_share/24")),
        ("tp.v1.act.alert._._._.area-red_share", subjects.alert("act", "area.red_share/SE")),
        ("tp.v1.act.public.24.2480.x", subjects.public("2480", "x")),
        ("tp.v1.tst.order.24._.ack", subjects.order("tst", Area.parse("24"), "ack")),
        ("tp.v1.act.audit._._", subjects.audit("act", NATION)),
        ("tp.v1.act.rejected.24.2480.x", subjects.rejected("act", "24", "2480", "x")),
        ("tp.v1._.rejected._._._", subjects.rejected("a b", "*", "24.80", ">")),
    ],
)
def test_subjects_of_the_contract(expected: str, subject: str) -> None:
    """Subjects are those of the contract."""
    assert expected == subject


@pytest.mark.parametrize("key", ["power.endurance", "/2480", "power.endurance/2499-x", "x y/2480", "area.silent/99"])
def test_no_subject_is_built_of_a_wrong_key(key: str) -> None:
    """What is no alert's key builds no subject."""
    with pytest.raises(ValueError, match=r"key|kommun|area"):
        subjects.alert("act", key)


@pytest.mark.parametrize("rule", vocab.RULES)
def test_alert_key_round_trip(rule: str) -> None:
    """An alert's key is read back from its subject, of a point, a kommun and the areas above."""
    abouts = ("2480", "24", "norra", "SE") if rule.startswith("area.") else ("2480-umedalen-skola", "2480-_")
    for about in abouts:
        key = f"{rule}/{about}"
        assert key == subjects.alert_key(subjects.alert("act", key))


def matches(subject: str, pattern: str) -> bool:
    """Whether NATS would deliver it."""
    wanted, given_tokens = pattern.split("."), subject.split(".")
    if wanted[-1] == ">":
        return len(given_tokens) >= len(wanted) and all(
            want in {"*", token} for want, token in zip(wanted[:-1], given_tokens, strict=False)
        )
    return len(given_tokens) == len(wanted) and all(
        want in {"*", token} for want, token in zip(wanted, given_tokens, strict=True)
    )


@given(st.sampled_from(AREAS), KOMMUN_CODES, st.sampled_from([*vocab.REALITIES, None]))
def test_filters_hold_exactly_their_area(area: Area, kommun: str, reality: vocab.Reality | None) -> None:
    """A filter lets through what is of its kommuner, and nothing of another's; of one reality, or of all."""
    inside = area.covers(kommun)
    made: dict[subjects.Family, str] = {
        "report": subjects.report("exe", kommun, "x", "status"),
        "accepted": subjects.accepted("exe", kommun, "x", "status"),
        "rejected": subjects.rejected("exe", kommun[:2], kommun, "x"),
        "state": subjects.state("exe", kommun, "x"),
        "picture": subjects.picture("exe", Area.parse(kommun)),
        "alert": subjects.alert("exe", f"heat.low/{kommun}-x"),
        "order": subjects.order("exe", Area.parse(kommun), "ack"),
        "audit": subjects.audit("exe", Area.parse(kommun)),
    }
    for family, subject in made.items():
        through = [f for f in subjects.family_filters(family, reality, area) if matches(subject, f)]
        assert len(through) == (1 if inside and reality in {None, "exe"} else 0)
    through = [f for f in subjects.family_filters("public", reality, area) if matches(subjects.public(kommun, "x"), f)]
    assert len(through) == inside


@pytest.mark.parametrize("area", AREAS[:40], ids=lambda area: area.code)
def test_filters_hold_the_areas_own(area: Area) -> None:
    """A filter lets through the area's own picture, orders and audit."""
    for family, subject in (
        ("picture", subjects.picture("act", area)),
        ("order", subjects.order("act", area, "note")),
        ("audit", subjects.audit("act", area)),
        ("alert", subjects.alert("act", f"area.red_share/{area.code}")),
    ):
        assert sum(matches(subject, f) for f in subjects.family_filters(family, None, area)) == 1


def test_a_civo_has_no_single_filter() -> None:
    """A civilområde is several län: asking for one filter is refused rather than answered in part."""
    with pytest.raises(ValueError, match="family_filters"):
        subjects.report_filter(None, Area.parse("norra"))
