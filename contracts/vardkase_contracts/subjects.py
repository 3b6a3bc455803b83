"""Subjects: the NATS addresses of everything, built and read in one place.

    tp.v1.<reality>.<family>.<lan>.<kommun>[.<slug>[.<kind or rule>]]

An area above a kommun has `_` where it has no part (län `24._`, the nation `_._`, civilområde `_.norra`), so that a
permission can be cut by prefix. `_` for a slug is the kommun itself. A rule's `.` is `-` in a subject.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, get_args

from vardkase_contracts import ids, vocab
from vardkase_contracts.areas import CIVO, KOMMUNER, NATION_CODE, Area

ROOT: Final = "tp.v1"
"""What every subject of this version begins with."""
ABSENT: Final = "_"
"""Stands where an area has no part, and for the kommun itself where a slug would stand."""

Family = Literal["report", "accepted", "rejected", "state", "picture", "alert", "public", "order", "audit"]
"""What is sent under a subject."""
FAMILIES: Final[tuple[Family, ...]] = get_args(Family)

ALWAYS_KOMMUN: Final[frozenset[vocab.ReportKind]] = frozenset({"activation"})
"""Reports that are about the kommun itself (`_`)."""
MAY_BE_KOMMUN: Final[frozenset[vocab.ReportKind]] = frozenset(
    {"need", "heartbeat", "contact", "withdraw", "activation"}
)
"""Reports that may be about the kommun itself."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class ReportSubject(NamedTuple):
    """A report's subject in its parts, each known to be right."""

    reality: vocab.Reality
    lan: str
    kommun: str
    slug: str
    """The point's slug; `_` for the kommun itself."""
    kind: vocab.ReportKind

    @property
    def point(self) -> str:
        """`<kommun>-<slug>`: what the event's `subject` must be."""
        return f"{self.kommun}-{self.slug}"

    @property
    def accepted(self) -> str:
        """Where the report stands once it was checked: what `accepted` gives for these parts."""
        return f"{ROOT}.{self.reality}.accepted.{self.lan}.{self.kommun}.{self.slug}.{self.kind}"


@dataclass(frozen=True, kw_only=True, slots=True)
class SubjectError:
    """What is wrong with a report's subject."""

    reason: vocab.RefusalReason
    """`unknown_kommun`, `kommun_not_in_lan`, or `subject_mismatch` for the rest."""
    field: str
    """The part: `subject` (its shape), `reality`, `lan`, `kommun`, `slug` or `kind`."""
    detail: str
    """One line for a person."""


def _kommun(kommun: str) -> str:
    if kommun not in KOMMUNER:
        raise ValueError("there is no kommun with this code")
    return f"{kommun[:2]}.{kommun}"


def _point(kommun: str, slug: str) -> str:
    if slug != ids.KOMMUN_ITSELF and not ids.is_slug(slug):
        raise ValueError("a slug is 1-40 of a-z, 0-9 and -, or _ for the kommun itself")
    return f"{_kommun(kommun)}.{slug}"


def _area(area: Area) -> str:
    match area.level:
        case "kommun":
            return _kommun(area.code)
        case "lan":
            return f"{area.code}.{ABSENT}"
        case "civo":
            return f"{ABSENT}.{area.code}"
        case "nation":
            return f"{ABSENT}.{ABSENT}"


def report(reality: vocab.Reality, kommun: str, slug: str, kind: vocab.ReportKind) -> str:
    """Where a report is sent.

    Raises:
        ValueError: no such kommun, or no such slug.
    """
    return f"{ROOT}.{reality}.report.{_point(kommun, slug)}.{kind}"


def accepted(reality: vocab.Reality, kommun: str, slug: str, kind: vocab.ReportKind) -> str:
    """Where a report stands once it was checked.

    Raises:
        ValueError: no such kommun, or no such slug.
    """
    return f"{ROOT}.{reality}.accepted.{_point(kommun, slug)}.{kind}"


