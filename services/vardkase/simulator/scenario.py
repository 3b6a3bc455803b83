"""A scenario: everything that is decided beforehand about a simulated crisis, read from YAML.

A scenario with a seed and a start is a run, the same every time (see `simulation`).
"""

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Final, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import AwareDatetime, Field, ValidationError, field_validator, model_validator

from vardkase.simulator import hazard_parameters, parameters
from vardkase.simulator.draw import Settings
from vardkase_contracts.vocab import Reality

MAX_BYTES: Final = 1_048_576
"""The longest scenario file that is read."""
MAX_HOURS: Final = 21 * 24
"""The longest run, in hours: Alfrida (2019) left some without power for three weeks. It bounds what a run records."""

_SUFFIX: Final = ".yaml"


class ScenarioError(ValueError):
    """A scenario that cannot be used. `problems` holds (field, what is wrong), with the field as `storm.speed_kmh`."""

    def __init__(self, name: str, problems: tuple[tuple[str, str], ...]) -> None:
        self.name = name
        self.problems = problems
        super().__init__(f"scenario {name}: " + "; ".join(f"{field}: {detail}" for field, detail in problems))


class Scenario(Settings):
    """What strikes, the points in its way, and the habits of people: all that a run needs but seed and start."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    """What it is called; the name of its file."""
    title: Annotated[str, Field(min_length=1, max_length=120)]
    """For people, in Swedish."""
    description: Annotated[str, Field(max_length=2_000)] = ""
    """What happens in it."""
    reality: Reality = "act"
    """Where its reports go unless the run says otherwise. Registers go to `act`: the other two read them there."""
    incident: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    """The incident that reports from it name."""
    timezone: str = "Europe/Stockholm"
    """What day and night follow."""
    starts: AwareDatetime
    """The start that the times of day in it were made for; a run may begin at another."""
    duration_h: Annotated[float, Field(gt=0, le=MAX_HOURS)]
    """How long a run lasts."""

    points: parameters.Points
    register_: parameters.Register = Field(alias="register")
    storm: parameters.Storm | None = None
    """A front that takes down the grid."""
    cyber: hazard_parameters.Cyber | None = None
    """An attack on payment and telephone systems."""
    cold: hazard_parameters.Cold | None = None
    """District heating that fails slowly."""
    networks: parameters.Networks
    power: parameters.Power
    refill: parameters.Refill
    staff: parameters.Staff
    visitors: parameters.Visitors
    house: parameters.House
    habits: parameters.Habits
    krisledning: parameters.Krisledning
    needs: parameters.Needs
    mistakes: parameters.Mistakes

    @field_validator("timezone")
    @classmethod
    def _exists(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"no such time zone: {zone}") from error
        return zone

    @model_validator(mode="after")
    def _strikes(self) -> Self:
        if sum(hazard is not None for hazard in (self.storm, self.cyber, self.cold)) != 1:
            raise ValueError("give exactly one of storm, cyber and cold")
        return self

    @classmethod
    def load(cls, path_or_name: str | Path) -> Self:
        """A scenario from a file, or a shipped one by its name, such as `storm-gotaland`.

        Raises:
            ScenarioError: it cannot be read or is not valid; the error names each field at fault.
        """
        shipped = _shipped()
        if isinstance(path_or_name, str) and path_or_name in shipped:
            return cls.parse(shipped[path_or_name].read_bytes(), name=path_or_name)
        path = Path(path_or_name)
        try:
            with path.open("rb") as file:
                text = file.read(MAX_BYTES + 1)
        except OSError as error:
            detail = f"{error.strerror or error}; shipped scenarios: {', '.join(shipped)}"
            raise ScenarioError(str(path), (("(file)", detail),)) from error
        return cls.parse(text, name=str(path))

    @classmethod
    def parse(cls, text: bytes, *, name: str) -> Self:
        """A scenario from the bytes of a YAML document; `name` is what errors call it.

        Raises:
            ScenarioError: it is too long, not YAML, or not valid; the error names each field at fault.
        """
        if len(text) > MAX_BYTES:
            raise ScenarioError(name, (("(file)", f"longer than {MAX_BYTES} bytes"),))
        try:
            document: Any = yaml.safe_load(text)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ScenarioError(name, (("(file)", f"not YAML: {error}"),)) from error
        return cls.check(_built(document, name), name=name)

    @classmethod
    def check(cls, document: object, *, name: str) -> Self:
        """A scenario from plain values, as YAML gives them.

        Raises:
            ScenarioError: it is not valid; the error names each field at fault.
        """
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            problems = tuple(
                (
                    ".".join(str(part) for part in problem["loc"]) or "(file)",
                    problem["msg"].removeprefix("Value error, "),
                )
                for problem in error.errors(include_url=False, include_input=False)
            )
            raise ScenarioError(name, problems) from error

    def digest(self) -> str:
        """SHA-256 in hex of all its values: two scenarios that differ anywhere differ here."""
        return hashlib.sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()

    def changed(self, **sections: dict[str, Any] | str | float) -> Self:
        """This scenario with some values replaced: `changed(points={"total": 6000}, duration_h=36)`.

        A section is merged field by field, and the whole is checked again.

        Raises:
            ScenarioError: the result is not valid.
        """
        document = self.model_dump(by_alias=True)
        return self.check(_merged(document, sections), name=self.name)


def shipped_scenarios() -> tuple[str, ...]:
    """The names of the scenarios that come with the package."""
    return tuple(_shipped())


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A document with some values replaced, in sections field by field."""
    document = dict(base)
    for key, value in changes.items():
        before = document.get(key)
        document[key] = before | value if isinstance(value, dict) and isinstance(before, dict) else value
    return document


def _built(document: object, name: str) -> object:
    """A document with what it is based on, a shipped scenario that is itself based on none."""
    if not isinstance(document, dict) or "based_on" not in document:
        return document
    given = {key: value for key, value in document.items() if key != "based_on"}
    based_on, shipped = document["based_on"], _shipped()
    if not isinstance(based_on, str) or based_on not in shipped:
        raise ScenarioError(name, (("based_on", f"not a shipped scenario: {based_on}"),))
    base: Any = yaml.safe_load(shipped[based_on].read_bytes())
    if "based_on" in base:
        raise ScenarioError(name, (("based_on", f"{based_on} is based on another itself"),))
    return _merged(base, given)


def _shipped() -> dict[str, Traversable]:
    folder = files("vardkase.simulator").joinpath("scenarios")
    found = {file.name.removesuffix(_SUFFIX): file for file in folder.iterdir() if file.name.endswith(_SUFFIX)}
    return dict(sorted(found.items()))
