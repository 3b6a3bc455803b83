"""`vardkase replay`: the picture of an area at a time, from the archive."""

import hashlib
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import SecretStr, ValidationError
from rich.console import Console

from vardkase.aggregator.rules_file import load_rules
from vardkase.archive.replay import Answer, Question, canonical, replay
from vardkase.archive.store import Basis, opened
from vardkase.cli.node import JsonOption, RealityOption, find_node, parse_area, print_json, run
from vardkase.cli.screen import View, draw
from vardkase.cli.times import parse_past
from vardkase.domain.rules import Rules
from vardkase.federation.plan import load
from vardkase.federation.signatures import Keyring
from vardkase.runtime.database import Away
from vardkase.runtime.errors import Failed, Refused
from vardkase_contracts.alert import Alert
from vardkase_contracts.areas import NATION_CODE, Area
from vardkase_contracts.instants import from_datetime, iso
from vardkase_contracts.picture import Picture
from vardkase_contracts.vocab import AREA_LEVELS

app: Final = typer.Typer(add_completion=False)

URL: Final = "VARDKASE_DATABASE_URL"
RULES: Final = "VARDKASE_RULES_FILE"
FEDERATION: Final = "VARDKASE_FEDERATION"
_HEIGHT: Final = 48


@app.command(name="replay")
def command(
    *,
    at: Annotated[str, typer.Option(help="RFC 3339, a time of day, or how long ago (2h).")],
    level: Annotated[str | None, typer.Option(help="kommun, lan, civo or nation. [default: the code tells]")] = None,
    code: Annotated[str, typer.Option(help="2480, 24, norra or SE.")] = NATION_CODE,
    basis: Annotated[
        str, typer.Option(help="known: as it was known at this node then; observed: as we now know it was.")
    ] = "known",
    known: Annotated[
        str | None,
        typer.Option(help="With --basis observed: as it was known at this time that it was. [default: now]"),
    ] = None,
    reality: RealityOption = "act",
    database: Annotated[
        str | None,
        typer.Option(metavar="URL", help=f"The archive. [default: {URL}, else that of the node that runs here]"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Shows the picture of an area as it was, and a hash of it: the same question gives the same bytes."""
    area = _area(level, code)
    when = from_datetime(parse_past(at, option="--at", now=datetime.now(UTC)))
    if basis not in {"known", "observed"}:
        raise Refused(f"--basis: expected known or observed; got {basis!r}")
    asked: Basis = "known" if basis == "known" else "observed"
    question = Question(area, reality, when, asked, _known(asked, when, known))
    answer, alerts = run(_ask(_database(database), question))
    said = canonical(answer.picture)
    digest = hashlib.sha256(said).hexdigest()
    if as_json:
        by = iso(when if question.by is None else question.by)
        told = {"at": iso(when), "basis": basis, "known": by, "sha256": digest, "reports": answer.reports}
        print_json(f'{json.dumps(told)[:-1]}, "picture": {said.decode()}}}')
        return
    _show(question, answer, alerts, digest)


async def _ask(url: SecretStr, question: Question) -> tuple[Answer, tuple[Alert, ...]]:
    try:
        async with opened(url, "vardkase replay", keyring=_keyring()) as store:
            answer = await replay(store, question, _fallback)
    except Away as error:
        raise Failed(f"the archive cannot be read: {error}") from None
    return answer, tuple(Alert.model_validate_json(canonical(each)) for each in answer.alerts)


def _known(basis: Basis, when: int, given: str | None) -> int:
    """What came later than this does not count, µs: so that the same can be asked again.

    Raises:
        Refused: it was given with the basis `known`, which says it by itself.
    """
    now = datetime.now(UTC)
    if basis == "known":
        if given is not None:
            raise Refused("--known: goes with --basis observed alone")
        return when
    return from_datetime(now if given is None else parse_past(given, option="--known", now=now))


def _keyring() -> Keyring | None:
    """The keys that reports must be signed by, of the federation that is set; None: nobody asks."""
    given = os.environ.get(FEDERATION)
    return Keyring(load(Path(given))) if given else None


def _fallback() -> Rules:
    """The table of rules for an archive that knows none: the one that is set, else the built-in one."""
    given = os.environ.get(RULES)
    return load_rules(None if not given else Path(given))


def _area(level: str | None, code: str) -> Area:
    area = parse_area(code)
    if level is not None and level not in AREA_LEVELS:
        raise Refused(f"--level: expected {', '.join(AREA_LEVELS)}; got {level!r}")
    if level is not None and level != area.level:
        raise Refused(f"--level: {code} is the code of a {area.level}, not of a {level}")
    return area


def _database(given: str | None) -> SecretStr:
    url = given or os.environ.get(URL) or find_node(None).database
    if url is None:
        raise Refused(f"the node that runs here tells of no archive: give --database URL, or set {URL}")
    return SecretStr(url)


def _show(question: Question, answer: Answer, alerts: tuple[Alert, ...], digest: str) -> None:
    console = Console()
    try:
        picture = Picture.model_validate_json(canonical(answer.picture))
    except ValidationError as error:
        raise Failed(f"the picture is not one: {error.errors(include_url=False)[0]['msg']}") from None
    known = "som det var känt här då" if question.basis == "known" else "som vi nu vet att det var"
    view = View(
        area=question.area,
        reality=question.reality,
        picture=picture,
        alerts=alerts,
        now=picture.as_of,
        age_s=0.0,
        connected=True,
        note=f"Ur arkivet, {known}: {answer.reports} rapporter.",
    )
    console.print(draw(view, width=console.width, height=max(_HEIGHT, console.height)))
    sys.stdout.write(f"sha256 {digest}\n")
