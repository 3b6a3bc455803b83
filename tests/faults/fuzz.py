"""What no honest client sends: seeded, and told apart from the good reports among it by construction."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from faults.hose import Raw
from faults.load import Load

_HEADERS: Final = (
    b"NATS/1.0\r\nNats-Msg-Id: r1\r\n\r\n",
    b"NATS/1.0\r\nNats-Msg-Id: act.2480.r1\r\nTp-Received: 1999-01-01T00:00:00Z\r\nTp-Origin: other/1\r\n\r\n",
    b"NATS/1.0\r\nX: " + b"a" * 3000 + b"\r\n\r\n",
    b"NATS/1.0\r\nX\xff\xfe: \x00\x01\r\n\r\n",
    b"NATS/1.0\r\nno colon here\r\n\r\n",
    b"NATS/1.0\r\n" + b"A: b\r\n" * 200 + b"\r\n",
    b"NATS/1.0 503\r\n\r\n",
    b"NATS/1.0\r\nTp-Received: not a time\r\nTp-Origin: \r\n\r\n",
    b"NATS/1.0\r\nNats-TTL: 1s\r\n\r\n",
    b"NATS/1.0\r\nNats-Expected-Last-Sequence: 0\r\n\r\n",
    b"NATS/1.0\r\nNats-Rollup: all\r\n\r\n",
    b"NATS/1.0\r\nNats-Schedule: @at 2099-01-01T00:00:00Z\r\nNats-Schedule-Target: tp.v1.act.x\r\n\r\n",
)
_VALUES: Final = (
    10**400,
    -(10**400),
    1e308,
    -1,
    2**63,
    2**64,
    0.1 + 0.2,
    True,
    None,
    "",
    " ",
    "a" * 5000,
    "\x00",
    "\ud800",
    "\u202e",
    [],
    {},
    [[[[[]]]]],
    {"": {"": {"": None}}},
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00Z",
    "2026-11-20T12:00:00",
)
_SUBJECTS: Final = (
    b"tp.v1.act.report.24.2480",
    b"tp.v1.act.report.24.2480.x",
    b"tp.v1.act.report.24.2480.x.status.more",
    b"tp.v1.act.report.24.2480.X.status",
    b"tp.v1.act.report.24.2480.-.status",
    b"tp.v1.act.report.24.9999.x.status",
    b"tp.v1.act.report.24.0180.x.status",
    b"tp.v1.act.report.24.2480.x.unheard",
    b"tp.v1.act.report.24.2480.x.activation",
    b"tp.v1.act.report.24.2480._.status",
    b"tp.v1.act.report.24.\xff\xfe.x.status",
    b"tp.v1.act.report.24.2480." + b"a" * 200 + b".status",
    b"tp.v1.exe.report.24.2480.x.status",
    b"tp.v1.act.report.24.2480.a\x0bb.status",
)


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """A message, and whether it is one of the good ones."""

    raw: Raw
    good: bool


class Fuzz:
    """Fuzzed messages with good reports among them.

    Args:
        count: how many in all.
        seed: makes them what they are.
        good: the share of good reports, unaltered and with no headers.
    """

    def __init__(self, count: int, *, seed: int, good: float = 0.05) -> None:
        self._count = count
        self._chance = random.Random(seed)
        self._good = good
        self._reports = Load(max(1, int(count * good * 2)), seed=seed).reports()
        self._models = [(one.subject.encode(), one.data) for one in Load(2_000, seed=seed + 1).reports()]

    def __iter__(self) -> Iterator[Fuzzed]:
        """One after the other."""
        chance = self._chance
        deeds = (self._random, self._mutated, self._replaced, self._cut, self._deep, self._twice, self._elsewhere)
        for number in range(self._count):
            if chance.random() < self._good and (report := next(self._reports, None)) is not None:
                yield Fuzzed(Raw(report.subject.encode(), report.data), good=True)
                continue
            subject, data = chance.choice(self._models)
            raw = chance.choice(deeds)(subject, data, number)
            if chance.random() < 0.1:
                raw = raw._replace(headers=chance.choice(_HEADERS))
            yield Fuzzed(raw, good=False)

    def _random(self, subject: bytes, _data: bytes, _number: int) -> Raw:
        return Raw(subject, self._chance.randbytes(self._chance.randrange(200)))

    def _mutated(self, subject: bytes, data: bytes, _number: int) -> Raw:
        altered = bytearray(data)
        for _ in range(self._chance.randrange(1, 5)):
            altered[self._chance.randrange(len(altered))] = self._chance.randrange(256)
        return Raw(subject, bytes(altered))

    def _replaced(self, subject: bytes, data: bytes, number: int) -> Raw:
        """A field replaced by a value that it cannot have, somewhere in the event."""
        event = json.loads(data)
        event["id"] = f"f{number}"
        where: Any = event
        while isinstance(where, dict) and where:
            name = self._chance.choice(list(where))
            if isinstance(where[name], dict) and where[name] and self._chance.random() < 0.7:
                where = where[name]
                continue
            where[name] = self._chance.choice(_VALUES)
            break
        return Raw(subject, json.dumps(event).encode())

    def _cut(self, subject: bytes, data: bytes, _number: int) -> Raw:
        return Raw(subject, data[: self._chance.randrange(len(data))])

    def _deep(self, subject: bytes, data: bytes, _number: int) -> Raw:
        depth = self._chance.choice([10, 200, 2_000])
        opening, closing = self._chance.choice([(b"[", b"]"), (b'{"a":', b"}")])
        nested = opening * depth + b"1" + closing * depth
        return Raw(subject, data[:-1] + b',"extra":' + nested + b"}")

    def _twice(self, subject: bytes, data: bytes, number: int) -> Raw:
        """A key that stands twice: which counts must not differ between readers."""
        second = self._chance.choice([b'"reality":"exe"', b'"id":"f%d"' % number, b'"data":{}', b'"time":"x"'])
        return Raw(subject, data[:-1] + b"," + second + b"}")

    def _elsewhere(self, _subject: bytes, data: bytes, _number: int) -> Raw:
        return Raw(self._chance.choice(_SUBJECTS), data)
