"""The whole examination: every group of checks at once, each bounded in time, so that it ends whatever hangs."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import nats.errors
from nats.aio.client import Client

from vardkase.doctor import accounts, archive, links, local, picture, server, services, streams
from vardkase.doctor.finding import Finding, Findings
from vardkase.doctor.target import Target
from vardkase.federation import topology
from vardkase.runtime.jetstream.api import ApiError, NoAnswer
from vardkase.runtime.jetstream.connection import ConnectFailed
from vardkase.runtime.jetstream.values import Incomplete
from vardkase_contracts.areas import Area
from vardkase_contracts.streams import INTAKE

LIMIT_S: Final = 7.0
"""Seconds that the checks may take together; with the program's start it is told within 10."""
_CONNECT_S: Final = 2.5
LOCAL_S: Final = 2.0
"""Seconds that the disk may take to answer."""

T = TypeVar("T")


async def examine(
    target: Target,
    tell: Callable[[Finding], None],
    *,
    wrong_settings: str | None,
    rules: Callable[[], str],
    database_version: int,
) -> None:
    """Look at everything.

    Args:
        target: the node.
        tell: called with each finding, as it is made.
        wrong_settings: what is wrong with the settings; None when they are right.
        rules: reads the rules and gives their version. Raises `Refused`.
        database_version: the version of the archive's tables that this program knows.
    """
    ends = time.monotonic() + LIMIT_S

    def settings() -> None:
        local.settings(Findings("settings", tell), wrong_settings, rules)

    def data() -> bool:
        return local.data_dir(Findings("data", tell), target)

    _, running = await asyncio.gather(
        bounded("settings", tell, in_thread(settings), LOCAL_S), bounded("data", tell, in_thread(data), LOCAL_S)
    )
    left = ends - time.monotonic()
    of_services = Findings("services", tell)
    await asyncio.gather(
        bounded("services", tell, services.readiness(of_services, target.http, running=bool(running)), left),
        bounded("services", tell, services.metrics(of_services, target.http), left),
        bounded("nats", tell, _bus(target, tell, ends, running=bool(running)), left),
        bounded("archive", tell, archive.examine(Findings("archive", tell), target, version=database_version), left),
        bounded("public", tell, accounts.apart(Findings("public", tell), target), left),
    )


async def _bus(target: Target, tell: Callable[[Finding], None], ends: float, *, running: bool) -> None:
    """All that is seen over the node's own connection."""
    found = Findings("nats", tell)
    if target.nats is None:
        do = "ge adressen med --nats" if running else "starta noden: vardkase up"
        found.error("connection", "adressen till NATS är inte känd", do)
        return
    try:
        nc = await server.dial(target, min(_CONNECT_S, max(0.1, ends - time.monotonic())))
    except ConnectFailed as error:
        do = "går NATS, och är adress, användare och lösenord rätta? Läs nats/nats-server.log"
        found.error("connection", str(error), do)
        return
    found.ok("connection", "NATS svarar")
    try:
        await _over(target, nc, tell, ends)
    finally:
        await server.hang_up(nc)


async def _over(target: Target, nc: Client, tell: Callable[[Finding], None], ends: float) -> None:
    left = ends - time.monotonic()
    of = {
        name: Findings(name, tell) for name in ("nats", "streams", "consumers", "links", "clocks", "reports", "public")
    }
    area = target.area

    async def area_and_streams() -> None:
        nonlocal area
        area = area or await streams.area_of(nc)
        if area is None:
            do = "sätt VARDKASE_AREA, eller ge --data-dir"
            of["streams"].skipped("streams", "nodens område är inte känt", do)
            return
        await streams.examine(of["streams"], nc, area, topology.OWN)
        await asyncio.gather(
            bounded("reports", tell, picture.made(of["reports"], nc, area), left),
            bounded("reports", tell, picture.points(of["reports"], nc, area), left),
        )

    await asyncio.gather(
        bounded("nats", tell, server.server(of["nats"], target, nc), left),
        bounded("nats", tell, server.syncing(of["nats"], target), left),
        bounded("streams", tell, area_and_streams(), left),
        bounded("consumers", tell, streams.readers(of["consumers"], nc, archived=target.database is not None), left),
        bounded("links", tell, links.examine(of["links"], nc), left),
        bounded("clocks", tell, server.clock(of["clocks"], nc, INTAKE), left),
        bounded("clocks", tell, picture.senders(of["clocks"], nc), left),
        bounded("reports", tell, picture.rules_changed(of["reports"], nc), left),
        bounded("public", tell, _public(of["public"], target, area), left),
    )


async def _public(found: Findings, target: Target, area: Area | None) -> None:
    """The public stream, seen by the one who writes it."""
    if target.projector is None or area is None:
        return
    nc = await server.dial_as(target.projector, _CONNECT_S)
    try:
        await streams.examine(found, nc, area, [topology.PUBLIC])
    finally:
        await server.hang_up(nc)


async def bounded(group: str, tell: Callable[[Finding], None], work: Awaitable[T], seconds: float) -> T | None:
    """A group of checks, or what kept it from its end. What it had found by then is told."""
    found = Findings(group, tell)
    try:
        async with asyncio.timeout(max(0.05, seconds)):
            return await work
    except TimeoutError:
        do = "hänger disken (en nätverksdisk?) eller servern?"
        found.error("in time", f"svarade inte inom {max(0.0, seconds):.1f} s", do)
    except (NoAnswer, ApiError, Incomplete, ConnectFailed, nats.errors.Error, OSError) as error:
        found.error("answer", f"svarade inte: {error or type(error).__name__}", "se de andra felen")
    except (ValueError, LookupError, TypeError) as error:
        # What was read is not what it must be. The other checks go on: that is when they are needed.
        found.error("readable", f"kunde inte tolkas: {type(error).__name__}: {error}", "är det en annan version?")
    return None


async def in_thread(work: Callable[[], T]) -> T:
    """Work that may hang in the kernel (a dead network disk), in a thread that does not keep the process."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type] -- without an error there is a result

    def run() -> None:
        result: T | None = None
        failed: BaseException | None = None
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 -- handed to whoever waits
            failed = error
        try:
            loop.call_soon_threadsafe(settle, result, failed)
        except RuntimeError:
            return  # nobody waits any more: the loop is closed

    threading.Thread(target=run, name="doctor", daemon=True).start()
    return await done
