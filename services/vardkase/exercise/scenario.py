"""A scenario of an exercise, read from YAML: where, how long, what is injected and when, and what is expected of whom.

`Scenario.load` names the first field that is wrong. What a scenario plays, and under which ids, follows from it and the
start alone (`plan`).
"""

import hashlib
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Final, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator, model_validator

from vardkase.domain.places import exists, lies_in
from vardkase_contracts import vocab
from vardkase_contracts.base import AreaCode, IncidentId, Line, Name, Note, PointOrKommunRef, PointRef, RuleName
from vardkase_contracts.instants import SECOND

from .lengths import Length

MAX_BYTES: Final = 1_048_576
"""The longest scenario file that is read."""
MOST_INJECTS: Final = 1_000
MOST_STEPS: Final = 5_000
"""Most that one exercise sends, repetitions counted."""
LEAST_EVERY: Final = 10 * SECOND
"""The shortest time between two repetitions."""
_SUFFIX: Final = ".yaml"
_ROOT: Final = "(file)"
_PLAIN: Final = {
    "extra_forbidden": "there is no such field",
    "string_type": 'expected a text; a code stands within quotes in YAML: "2480"',
}
"""What is said of faults that whoever writes their first scenario makes."""


class ScenarioError(ValueError):
    """A scenario that cannot be used: one field, and what is wrong with it."""

    def __init__(self, name: str, field: str, detail: str) -> None:
        self.field = field
        self.detail = detail
        super().__init__(f"scenario {name}: {field}: {detail}")


class Settings(BaseModel):
    """A part of a scenario: frozen, and an unknown field is an error, so that a misspelt one is found."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


Data = dict[str, Any]
"""Fields of a report or an order, as in JSON; a text such as `+2h` is the time so long after the inject."""


class ReportInject(Settings):
    """A report of a point, or of a kommun itself (`2480-_`), sent as any other."""

    point: PointOrKommunRef
    """Of which point; it should stand in the register of skarpt läge."""
    kind: vocab.ReportKind
    """Of what kind."""
    data: Data = Field(default_factory=dict)
    """What it says."""
    role: vocab.Role = "site_lead"
    channel: vocab.Channel | None = None
    quality: vocab.Quality | None = None
    reporter: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")] = "ovning"
    """Tells it from the players' own reports."""


class MessageInject(Settings):
    """A message of the spelledning to players: a note (`note`) about their area, in övning."""

    to: AreaCode
    """The players' area."""
    text: Note
    """What they are told, such as `Spelledning ringer: …`. Never names of persons."""


class ContactInject(Settings):
    """Somebody tried to reach a point."""

    point: PointRef
    result: vocab.ContactResult = "failed"


class SilenceInject(Settings):
    """A line that is down: what the scenario would send of these places comes late, or never."""

    areas: tuple[AreaCode, ...] = ()
    points: tuple[PointOrKommunRef, ...] = ()
    lasts: Length
    lost: bool = False
    """Whether what was reported meanwhile is lost; else it comes when the line is back, with the time it was seen."""

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if not self.areas and not self.points:
            raise ValueError("give areas or points")
        return self


class OrderInject(Settings):
    """An order in övning, such as an incident or a begäran om lägesrapport."""

    kind: vocab.OrderKind
    area: AreaCode
    """About which area."""
    data: Data = Field(default_factory=dict)
    """What it says, but `by`."""


class ExpectedReport(Settings):
    """A report that players should send."""

    from_: Annotated[str, Field(alias="from", max_length=45)]
    """A point (`2480-x`), a kommun itself (`2480-_`), or anything of a kommun (`2480`)."""
    kinds: tuple[vocab.ReportKind, ...] = ()
    """Of one of these kinds; of any but a heartbeat, when none is named."""


