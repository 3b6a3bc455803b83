"""Settings: from the environment (`VARDKASE_…`) and TOML (`VARDKASE_CONFIG`, else `vardkase.toml` here), checked once.

What is given on a command line wins over the environment, which wins over the file. Whatever is wrong or unknown is
refused with one line that names the variable and says what is expected: see `load`.
"""

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from platformdirs import user_data_path
from pydantic import BaseModel, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from vardkase.runtime import setting_groups as groups
from vardkase.runtime import setting_types as types
from vardkase.runtime.access_settings import AccessSettings, OidcSettings
from vardkase.runtime.errors import Refused
from vardkase_contracts import instants
from vardkase_contracts.areas import Area

PREFIX: Final = "VARDKASE_"
CONFIG: Final = "VARDKASE_CONFIG"
"""The one variable that is not a field: the path of the TOML file."""
DEFAULT_FILE: Final = "vardkase.toml"
LARGEST_FILE: Final = 1 << 20


def _node(fields: dict[str, Any]) -> str:
    area = Area.parse(fields["area"])
    return area.code if area.level == "nation" else f"{area.level}-{area.code}"


def _data_dir(fields: dict[str, Any]) -> Path:
    return user_data_path("vardkase", appauthor=False) / fields["node"]


class Settings(BaseSettings):
    """Everything that can be set, with what holds when it is not."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=PREFIX,
        env_ignore_empty=True,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        hide_input_in_errors=True,
        validate_default=False,
    )

    area: types.AreaCode = "SE"
    """The area whose picture this node makes."""
    node: types.NodeName = Field(default_factory=_node)
    """The node's name and JetStream domain: `SE`, `lan-24`, `kommun-2480` unless given."""
    data_dir: types.AbsolutePath = Field(default_factory=_data_dir)
    """Where an embedded NATS keeps its streams, and an embedded PostgreSQL the archive. One node each."""

    nats_url: types.NatsUrl | None = None
    """The NATS server. None: one is started."""
    nats_creds: types.ReadableFile | None = None
    """A NATS credentials file for it."""
    nats_public_url: types.NatsUrl | None = None
    """The same server as the writer of the public account. None: nothing is made public, or NATS is embedded."""
    nats_public_creds: types.ReadableFile | None = None
    """A NATS credentials file for the public account."""
    nats_replicas: types.Copies = 1
    """How many servers of a NATS cluster keep each stream. More than 1 needs a cluster of at least as many."""
    nats_port: types.Port = 4222
    """The port of an embedded NATS."""
    federation: types.ReadableFile | None = None
    """The file of the federation that the node is in. None: it is alone."""
    keys: types.AbsolutePath | None = None
    """The folder with the node's secrets for its links. None: `secrets/<node>` beside the federation's file."""
    sign_key: types.AbsolutePath | None = None
    """The secret key that a kommun's reports are signed with where they are made or taken in: a file; or a folder with
    one of each kommun that this node takes reports in for, `2480.key`. None: that of the node's secrets, if there is
    one."""
    archive: bool = True
    """Whether `vardkase up` keeps the archive: history in PostgreSQL."""
    database_url: types.PostgresUrl | None = None
    """The PostgreSQL of the archive. None: `vardkase up` starts one."""
    database_port: types.Port = 0
    """The port of an embedded PostgreSQL; 0: a free one."""

    together: bool | None = None
    """Whether `vardkase up` runs intake, aggregator and gateway in one process, which takes 110 MB less and stands or
    falls as one. None: on a kommun's node."""
    gateway: bool = True
    """Whether `vardkase up` runs the gateway: HTTP for people and apps. Without it only the node itself answers."""

    http_host: str = "127.0.0.1"
    """The address that HTTP listens on."""
    http_port: types.Port = 8080
    """The port that HTTP listens on."""
    http_fd: types.Descriptor | None = None
    """A listening socket that was inherited, instead of host and port. Set by `vardkase up`."""
    lifeline_fd: types.Descriptor | None = None
    """The reading end of a pipe whose writer is the supervisor. Set by `vardkase up`."""

    retention_file: types.ReadableFile | None = None
    """How long what is archived is kept, and by whose decision (`vardkase retention`). None: everything, for ever."""
    retention_at: types.TimeOfDay | None = None
    """When `vardkase up` lets go, each day, of what the policy says. None: it never does; the command does."""
    rules_file: types.ReadableFile | None = None
    """A table of rules instead of the built-in one."""
    alertmanager_url: types.HttpUrl | None = None
    """The Alertmanager that is told of alerts; several with commas between, each of which is told."""
    webhooks: types.HttpUrls = ()
    """Webhooks that are told of all alerts in skarpt läge. For more see `notify.webhooks`."""

    log_format: Literal["auto", "json", "human"] = "auto"
    """`auto`: for people when the log goes to a terminal, else JSON."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    clock_start: types.Instant | None = None
    """A driven clock: the time it starts at."""
    clock_speed: types.Speed = 1.0
    """A driven clock: how many times faster than real time it goes, until it meets real time."""
    clock_anchor: types.Instant | None = None
    """A driven clock: the real time at which it started, so that several processes, and a restarted one, share one
    time. None: when the process starts. Set by `vardkase up`."""

    link: groups.LinkSettings = groups.LinkSettings()
    links: groups.LinksSettings = groups.LinksSettings()
    health: groups.HealthSettings = groups.HealthSettings()
    reader: groups.ReaderSettings = groups.ReaderSettings()
    writer: groups.WriterSettings = groups.WriterSettings()
    intake: groups.IntakeSettings = groups.IntakeSettings()
    aggregator: groups.AggregatorSettings = groups.AggregatorSettings()
    escalation: groups.EscalationSettings = groups.EscalationSettings()
    archiver: groups.ArchiverSettings = groups.ArchiverSettings()
    web: groups.WebSettings = groups.WebSettings()
    history: groups.HistorySettings = groups.HistorySettings()
    public: groups.PublicSettings = groups.PublicSettings()
    notify: groups.NotifySettings = groups.NotifySettings()
    supervisor: groups.SupervisorSettings = groups.SupervisorSettings()
    access: AccessSettings = AccessSettings()
    oidc: OidcSettings = OidcSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- the names are pydantic-settings'
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line, then environment, then file."""
        return init_settings, env_settings, InitSettingsSource(settings_cls, _read_file()[1])


