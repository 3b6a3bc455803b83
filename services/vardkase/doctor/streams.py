"""The streams and those who read them: are they there, as they must be, with room, and moving?"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from nats.aio.client import Client

from vardkase.doctor.finding import Findings
from vardkase.doctor.server import ASK_S
from vardkase.federation import topology
from vardkase.runtime.jetstream.api import CONSUMER_NOT_FOUND, STREAM_NOT_FOUND, ApiError, NoAnswer, call
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import REALITIES

LOOK_S: Final = 1.5
"""Seconds between the two looks at each consumer."""
_FULL: Final = (0.70, 0.90)
"""Shares of a stream's room from which somebody ought to look, and from which it will soon refuse."""
_BEHIND: Final = 10_000
"""Messages that a reader may be behind before it is told of, though it advances."""
_MADE: Final = "starta om noden (vardkase up gör strömmarna); är den i gång görs det inom en halv minut"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """A consumer that a service has."""

    stream: str
    name: str
    service: str

    @property
    def check(self) -> str:
        """What its check is called."""
        return f"{self.stream} {self.name}"


READERS: Final = (
    *(Reader(stream=streams.INTAKE, name=f"intake-{reality}", service="intake") for reality in REALITIES),
    *(Reader(stream=streams.REPORTS, name=f"aggregator-{reality}", service="aggregator") for reality in REALITIES),
    Reader(stream=topology.orders_stream(federated=False), name="aggregator-orders", service="aggregator"),
)
"""Those that every node has."""
ARCHIVER: Final = "archiver"
"""The consumer of each stream that is archived, and the service that reads them."""


async def area_of(nc: Client) -> Area | None:
    """The area that a node's streams are for; None when it cannot be told.

    Raises:
        ApiError, NoAnswer: INTAKE cannot be asked.
    """
    info = await call(nc, f"STREAM.INFO.{streams.INTAKE}", within=ASK_S)
    tokens = info["config"]["subjects"][0].split(".")[4:]
    codes = [token for token in reversed(tokens) if token not in {"*", ">", subjects.ABSENT}]
    if len(info["config"]["subjects"]) > len(REALITIES):
        return None  # a civilområde: several län
    try:
        return Area.parse(codes[0] if codes else "SE")
    except ValueError:
        return None


async def examine(found: Findings, nc: Client, area: Area, kept: Sequence[topology.Kept]) -> None:
    """Each stream beside what it must be."""
    if not isinstance(await _info(nc, streams.ORDERS_DOWN), Exception) and topology.PUBLIC not in kept:
        kept = (*kept, topology.ORDERS_DOWN)
    answers = await asyncio.gather(*(_info(nc, each.name) for each in kept))
    # What it reads of other nodes is the federation's file to say, and the node sees to it: readyz tells of each link.
    sources = {
        info["config"]["name"]: info["config"]["sources"]
        for info in answers
        if not isinstance(info, Exception) and info["config"].get("sources")
    }
    for each, info in zip(kept, answers, strict=True):
        check = f"stream {each.name}"
        if isinstance(info, ApiError) and info.err_code == STREAM_NOT_FOUND:
            found.error(check, "finns inte", _MADE)
        elif isinstance(info, Exception):
            found.error(check, f"kan inte ses: {info}", "läs NATS logg")
        else:
            copies = info["config"].get("num_replicas", 1)  # an operator's to set: VARDKASE_NATS_REPLICAS
            _stream(found, check, info, topology.config(each, area, sources=sources, replicas=copies))


