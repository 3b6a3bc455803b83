"""A node of real processes: a nats-server and services that can be killed, and what they have published."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from servers import Eventually
from vardkase.federation import topology
from vardkase.federation.wiring import UP
from vardkase.rehearsal.verdict import twins
from vardkase.runtime.jetstream.api import MESSAGE_NOT_FOUND, ApiError, call
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.connection import Connection, connect
from vardkase.runtime.jetstream.values import last_values, scan
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase.runtime.nats_server import EmbeddedNats
from vardkase.runtime.settings import load
from vardkase.runtime.sockets import listen, url
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area


class Node:
    """Streams, and services as processes of their own. Everything ends with `stop`."""

    share = 0.1
    """Of the streams' full size, as in `topology.ensure`."""

    def __init__(self, data_dir: Path, eventually: Eventually, **variables: str) -> None:
        self.area = Area.parse(variables.get("VARDKASE_AREA", "SE"))
        self._data_dir = data_dir
        self._eventually = eventually
        #: The services' settings, beside those that the node makes.
        self.variables = variables
        self.nats = EmbeddedNats(load(data_dir=data_dir, nats_port=0, area=self.area.code))
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._http: dict[str, str] = {}
        self._sockets: dict[str, Any] = {}
        self.nc: Connection
        self.public: Connection

    async def start(self, *services: str) -> None:
        """Start NATS, make the streams, start services and wait until they are ready."""
        await self.nats.start()
        self.nc = await connect(self.nats.url, name="test", reconnect_wait=0.05)
        self.public = await connect(self.nats.projector_url.get_secret_value(), name="test", reconnect_wait=0.05)
        await topology.ensure(self.nc, self.area, share=self.share)
        await topology.ensure_public(self.public, self.area, share=self.share)
        for service in services:
            self.run(service)
        for service in services:
            await self.until_ready(service)

    async def stop(self) -> None:
        """End everything, the services first."""
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            await asyncio.to_thread(process.wait, 20)
        for bound in self._sockets.values():
            bound.close()
        await self.nc.close()
        await self.public.close()
        await self.nats.stop()

    @property
    def data_dir(self) -> Path:
        """Where it keeps what it must not lose."""
        return self._data_dir

    def run(self, service: str, *handed: int) -> None:
        """Start a service, which inherits these descriptors."""
        bound = self._sockets.get(service)
        if bound is None:
            bound = self._sockets[service] = listen("127.0.0.1", 0)
        self._http[service] = url(bound)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("VARDKASE_")}
        environment |= {
            "VARDKASE_AREA": self.area.code,
            "VARDKASE_NATS_URL": self.nats.url,
            "VARDKASE_NATS_PUBLIC_URL": self.nats.projector_url.get_secret_value(),
            "VARDKASE_DATA_DIR": str(self._data_dir),
            "VARDKASE_HTTP_FD": str(bound.fileno()),
        } | self.variables
        with (self._data_dir / f"{service}.out").open("ab") as out:
            self._running[service] = subprocess.Popen(
                [sys.executable, "-m", "vardkase.cli.main", "run", service],
                env=environment,
                pass_fds=[bound.fileno(), *handed],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def kill(self, service: str, number: int = signal.SIGKILL) -> None:
        """Kill a service, and see it dead."""
        process = self._running[service]
        process.send_signal(number)
        process.wait(20)

    async def until_ready(self, service: str, within: float = 40.0) -> None:
        await self._eventually(
            lambda: asyncio.to_thread(self.is_ready, service), what=f"{service} ready", within=within
        )

    def is_ready(self, service: str) -> bool:
        return self._get(service, "/readyz")[0] == 200

    def readiness(self, service: str) -> Any:
        return json.loads(self._get(service, "/readyz")[1])

    def metrics(self, service: str) -> dict[str, float]:
        """Samples by their text, labels and all."""
        lines = self._get(service, "/metrics")[1].decode().splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}

    def _get(self, service: str, path: str) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(self._http[service] + path, timeout=5) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError:
            return 0, b""

    async def publish(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Publish raw reports, acknowledged by the stream."""
        writer = StreamWriter(self.nc, streams.INTAKE)
        await writer.write([Outgoing(subject=subject, data=data) for subject, data in messages])

    async def until_quiet(self, within: float = 60.0) -> None:
        """Wait until everything published has been dealt with."""

        async def quiet() -> bool:
            for stream in (streams.INTAKE, streams.REPORTS):
                for info in (await call(self.nc, f"CONSUMER.LIST.{stream}"))["consumers"]:
                    if info["name"] == UP:
                        continue  # its parent's: it acknowledges now and then
                    # Not by what is pending: the server may not have counted yet what it has just stored.
                    if info["ack_floor"]["stream_seq"] < await self._last_of(stream, info["config"]):
                        return False
            return all(self.is_ready(service) for service in self._running) and not self._telling()

        await self._eventually(quiet, what="everything dealt with", within=within)

    def _telling(self) -> float:
        """How many documents wait to be told to the public."""
        if "aggregator" not in self._running:
            return 0
        return self.metrics("aggregator").get('vardkase_queue_depth{queue="public"}', 0)

    async def _last_of(self, stream: str, consumer: dict[str, Any]) -> int:
        """The last sequence that a consumer is to read."""
        last = 0
        for pattern in consumer.get("filter_subjects") or [consumer["filter_subject"]]:
            try:
                found = await call(self.nc, f"STREAM.MSG.GET.{stream}", {"last_by_subj": pattern})
            except ApiError as error:
                if error.err_code != MESSAGE_NOT_FOUND:
                    raise
            else:
                last = max(last, found["message"]["seq"])
        return last

    async def last(self, stream: str) -> dict[str, Any]:
        """The last document of every subject."""
        nc = self.public if stream == streams.PUBLIC else self.nc
        return {each.subject: json.loads(each.data) async for each in last_values(nc, stream, [])}

    async def all(self, stream: str) -> list[tuple[str, Any]]:
        """Every document of a stream, in order."""
        return [(each.subject, json.loads(each.data)) async for each in scan(self.nc, stream, [])]

    async def versions(self, reality: str = "act") -> dict[str, str]:
        """The version of every state that says anything (of one whose reports were all withdrawn, nothing is left)."""
        documents = (each for each in (await self.last(streams.STATE)).values() if each["reality"] == reality)
        return {each["id"]: each["version"] for each in documents if each["facts"] or any(each["last"].values())}

    async def open_alerts(self, reality: str = "act") -> dict[str, str]:
        """The level of every open alert, by key."""
        documents = await self.last(streams.ALERTS)
        return {
            each["key"]: each["level"]
            for each in documents.values()
            if each["status"] == "firing" and each["reality"] == reality
        }

    async def twins(self) -> list[str]:
        """Alerts that were told twice: the same again, or raised anew without having been cleared."""
        return twins(await self.all(streams.ALERTS))


def subject_of(event: dict[str, Any]) -> str:
    """Where a report is published."""
    kind = event["type"].removeprefix("se.trygghetspunkt.").removesuffix(".v1")
    return subjects.report(event["reality"], event["subject"][:4], event["subject"][5:], kind)
