"""`vardkase replay`: the picture of an area at a time, from the archive."""

import hashlib
import json
import sys
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from pydantic import SecretStr, ValidationError
from rich.console import Console

from vardkase.archive.replay import Answer, Question, canonical, replay
from vardkase.archive.store import Basis, opened
from vardkase.cli.archived import DatabaseOption, fallback, keyring
from vardkase.cli.archived import database as archive_of
from vardkase.cli.node import JsonOption, RealityOption, parse_area, print_json, run
from vardkase.cli.screen import View, draw
from vardkase.cli.times import parse_past
from vardkase.runtime.database import Away
from vardkase.runtime.errors import Failed, Refused
from vardkase_contracts.alert import Alert
from vardkase_contracts.areas import NATION_CODE, Area
from vardkase_contracts.instants import from_datetime, iso
from vardkase_contracts.picture import Picture
from vardkase_contracts.vocab import AREA_LEVELS

app: Final = typer.Typer(add_completion=False)

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
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Shows the picture of an area as it was, and a hash of it: the same question gives the same bytes."""
    area = _area(level, code)
    when = from_datetime(parse_past(at, option="--at", now=datetime.now(UTC)))
    if basis not in {"known", "observed"}:
        raise Refused(f"--basis: expected known or observed; got {basis!r}")
    asked: Basis = "known" if basis == "known" else "observed"
    question = Question(area, reality, when, asked, _known(asked, when, known))
    answer, alerts = run(_ask(archive_of(database), question))
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
        async with opened(url, "vardkase replay", keyring=keyring()) as store:
            answer = await replay(store, question, fallback)
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


def _area(level: str | None, code: str) -> Area:
    area = parse_area(code)
    if level is not None and level not in AREA_LEVELS:
        raise Refused(f"--level: expected {', '.join(AREA_LEVELS)}; got {level!r}")
    if level is not None and level != area.level:
        raise Refused(f"--level: {code} is the code of a {area.level}, not of a {level}")
    return area


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