def _stream(found: Findings, check: str, info: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    config, state = info["config"], info["state"]
    room = config.get("max_bytes", -1)
    others = topology.differences(config, {**wanted, "max_bytes": room if room > 0 else wanted["max_bytes"]})
    share = state["bytes"] / room if room > 0 else 0.0
    seen = f"{state['messages']} meddelanden, {share:.0%} av {_mib(room)}"
    if others:
        told = "; ".join(f"{name} är {_short(have)}, ska vara {_short(want)}" for name, (have, want) in others.items())
        found.error(check, f"är inte som den ska: {told}", "starta om noden: den ställer tillbaka strömmen")
    elif share >= _FULL[0]:
        do = "höj strömmens max_bytes, eller gör plats (docs/operator.md, Disk); full tar den inte emot mer"
        (found.error if share >= _FULL[1] else found.warning)(check, seen, do)
    elif away := _away(info):
        do = "se efter att klustrets servrar är i gång och når varandra: med en till borta tas inget emot"
        found.warning(check, f"{seen}; kopian hos {', '.join(away)} är inte i fas", do)
    else:
        found.ok(check, seen)
    gone = state["last_seq"] - state["messages"] if config["name"] == streams.REPORTS else 0
    if gone > 0:
        do = "återställ från en säkerhetskopia om det inte var meningen: loggen är det enda som inte kan göras om"
        found.warning("log whole", f"{gone} rapporter har tagits bort ur loggen", do)


def _away(info: Mapping[str, Any]) -> list[str]:
    """The servers of a cluster whose copy of a stream is not up to date."""
    copies = (info.get("cluster") or {}).get("replicas") or []
    return [str(each.get("name")) for each in copies if each.get("offline") or not each.get("current")]


async def readers(found: Findings, nc: Client, *, archived: bool) -> None:
    """Whether each service's consumers are there and move: two looks, a moment apart."""
    federated = not isinstance(await _info(nc, streams.ORDERS_DOWN), Exception)
    expected = list(READERS)
    if federated:
        expected[-1] = replace(expected[-1], stream=streams.ORDERS_DOWN)
        expected = await _by_parts(nc, expected)
    archive = await _archived(nc)
    expected += [Reader(stream=name, name=ARCHIVER, service=ARCHIVER) for name in archive]
    first = await asyncio.gather(*(_consumer(nc, each) for each in expected))
    await asyncio.sleep(LOOK_S)
    second = await asyncio.gather(*(_consumer(nc, each) for each in expected))
    for each, before, after in zip(expected, first, second, strict=True):
        _reader(found, each, before, after)
    if archived and not archive:
        do = "går tjänsten archiver? Se readyz och nodens logg"
        found.error(f"reader {ARCHIVER}", "ingen ström har arkivets läsare", do)


async def _by_parts(nc: Client, expected: list[Reader]) -> list[Reader]:
    """The same, but of the aggregator those that there are: one a child's part of the log, one for any that is left."""
    try:
        told = await call(nc, f"CONSUMER.NAMES.{streams.REPORTS}", within=ASK_S)
    except (ApiError, NoAnswer):
        return expected
    names: list[str] = told.get("consumers") or []
    found: list[Reader] = []
    for each in expected:
        parts = [name for name in names if name.startswith(f"{each.name}-")] if each.stream == streams.REPORTS else []
        if not parts or each.name in names:
            found.append(each)
        found += [replace(each, name=name) for name in sorted(parts)]
    return found


def _reader(found: Findings, reader: Reader, before: Any, after: Any) -> None:
    check = f"reader {reader.check}"
    restart = f"går tjänsten {reader.service}? Se dess logg; annars vardkase up"
    if isinstance(after, ApiError) and after.err_code in {CONSUMER_NOT_FOUND, STREAM_NOT_FOUND}:
        what = "läsaren" if after.err_code == CONSUMER_NOT_FOUND else "strömmen"
        do = f"{reader.service} gör den själv inom några sekunder; {restart}"
        found.error(check, f"{what} finns inte", do)
        return
    if isinstance(before, Exception) or isinstance(after, Exception):
        again = isinstance(before, ApiError) and before.err_code == CONSUMER_NOT_FOUND
        if again and not isinstance(after, Exception):
            found.warning(check, "läsaren fanns inte nyss, och har gjorts om", "se efter igen om en stund")
        else:
            found.error(check, f"kan inte ses: {after if isinstance(after, Exception) else before}", "läs NATS logg")
        return
    lag, was = _lag(after), _lag(before)
    moved = after["ack_floor"]["stream_seq"] > before["ack_floor"]["stream_seq"]
    idle = not after["num_waiting"] and not before["num_waiting"]
    if after.get("paused"):
        found.error(check, "läsaren är pausad", f"nats consumer resume {reader.stream} {reader.name}")
    elif lag and was and not moved:
        found.error(check, f"{lag} meddelanden väntar och inget kvitterades på {LOOK_S:g} s", restart)
    elif idle and not moved:
        found.error(check, "ingen läser", restart)
    elif lag > _BEHIND:
        seen = f"{lag} meddelanden efter ({was - lag:+d} på {LOOK_S:g} s)"
        found.warning(check, seen, "en kö betas av; är den kvar om en stund hinner tjänsten inte med")
    else:
        found.ok(check, f"{lag} väntar")


async def _archived(nc: Client) -> list[str]:
    """The streams that the archive's consumer is on."""
    names = [kept.name for kept in topology.KEPT]
    looked = await asyncio.gather(*(_consumer(nc, Reader(stream=n, name=ARCHIVER, service=ARCHIVER)) for n in names))
    return [name for name, seen in zip(names, looked, strict=True) if not isinstance(seen, Exception)]


async def _info(nc: Client, stream: str) -> Mapping[str, Any] | Exception:
    try:
        return await call(nc, f"STREAM.INFO.{stream}", within=ASK_S)
    except (ApiError, NoAnswer) as error:
        return error


async def _consumer(nc: Client, reader: Reader) -> Any:
    try:
        return await call(nc, f"CONSUMER.INFO.{reader.stream}.{reader.name}", within=ASK_S)
    except (ApiError, NoAnswer) as error:
        return error


def _lag(info: Mapping[str, Any]) -> int:
    return info["num_pending"] + info["num_ack_pending"]


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def _mib(count: int) -> str:
    return "obegränsat" if count <= 0 else f"{count / (1 << 20):.0f} MiB"
