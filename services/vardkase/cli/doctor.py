"""`vardkase doctor`: what is wrong with a node, and what to do."""

import asyncio
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn, TypeVar

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.text import Text

from vardkase.aggregator.rules_file import load_rules
from vardkase.archiver import migrations
from vardkase.cli.node import CredsOption, JsonOption, NatsOption, print_json
from vardkase.doctor.examine import LOCAL_S, bounded, examine, in_thread
from vardkase.doctor.finding import Finding, Status
from vardkase.doctor.target import Target, find
from vardkase.runtime.errors import DONE, FAILED, Refused
from vardkase.runtime.settings import Settings, load

app: Final = typer.Typer(add_completion=False)

_CLEAN_S: Final = 0.5
T = TypeVar("T")

_GROUP: Final = {
    "settings": "Inställningar",
    "data": "Datakatalog",
    "services": "Tjänster",
    "nats": "NATS",
    "streams": "Strömmar",
    "consumers": "Läsare",
    "links": "Länkar till andra noder",
    "clocks": "Klockor",
    "reports": "Rapporter och lägesbild",
    "public": "Publikt",
    "archive": "Arkiv",
}
"""The groups in the order in which they are shown."""
_CHECK: Final = {
    "settings": "inställningar",
    "rules": "regler",
    "data directory": "datakatalog",
    "owner": "ägare",
    "writable": "skrivbar",
    "whose": "tillhör",
    "free space": "ledigt",
    "inodes": "inoder",
    "file system": "filsystem",
    "running": "igång",
    "nats log": "NATS logg",
    "readyz": "readyz",
    "metrics": "mått",
    "restarts": "omstarter",
    "sums": "summor",
    "second writer": "två som skriver",
    "id conflicts": "samma id",
    "needs": "behov",
    "clock stepped": "klocka flyttad",
    "connection": "anslutning",
    "version": "version",
    "jetstream": "JetStream",
    "domain": "domän",
    "sync": "synkning",
    "health": "hälsa",
    "account room": "kontots utrymme",
    "streams": "strömmar",
    "log whole": "hela loggen",
    "clock": "klocka",
    "senders": "avsändares klockor",
    "rule orders": "regeländringar",
    "picture": "lägesbild",
    "points": "punkter",
    "conflicts": "oenighet",
    "clock adjusted": "klockor före",
    "unregistered": "oregistrerade",
    "accounts": "konton",
    "public read": "läsning",
    "public reader": "allmänheten",
    "public writer": "den som skriver",
    "database": "databas",
    "tables": "tabeller",
    "durable": "hållbarhet",
    "in time": "i tid",
    "answer": "svar",
    "readable": "tolkning",
}
"""What a check is called in Swedish; of those about one thing of many (`stream REPORTS`), by the first word below."""
_FIRST: Final = {"stream": "ström", "reader": "läsare", "ready": "klar:", "link": "länk"}
_MARK: Final[dict[Status, tuple[str, str]]] = {
    "ok": ("ok     ", "green"),
    "warning": ("varning", "bold yellow"),
    "error": ("FEL    ", "bold red"),
    "skipped": ("ej sett", "dim"),
}


@app.command()
def doctor(
    *,
    data_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The node's data directory. [default: the node's that is here]")
    ] = None,
    nats: NatsOption = None,
    creds: CredsOption = None,
    http: Annotated[str | None, typer.Option(metavar="URL", help="Where the node answers /readyz.")] = None,
    problems: Annotated[bool, typer.Option("--problems", help="Only what is not well.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Examines a node: settings, disk, links, streams, readers, clocks, accounts, archive. Says what to do.

    It changes nothing and ends within 10 seconds. Exit code 1 when something is wrong.
    """
    settings, wrong = _settings()
    logging.getLogger().addHandler(logging.NullHandler())  # what the libraries log is for services

    def target() -> Target:
        return find(settings, os.environ, nats=nats, creds=creds, data_dir=data_dir, http=http)

    named = Target(settings=settings, nats=None if nats is None else SecretStr(nats), creds=creds, http=http)
    where, found = _run(_examined(target, named, wrong))
    shown = [each for each in found if not problems or each.status in {"warning", "error"}]
    if as_json:
        for each in shown:
            print_json(json.dumps(each.told(), ensure_ascii=False))
        print_json(json.dumps(_summary(found)))
    else:
        _show(where, shown, found)
    _end(FAILED if _count(found, "error") else DONE)


def _settings() -> tuple[Settings | None, str | None]:
    """The settings, or what is wrong with them in one line."""
    try:
        return load(), None
    except Refused as error:
        return None, str(error)


async def _examined(target: Callable[[], Target], named: Target, wrong: str | None) -> tuple[Target, list[Finding]]:
    """The node, and what was found in the order in which it is shown.

    Args:
        target: finds the node; it reads the disk, which may hang.
        named: the node as far as options name it.
        wrong: what is wrong with the settings.
    """
    found: list[Finding] = []
    where = await bounded("data", found.append, in_thread(target), LOCAL_S) or named
    settings = where.settings
    await examine(
        where,
        found.append,
        wrong_settings=wrong,
        rules=lambda: load_rules(None if settings is None else settings.rules_file).version,
        database_version=migrations.VERSION,
    )
    order = list(_GROUP)
    return where, sorted(found, key=lambda each: order.index(each.group))


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run the examination. Unlike `asyncio.run`, do not wait for threads that hang in the kernel or a name server."""
    loop = asyncio.new_event_loop()
    try:
        result = loop.run_until_complete(work)
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=_CLEAN_S))
        return result
    finally:
        loop.close()


def _end(code: int) -> NoReturn:
    sys.stdout.flush()
    if any(not each.daemon for each in threading.enumerate() if each is not threading.main_thread()):
        os._exit(code)  # a look-up that hangs would keep the process at its end
    raise typer.Exit(code)


def _show(target: Target, shown: Sequence[Finding], found: Sequence[Finding]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    where = target.area.name if target.area is not None else "en nod"
    place = f" i {target.data_dir}" if target.data_dir is not None else ""
    console.print(Text(f"Undersöker {where}{place}", style="bold"))
    group = ""
    for each in shown:
        if each.group != group:
            group = each.group
            console.print(Text(f"\n{_GROUP[group]}", style="bold"))
        mark, style = _MARK[each.status]
        console.print(Text.assemble("  ", (mark, style), f"  {_named(each.check)}: {each.seen}"))
        if each.do:
            console.print(Text(f"{' ' * 11}→ {each.do}", style="bold" if each.status != "skipped" else "dim"))
    errors, warnings, ok = (_count(found, status) for status in ("error", "warning", "ok"))
    style = "bold red" if errors else "bold yellow" if warnings else "bold green"
    noted = "1 varning" if warnings == 1 else f"{warnings} varningar"
    told = f"{errors} fel, {noted}, {ok} utan anmärkning"
    unseen = _count(found, "skipped")
    console.print(Text(f"\n{told}{f', {unseen} kunde inte ses' if unseen else ''}", style=style))


def _named(check: str) -> str:
    first, _, rest = check.partition(" ")
    return _CHECK.get(check) or f"{_FIRST.get(first, first)} {rest}".strip()


def _summary(found: Sequence[Finding]) -> dict[str, object]:
    errors, warnings, skipped, ok = (_count(found, status) for status in ("error", "warning", "skipped", "ok"))
    return {
        "summary": True,
        "healthy": not errors,
        "errors": errors,
        "warnings": warnings,
        "skipped": skipped,
        "ok": ok,
    }


def _count(found: Sequence[Finding], status: Status) -> int:
    return sum(each.status == status for each in found)
