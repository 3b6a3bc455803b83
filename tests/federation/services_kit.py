"""Services of a level beside its own server, and reports as a kommun's intake writes them into its log."""

import base64
import json
import time
from collections.abc import Mapping
from typing import Any

import tomlkit

from federation.kit import Federation, Level
from node import Node, subject_of
from servers import Eventually
from vardkase.federation import topology
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.connection import connect
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase_contracts import signing, streams
from vardkase_contracts.client.signer import Ed25519Signer
from vardkase_contracts.instants import iso


class LevelServices(Node):
    """The services of a level. Its server and its streams are the level's."""

    def __init__(self, level: Level, eventually: Eventually, **variables: str) -> None:
        given = {"AREA": level.area.code, "NODE": level.name, "FEDERATION": str(level.file)}
        named = {f"VARDKASE_{name}": value for name, value in given.items()}
        super().__init__(level.directory, eventually, **(named | variables))
        self.nats = level.bus

    async def start(self, *services: str) -> None:
        """Make the public stream, and start services."""
        self.nc = await connect(self.nats.url, name="test", reconnect_wait=0.05)
        self.public = await connect(self.nats.projector_url.get_secret_value(), name="test", reconnect_wait=0.05)
        await topology.ensure_public(self.public, self.area, share=self.share)
        for service in services:
            self.run(service)
        for service in services:
            await self.until_ready(service)

    async def again(self, service: str, **variables: str) -> None:
        """End a service, and start it again with other settings."""
        self.kill(service)
        self.variables |= variables
        self.run(service)
        await self.until_ready(service)

    async def stop(self) -> None:
        """End the services."""
        for service in list(self._running):
            self.kill(service)
        for bound in self._sockets.values():
            bound.close()
        await self.nc.close()
        await self.public.close()

    async def counted(self, subject: str, stream: str = streams.REPORTS) -> int:
        """How many messages of a stream are on a subject."""
        told = (await call(self.nc, f"STREAM.INFO.{stream}", {"subjects_filter": subject}))["state"]
        return sum((told.get("subjects") or {}).values())


def report(
    point: str,
    kind: str,
    data: Mapping[str, Any],
    *,
    id: str,  # noqa: A002 -- the field's name
    at: int | None = None,
    reality: str = "act",
) -> dict[str, Any]:
    """A report of the kommun about its point, observed now or then."""
    return {
        "specversion": "1.0",
        "id": id,
        "source": f"urn:tp:kommun:{point[:4]}",
        "type": f"se.trygghetspunkt.{kind}.v1",
        "subject": point,
        "time": iso(time.time_ns() // 1000 if at is None else at),
        "reality": reality,
        "data": dict(data),
    }


def signer_of(federation: Federation, node: str) -> Ed25519Signer:
    """The signer of a kommun that the office has made keys for."""
    text = (federation.directory / "secrets" / node / "sign.key").read_text()
    return Ed25519Signer(base64.b64decode(text.strip()))


def merged(event: Mapping[str, Any], by: Ed25519Signer | None = None, **changes: Any) -> Outgoing:
    """A report as it stands in the log of its kommun's node; `changes` are of the message."""
    subject, data = subject_of(dict(event)), json.dumps(event).encode()
    fields = {"Tp-Received": event["time"], "Tp-Origin": "test/1"}
    if by is not None:
        fields[signing.HEADER] = signing.sign(by, subject, data)
    made = Outgoing(
        subject=subject.replace(".report.", ".accepted."),
        data=data,
        headers=fields,
        message_id=f"{event['reality']}.{event['subject'][:4]}.{event['id']}",
    )
    return Outgoing(**{name: getattr(made, name) for name in ("subject", "data", "headers", "message_id")} | changes)


async def log(level: Level, *messages: Outgoing) -> None:
    """Write into a level's log, as its intake does."""
    await StreamWriter(level.nc, streams.REPORTS).write(list(messages))


def require_signatures(federation: Federation, *kommuner: str) -> None:
    """From now on these must sign."""
    document = tomlkit.parse(federation.file.read_text())
    signers: Any = document["signers"]
    for code in kommuner:
        signers[code]["policy"] = "required"
    fresh = federation.file.with_suffix(".fresh")
    fresh.write_text(tomlkit.dumps(document))
    fresh.replace(federation.file)