class ExpectedAlert(Settings):
    """An alert that the system should raise."""

    rule: RuleName
    about: Annotated[str, Field(max_length=45)]
    """A point's id, or an area's code."""
    level: vocab.AlertLevel | None = None
    """At least of this level."""

    @field_validator("rule")
    @classmethod
    def _is(cls, rule: str) -> str:
        if rule not in vocab.RULES:
            raise ValueError(f"there is no such rule; the rules: {', '.join(vocab.RULES)}")
        return rule

    @property
    def key(self) -> str:
        """The alert's key."""
        return f"{self.rule}/{self.about}"


class Expected(Settings):
    """What should follow an inject, and how soon."""

    report: ExpectedReport | None = None
    """Measured from the inject."""
    alert: ExpectedAlert | None = None
    """Measured from the inject."""
    ack: ExpectedAlert | None = None
    """That an alert is acknowledged (kvittering); measured from when it was raised."""
    within: Length

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(each is not None for each in (self.report, self.alert, self.ack)) != 1:
            raise ValueError("give exactly one of report, alert and ack")
        return self

    @property
    def place(self) -> str:
        """The point or area whose response it is."""
        if self.report is not None:
            return self.report.from_
        found = self.alert or self.ack
        return "" if found is None else found.about


_WHAT: Final = ("report", "message", "contact", "silence", "order")


