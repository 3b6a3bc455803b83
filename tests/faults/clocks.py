"""The clock of a node's processes, in the test's hand: off, and stepping while they run."""

import struct
from pathlib import Path
from typing import Final

from vardkase_contracts.instants import SECOND

_SHIFTED: Final = Path(__file__).with_name("stepping")


class Clock:
    """What the node's own processes hold for the time; NATS, a program of another kind, keeps the real one.

    Args:
        directory: for the file that says how far they are off.
        seconds: how far they are off at the start; ahead is positive.
    """

    def __init__(self, directory: Path, seconds: float = 0.0) -> None:
        self._path = directory / "clock"
        self.set(seconds)

    def set(self, seconds: float) -> None:
        """Set it so far off the real time, at once."""
        packed = struct.pack("<q", round(seconds * SECOND))
        if not self._path.exists():
            self._path.write_bytes(packed)
            return
        with self._path.open("r+b") as file:
            file.write(packed)

    def variables(self) -> dict[str, str]:
        """What the node's environment needs for it."""
        return {"FAULTS_CLOCK": str(self._path), "PYTHONPATH": str(_SHIFTED)}