def rejected(reality: str, lan: str, kommun: str, slug: str) -> str:
    """Where a refused report is told of. The parts are those of the refused subject, right or wrong.

    A part that could not stand in a subject of ours is `_`.
    """
    tokens = (token if _TOKEN.fullmatch(token) else ABSENT for token in (lan, kommun, slug))
    world = reality if reality in vocab.REALITIES else ABSENT
    return f"{ROOT}.{world}.rejected.{'.'.join(tokens)}"


def state(reality: vocab.Reality, kommun: str, slug: str) -> str:
    """Where a point's state is kept.

    Raises:
        ValueError: no such kommun, or no such slug.
    """
    return f"{ROOT}.{reality}.state.{_point(kommun, slug)}"


def picture(reality: vocab.Reality, area: Area) -> str:
    """Where an area's picture is kept."""
    return f"{ROOT}.{reality}.picture.{_area(area)}"


def alert(reality: vocab.Reality, key: str) -> str:
    """Where the changes of an alert are sent, by its key: `power.endurance/2480-x`, `area.silent/2480`.

    Raises:
        ValueError: it is no alert's key.
    """
    rule, slash, about = key.partition("/")
    if not slash or not rule or not _TOKEN.fullmatch(rule.replace(".", "-")):
        raise ValueError("an alert's key is <rule>/<point or area>")
    token = rule.replace(".", "-")
    if len(about) > 5 and about[4] == "-":
        point = ids.split_point_id(about)
        return f"{ROOT}.{reality}.alert.{_point(point.kommun, point.slug)}.{token}"
    return f"{ROOT}.{reality}.alert.{_area(Area.parse(about))}.{ABSENT}.{token}"


def public(kommun: str, slug: str) -> str:
    """Where what the public may see of a point is kept. There is only `act`.

    Raises:
        ValueError: no such kommun, or no such slug.
    """
    return f"{ROOT}.act.public.{_point(kommun, slug)}"


def order(reality: vocab.Reality, area: Area, kind: vocab.OrderKind) -> str:
    """Where an order about an area is sent."""
    return f"{ROOT}.{reality}.order.{_area(area)}.{kind}"


def audit(reality: vocab.Reality, area: Area) -> str:
    """Where it is told who read or did what in an area."""
    return f"{ROOT}.{reality}.audit.{_area(area)}"


def family_filter(family: Family, reality: vocab.Reality | None, area: Area) -> str:
    """The one filter for all of a family in an area and below it.

    Args:
        family: what to listen to.
        reality: one, or `None` for all three (of `public` there is only `act`).
        area: a kommun, a län or the nation. A kommun's filter leaves out what is about its län.

    Raises:
        ValueError: a civilområde has no such filter (see `family_filters`), or there is no such kommun.
    """
    if family == "public":
        reality = "act"
    head = f"{ROOT}.{reality or '*'}.{family}"
    match area.level:
        case "kommun":
            tail = _kommun(area.code)
            return f"{head}.{tail}" if family in {"picture", "audit"} else f"{head}.{tail}.>"
        case "lan":
            return f"{head}.{area.code}.>"
        case "nation":
            return f"{head}.>"
        case "civo":
            raise ValueError("a civilområde is several län: use family_filters")


def family_filters(family: Family, reality: vocab.Reality | None, area: Area) -> tuple[str, ...]:
    """The filters for all of a family in an area and below it; also for a civilområde.

    Raises:
        ValueError: there is no such kommun.
    """
    if area.level != "civo":
        return (family_filter(family, reality, area),)
    own = f"{ROOT}.{'act' if family == 'public' else reality or '*'}.{family}.{ABSENT}.{area.code}"
    of_lan = tuple(family_filter(family, reality, Area("lan", code)) for code in CIVO[area.code].lan)
    if family in {"picture", "audit"}:
        return (own, *of_lan)
    if family in {"alert", "order"}:
        return (f"{own}.>", *of_lan)
    return of_lan


def report_filter(reality: vocab.Reality | None, area: Area) -> str:
    """`family_filter` of raw reports."""
    return family_filter("report", reality, area)


def accepted_filter(reality: vocab.Reality | None, area: Area) -> str:
    """`family_filter` of accepted reports."""
    return family_filter("accepted", reality, area)


def rejected_filter(reality: vocab.Reality | None, area: Area) -> str:
    """`family_filter` of refused reports."""
    return family_filter("rejected", reality, area)


