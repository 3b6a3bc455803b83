"""A federation's file for one node, and reports signed as a kommun's system signs them."""

import base64
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit

from node import Node, subject_of
from vardkase.federation import topology
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase_contracts import signing, streams
from vardkase_contracts.client.signer import Ed25519Signer
from vardkase_contracts.instants import MINUTE, iso


class Federated(Node):
    """A node of a federation, without its links: what they would bring is put into its log by the test."""

    async def start(self, *services: str) -> None:
        """Start NATS, make the streams, start services and wait until they are ready."""
        await super().start()
        sources = {streams.ORDERS_DOWN: [{"name": streams.ORDERS_UP}]}
        await topology.ensure(self.nc, self.area, share=self.share, sources=sources)
        for service in services:
            self.run(service)
        for service in services:
            await self.until_ready(service)


def signer(number: int) -> Ed25519Signer:
    """One of several keys."""
    return Ed25519Signer(bytes([number]) * 32)


def key(of: Ed25519Signer, **times: str) -> dict[str, str]:
    """A key as it stands in the file."""
    return {"key": base64.b64encode(of.public_key).decode(), **times}


def write_plan(path: Path, **parts: Any) -> Path:
    """Write a federation's file, in one go: a node of the nation, and what else is given."""
    nodes = {"SE": {"area": "SE", "leaf": "tls://nation.example:7422"}} | parts.pop("nodes", {})
    fresh = path.with_suffix(".new")
    fresh.write_text(tomlkit.dumps({"version": 1, "nodes": nodes, **parts}))
    return fresh.replace(path)


def spoil(path: Path) -> None:
    """Make the file one that describes no federation."""
    path.write_text("broken")


def report(point: str, kind: str, data: Mapping[str, Any], *, id: str, reality: str = "act") -> dict[str, Any]:  # noqa: A002 -- the field's name
    """A report of the kommun about its point, observed a minute ago."""
    return {
        "specversion": "1.0",
        "id": id,
        "source": f"urn:tp:kommun:{point[:4]}",
        "type": f"se.trygghetspunkt.{kind}.v1",
        "subject": point,
        "time": iso(time.time_ns() // 1000 - MINUTE),
        "reality": reality,
        "data": dict(data),
    }


def signed(event: Mapping[str, Any], by: Ed25519Signer | None) -> Outgoing:
    """A report on its way, signed or not."""
    subject, data = subject_of(dict(event)), json.dumps(event).encode()
    headers = {} if by is None else {signing.HEADER: signing.sign(by, subject, data)}
    return Outgoing(subject=subject, data=data, headers=headers)


async def publish(node: Node, *messages: Outgoing) -> None:
    """Publish raw reports with their headers, acknowledged by the stream."""
    await StreamWriter(node.nc, streams.INTAKE).write(list(messages))
