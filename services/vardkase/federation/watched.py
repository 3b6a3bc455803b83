"""The federation's file, read again when it changes. What cannot be read leaves what was."""

import logging
import os
from pathlib import Path
from typing import Final

from vardkase.federation.plan import Plan, load
from vardkase.runtime.errors import Refused

_log: Final = logging.getLogger(__name__)

_Mark = tuple[int, int, int]


class PlanFile:
    """The federation as its file tells it.

    Args:
        path: of the file.

    Raises:
        Refused: the file describes no federation.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mark = self._look()
        self.plan: Plan = load(path)
        """As it stood when it could last be read."""
        self.trouble = ""
        """Why the file as it is now cannot be read; empty when it can."""

    def changed(self) -> bool:
        """Read the file if it is another than when this was asked last. Whether the federation is another now."""
        mark = self._look()
        if mark == self._mark:
            return False
        self._mark = mark
        try:
            plan = load(self._path)
        except Refused as error:
            self.trouble = str(error)
            _log.error("the federation stays as it was: %s", error)
            return False
        self.trouble = ""
        before, self.plan = self.plan, plan
        return plan != before

    def _look(self) -> _Mark | None:
        """What tells one content of the file from another; None: it is not there."""
        try:
            found = os.stat(self._path)  # noqa: PTH116 -- the same
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