def state_filter(reality: vocab.Reality | None, area: Area) -> str:
    """`family_filter` of states."""
    return family_filter("state", reality, area)


def picture_filter(reality: vocab.Reality | None, area: Area) -> str:
    """`family_filter` of pictures."""
    return family_filter("picture", reality, area)


def alert_filter(reality: vocab.Reality | None, area: Area) -> str:
    """`family_filter` of alerts."""
    return family_filter("alert", reality, area)


def public_filter(area: Area) -> str:
    """`family_filter` of what the public may see."""
    return family_filter("public", "act", area)


def order_filter(reality: vocab.Reality | None, area: Area) -> str:
    """`family_filter` of orders."""
    return family_filter("order", reality, area)


def orders_of(reality: vocab.Reality, kind: vocab.OrderKind) -> str:
    """The filter for all orders of a kind that a node holds, whatever their area."""
    return f"{ROOT}.{reality}.order.*.*.{kind}"


def audit_filter(reality: vocab.Reality | None, area: Area) -> str:
    """`family_filter` of audit events."""
    return family_filter("audit", reality, area)


def parse_report(subject: str) -> ReportSubject | SubjectError:
    """The parts of a raw report's subject, or what is wrong with it."""
    return _parse(subject, "report")


def parse_accepted(subject: str) -> ReportSubject | SubjectError:
    """The parts of an accepted report's subject, or what is wrong with it."""
    return _parse(subject, "accepted")


def _parse(subject: str, family: Family) -> ReportSubject | SubjectError:
    tokens = subject.split(".")
    if len(tokens) != 8 or tokens[0] != "tp" or tokens[1] != "v1" or tokens[3] != family:
        return _mismatch("subject", f"The subject is not {ROOT}.<reality>.{family}.<lan>.<kommun>.<slug>.<kind>")
    _, _, reality, _, lan, kommun, slug, kind = tokens
    known = KOMMUNER.get(kommun)
    if known is None:
        return SubjectError(reason="unknown_kommun", field="kommun", detail="There is no kommun with this code")
    if known.lan != lan:
        detail = f"The kommun {kommun} lies in the län {known.lan}, not in the one of the subject"
        return SubjectError(reason="kommun_not_in_lan", field="lan", detail=detail)
    if reality not in vocab.REALITIES:
        return _mismatch("reality", "The reality is act, exe or tst")
    if kind not in vocab.REPORT_KINDS:
        return _mismatch("kind", "There is no such kind of report")
    fault = _slug_fault(slug, kind)
    return _mismatch("slug", fault) if fault else ReportSubject(reality, lan, kommun, slug, kind)


def _slug_fault(slug: str, kind: vocab.ReportKind) -> str | None:
    if slug == ids.KOMMUN_ITSELF:
        return None if kind in MAY_BE_KOMMUN else f"A report of the kind {kind} is about a point, not the kommun (_)"
    if kind in ALWAYS_KOMMUN:
        return f"A report of the kind {kind} is about the kommun itself (_)"
    return None if ids.is_slug(slug) else "A slug is 1-40 of a-z, 0-9 and -, neither first nor last -"


def _mismatch(field: str, detail: str) -> SubjectError:
    return SubjectError(reason="subject_mismatch", field=field, detail=detail)


def alert_key(subject: str) -> str:
    """The key of the alert whose changes are sent under a subject.

    Raises:
        ValueError: it is no alert's subject.
    """
    tokens = subject.split(".")
    if len(tokens) != 8 or f"{tokens[0]}.{tokens[1]}" != ROOT or tokens[3] != "alert":
        raise ValueError("not the subject of an alert")
    lan, kommun, slug, rule = tokens[4], tokens[5], tokens[6], tokens[7].replace("-", ".")
    if kommun in KOMMUNER:
        return f"{rule}/{kommun}" if slug == ABSENT and rule.startswith("area.") else f"{rule}/{kommun}-{slug}"
    code = next((token for token in (kommun, lan) if token != ABSENT), NATION_CODE)
    return f"{rule}/{Area.parse(code).code}"
