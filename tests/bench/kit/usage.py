"""What processes use: CPU, which a busy machine blurs less than the wall clock, and memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import psutil

MEBIBYTE = 1 << 20


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and all that came of it, as the kernel counts it (in steps of 10 ms)."""
    total = 0.0
    process = psutil.Process(pid)
    for one in (process, *process.children(recursive=True)):
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            continue  # its time is counted with its parent's children's
        total += times.user + times.system + times.children_user + times.children_system
    return total


def resident_mib(pid: int) -> float:
    """Resident memory of a process, MiB; of it what it shares with others is counted in each."""
    return psutil.Process(pid).memory_info().rss / MEBIBYTE


@dataclass(frozen=True, slots=True)
class Cpu:
    """CPU seconds of named processes since some beginning."""

    seconds: Mapping[str, float]

    @classmethod
    def of(cls, pids: Mapping[str, int]) -> Self:
        """What each has used since it started."""
        return cls({name: cpu_seconds(pid) for name, pid in pids.items()})

    def since(self, before: Self) -> Self:
        """What was used since then; of a process that is new, all of it."""
        return type(self)({name: used - before.seconds.get(name, 0.0) for name, used in self.seconds.items()})

    def joined(self, other: Mapping[str, float]) -> Self:
        """With what other processes used."""
        return type(self)({**self.seconds, **other})

    def per_thousand(self, reports: int) -> str:
        """`intake 0.21, nats-server 0.05`: seconds for a thousand reports."""
        parts = (f"{name} {1000 * used / reports:.3f}" for name, used in self.seconds.items())
        return f"{1000 * sum(self.seconds.values()) / reports:.3f} = {' + '.join(parts)}"