class Inject(Settings):
    """Something that happens in the exercise."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    """By which it is sent by hand, and named in the evaluation."""
    at: Length
    """When, from the start on."""
    title: Line | None = None
    """For people, in Swedish."""
    report: ReportInject | None = None
    message: MessageInject | None = None
    contact: ContactInject | None = None
    silence: SilenceInject | None = None
    order: OrderInject | None = None
    every: Length | None = None
    """A report: again after so long, …"""
    until: Length | None = None
    """… until so long after the start; until the end unless given."""
    expect: Annotated[tuple[Expected, ...], Field(max_length=20)] = ()

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(getattr(self, name) is not None for name in _WHAT) != 1:
            raise ValueError("give exactly one of report, message, contact, silence and order")
        if self.every is not None and self.report is None:
            raise ValueError("every: only a report is repeated")
        if self.every is not None and self.every < LEAST_EVERY:
            raise ValueError("every: expected at least 10s")
        return self

    @property
    def what(self) -> str:
        """What it is: the one of the fields that is given."""
        return next(name for name in _WHAT if getattr(self, name) is not None)

    @property
    def places(self) -> tuple[str, ...]:
        """The points and areas that it names."""
        match self:
            case Inject(report=ReportInject(point=point)) | Inject(contact=ContactInject(point=point)):
                return (point,)
            case Inject(message=MessageInject(to=to)):
                return (to,)
            case Inject(order=OrderInject(area=area)):
                return (area,)
            case Inject(silence=SilenceInject(areas=areas, points=points)):
                return (*areas, *points)
            case _:
                return ()


class Scenario(Settings):
    """An exercise as it is planned."""

    id: IncidentId
    """Its id: another exercise has another one. One that was aborted is not begun again."""
    name: Name
    """What it is called."""
    area: AreaCode
    """Who holds it: a länsstyrelse (24), or a kommun."""
    areas: Annotated[tuple[AreaCode, ...], Field(min_length=1, max_length=400)]
    """Who takes part."""
    role: vocab.Role = "stab"
    """In what role the spelledning gives orders."""
    duration: Length
    """How long it lasts."""
    description: Annotated[str, Field(max_length=4_000)] = ""
    """For who plays it."""
    injects: Annotated[tuple[Inject, ...], Field(max_length=MOST_INJECTS)]

    _digest: str = PrivateAttr("")

    @property
    def digest(self) -> str:
        """SHA-256 in hex of the file: two nodes that play the same have the same."""
        return self._digest

    @field_validator("area")
    @classmethod
    def _is(cls, area: str) -> str:
        if not exists(area):
            raise ValueError("there is no such area")
        return area

    def covers(self, place: str) -> bool:
        """Whether a point or an area takes part."""
        return any(lies_in(place, area) for area in self.areas)

    def inject(self, name: str) -> Inject | None:
        """The inject of a name; None: there is none."""
        return next((each for each in self.injects if each.name == name), None)

    @classmethod
    def load(cls, path_or_name: str) -> Self:
        """A scenario from a file, or a shipped one by its name.

        Raises:
            ScenarioError: it cannot be read, or is not right; it names the first field at fault.
        """
        shipped = _shipped()
        if path_or_name in shipped:
            return cls.parse(shipped[path_or_name].read_bytes(), name=path_or_name)
        try:
            with Path(path_or_name).open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
        except OSError as error:
            detail = f"{error.strerror or error}; shipped scenarios: {', '.join(shipped)}"
            raise ScenarioError(path_or_name, _ROOT, detail) from error
        return cls.parse(raw, name=path_or_name)

    @classmethod
    def parse(cls, raw: bytes, *, name: str) -> Self:
        """A scenario from the bytes of a YAML document; `name` is what errors call it.

        Raises:
            ScenarioError: see `load`.
        """
        if len(raw) > MAX_BYTES:
            raise ScenarioError(name, _ROOT, f"longer than {MAX_BYTES} bytes")
        try:
            document: Any = yaml.safe_load(raw)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
            where = "" if mark is None else f" (line {mark.line + 1})"
            raise ScenarioError(name, _ROOT, f"not YAML{where}: {problem or ' '.join(str(error).split())}") from error
        if not isinstance(document, dict):
            raise ScenarioError(name, _ROOT, "expected fields, such as id, name, area, areas, duration and injects")
        try:
            found = cls.model_validate(document)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(part) for part in first["loc"]) or _ROOT
            detail = _PLAIN.get(first["type"], first["msg"].removeprefix("Value error, "))
            raise ScenarioError(name, field, detail + _which(document, first["loc"])) from error
        found._digest = hashlib.sha256(raw).hexdigest()  # noqa: SLF001 -- its own
        wrong = next(_wrong(found), None)
        if wrong is not None:
            raise ScenarioError(name, *wrong)
        return found


def _which(document: dict[str, Any], path: tuple[int | str, ...]) -> str:
    """The name of the inject that a path of a document leads to: who counts them begins with 1."""
    match path:
        case ("injects", int(at), *_) if isinstance(document["injects"], list):
            name = document["injects"][at].get("name") if isinstance(document["injects"][at], dict) else None
            return f" (inject {name})" if isinstance(name, str) else ""
        case _:
            return ""


def _wrong(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """The fields that do not fit the others, and how, in order."""
    for at, area in enumerate(scenario.areas):
        if not exists(area):
            yield f"areas.{at}", f"there is no area {area}"
        elif not lies_in(area, scenario.area):
            yield f"areas.{at}", f"{area} lies outside {scenario.area}, whose exercise it is"
    seen: set[str] = set()
    for at, inject in enumerate(scenario.injects):
        where = f"injects.{at}"
        if inject.name in seen:
            yield f"{where}.name", f"{inject.name} stands twice"
        seen.add(inject.name)
        if inject.at > scenario.duration:
            yield f"{where}.at", f"after the end of the exercise (inject {inject.name})"
        places = [(where, place) for place in inject.places]
        places += [(f"{where}.expect.{number}", each.place) for number, each in enumerate(inject.expect)]
        for field, place in places:
            if not scenario.covers(place) and place != scenario.area:
                yield field, f"{place} takes no part in the exercise: it is not in areas (inject {inject.name})"


def shipped() -> tuple[str, ...]:
    """The names of the scenarios that come with the package."""
    return tuple(_shipped())


def _shipped() -> dict[str, Traversable]:
    folder = files("vardkase.exercise").joinpath("scenarios")
    found = {file.name.removesuffix(_SUFFIX): file for file in folder.iterdir() if file.name.endswith(_SUFFIX)}
    return dict(sorted(found.items()))
