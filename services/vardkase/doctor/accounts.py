"""That the public side cannot even name what is restricted."""

import asyncio
from typing import Final

import nats.errors
from nats.aio.client import Client
from pydantic import SecretStr

from vardkase.doctor.finding import Findings
from vardkase.doctor.server import ASK_S, dial_as, hang_up
from vardkase.doctor.target import Target
from vardkase.runtime.jetstream.api import STREAM_NOT_FOUND, ApiError, NoAnswer, call
from vardkase.runtime.jetstream.connection import ConnectFailed
from vardkase_contracts import streams

_RESTRICTED: Final = ("tp.v1.act.state.>", "tp.v1.act.accepted.>", "tp.v1.*.alert.>", "tp.v1.act.picture.>", ">")
_REFUSED_S: Final = 1.0
"""Seconds within which a server that answers has refused a subscription, if it does."""
_GLANCE_S: Final = 0.01
_AWAY: Final = "det publika kontot svarar inte; se NATS logg"
_WRONG: Final = "rätta kontona i NATS-konfigurationen (infra/nats) genast: begränsade uppgifter kan läsas av alla"


async def apart(found: Findings, target: Target) -> None:
    """What a member of the public, and the public account's writer, can see of the other account."""
    if target.public is None and target.projector is None:
        do = "sätt VARDKASE_NATS_PUBLIC_URL om något ska vara publikt"
        found.skipped("accounts", "det publika kontot är inte känt här", do)
    if target.public is not None:
        await _look(found, "reader", target.public, everyone=True)
    if target.projector is not None:
        await _look(found, "writer", target.projector, everyone=False)


async def _look(found: Findings, who: str, url: SecretStr, *, everyone: bool) -> None:
    """Try to reach what is restricted; nothing is published."""
    check = f"public {who}"
    try:
        nc = await dial_as(url, ASK_S)
    except ConnectFailed as error:
        found.error(check, f"kan inte ansluta: {error}", _AWAY)
        return
    try:
        seen = await _subscribed(nc) if everyone else [streams.REPORTS] * await _sees(nc, streams.REPORTS)
        if everyone:
            await _public_stream(found, nc)
    except (NoAnswer, OSError, nats.errors.Error) as error:
        found.error(check, f"svarar inte: {error or type(error).__name__}", _AWAY)
        return
    finally:
        await hang_up(nc)
    if seen:
        found.error(check, f"når {', '.join(seen)}", _WRONG)
    else:
        found.ok(check, "når inget begränsat")


async def _subscribed(nc: Client) -> list[str]:
    """The first restricted subject that this user may listen to, though it must not."""
    for subject in _RESTRICTED:
        await nc.subscribe(subject)
        await nc.flush(timeout=1)
        try:
            async with asyncio.timeout(_REFUSED_S):
                while (  # noqa: ASYNC110 -- nats-py tells it by no event
                    f'subscription to "{subject}"'.lower() not in str(nc.last_error).lower()
                ):
                    await asyncio.sleep(_GLANCE_S)
        except TimeoutError:
            return [subject]
    return []


async def _public_stream(found: Findings, nc: Client) -> None:
    """That what is public can be read."""
    try:
        info = await call(nc, f"STREAM.INFO.{streams.PUBLIC}", within=ASK_S)
        found.ok("public read", f"den publika strömmen kan läsas: {info['state']['messages']} värden")
    except ApiError as error:
        found.error("public read", f"den publika strömmen kan inte läsas: {error}", "starta om noden")


async def _sees(nc: Client, stream: str) -> bool:
    """Whether a stream of the restricted account is there for this user."""
    try:
        await call(nc, f"STREAM.INFO.{stream}", within=ASK_S)
    except ApiError as error:
        return error.err_code != STREAM_NOT_FOUND
    except NoAnswer:
        return False
    return True