def load(**overrides: Any) -> Settings:
    """The settings, with `overrides` (what a command line gave; None says nothing) on top.

    Raises:
        Refused: with one line, naming the variable, option or line of the file that is wrong. Exit code 2.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    known = {f"{PREFIX}{'_'.join(path).upper()}": path for path in _paths(Settings)}
    for variable in sorted(os.environ):
        if variable.upper().startswith(PREFIX) and variable.upper() not in {*known, CONFIG}:
            raise Refused(f"{variable}: no such setting{_near(variable.upper(), [*known, CONFIG])}")
    try:
        return Settings(**given)
    except ValidationError as error:
        raise Refused(_line(error, given)) from None


def environment(settings: Settings, **changes: Any) -> dict[str, str]:
    """The environment that gives a child process these settings, with `changes` to top-level fields.

    The child reads no file: an edit under way must not break a restart. Secrets are written out.
    """
    variables = {name: value for name, value in os.environ.items() if not name.upper().startswith(PREFIX)}
    variables[CONFIG] = os.devnull
    for path, value in _given(settings):
        variables[f"{PREFIX}{'_'.join(path).upper()}"] = _text(path, value)
    for name, value in {"node": settings.node, "data_dir": settings.data_dir, **changes}.items():
        variables[f"{PREFIX}{name.upper()}"] = _text((name,), value)
    return variables


def _paths(model: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from ((name, *rest) for rest in _paths(field.annotation))
        else:
            yield (name,)


def _given(model: BaseModel) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name in sorted(model.model_fields_set):
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from (((name, *rest), inner) for rest, inner in _given(value))
        elif value is not None:
            yield (name,), value


def _text(path: tuple[str, ...], value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple):
        return ",".join(_text(path, part) for part in value)
    if path in {("clock_start",), ("clock_anchor",)}:
        return instants.iso(value)
    if isinstance(value, float):
        return f"{value:f}"  # never 1e-05, which a setting does not take
    return str(value)


def _read_file() -> tuple[str, dict[str, Any]]:
    """The file's name as it is to be told, and what it holds.

    Raises:
        Refused: it was asked for and is not there, or it is not TOML.
    """
    asked = os.environ.get(CONFIG, "")
    path = Path(asked or DEFAULT_FILE)
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        if not asked:
            return DEFAULT_FILE, {}
        raise Refused(f"{CONFIG}: expected a TOML file; {path} is not there") from None
    except OSError as error:
        raise Refused(f"{CONFIG}: expected a TOML file that can be read; {path}: {error.strerror}") from None
    if len(text) > LARGEST_FILE:
        raise Refused(f"{CONFIG}: expected a TOML file of at most {LARGEST_FILE} bytes; {path} is larger")
    try:
        return str(path), tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refused(f"{CONFIG}: expected TOML in {path}: {' '.join(str(error).split())}") from None


def _line(error: ValidationError, given: Mapping[str, Any]) -> str:
    problems = [e for e in error.errors(include_url=False) if e["type"] != "default_factory_not_called"]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{_problem(problems[0], given)}{more}"


def _problem(problem: ErrorDetails, given: Mapping[str, Any]) -> str:
    path = tuple(str(part) for part in problem["loc"])
    if path[0] not in given and problem["type"] == "extra_forbidden":
        name = ".".join(path)
        return f"{_read_file()[0]}: {name}: no such setting{_near(name, ['.'.join(p) for p in _paths(Settings)])}"
    expected = problem["msg"].removeprefix("Value error, ").replace("Input should be", "expected", 1)
    return f"{_named(path, given)}: {expected}"


def _named(path: tuple[str, ...], given: Mapping[str, Any]) -> str:
    known = next((known for known in _paths(Settings) if known == path[: len(known)]), path)
    variable = f"{PREFIX}{'_'.join(known).upper()}"
    if known[0] in given:
        return f"--{known[0].replace('_', '-')}"
    if any(name.upper() == variable and value for name, value in os.environ.items()):
        return variable
    return f"{_read_file()[0]}: {'.'.join(known)} ({variable})"


def _near(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""
