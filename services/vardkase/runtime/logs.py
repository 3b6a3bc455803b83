"""Logs: one line per event on stderr, as JSON or for people, without secrets, and never in the way.

Everything uses the standard library's `logging`; what belongs to an event goes into `extra`:
`log.info("child restarted", extra={"service": "intake", "wait_s": 0.4})`.

Bounded in every direction: a line is at most `LINE` bytes (so that lines of several processes on one pipe stay whole),
a place in the code logs at most `BURST` lines in `WINDOW` seconds (the next line after tells how many were left out),
and at most `QUEUE` lines wait. A thread writes them, so a terminal or pipe that nobody reads never stops a service;
what does not fit is dropped, counted, and told of when there is room.
"""

import json
import logging
import os
import queue
import re
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from vardkase.runtime.settings import Settings

LINE: Final = 4096
"""Longest line in bytes, with its newline: what a pipe takes in one piece (PIPE_BUF on Linux)."""
QUEUE: Final = 2000
"""Most lines that wait to be written."""
BURST: Final = 20
"""Most lines from one place in the code in a window."""
WINDOW: Final = 10.0
"""Seconds."""
_OURS: Final = 5
_FIELDS: Final = 24
_VALUE: Final = 400
_PLACES: Final = 1000

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_SECRETS: Final = (
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s/@:]*):[^\s/@]*@"), r"\1:***@"),  # a password in a URL
    (re.compile(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{6,}"), r"\1 ***"),
    (re.compile(r"\bS[ACNOUX][A-Z2-7]{56}\b"), "S***"),  # the seed of an nkey
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"), "eyJ***"),  # a JWT
    (re.compile(r"(?i)\b(password|passwd|secret|token|api[_-]?key)(\"?\s*[=:]\s*\"?)[^\s\",;&]+"), r"\1\2***"),
)


def without_secrets(text: str) -> str:
    """The text with what looks like a password, token, key or seed replaced by `***`."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def configure(settings: Settings, service: str, *, descriptor: int = 2) -> "LogWriter":
    """Sends every log of this process through here. Call it once, and `close` what it gives at the end.

    Args:
        settings: `log_format` and `log_level`.
        service: the name that each line carries.
        descriptor: the open file that lines go to; stderr unless given.
    """
    people = settings.log_format == "human" or (settings.log_format == "auto" and os.isatty(descriptor))
    writer = LogWriter(descriptor, HumanFormatter(service) if people else JsonFormatter(service))
    writer.addFilter(Throttle())
    root = logging.getLogger()
    root.handlers[:] = [writer]
    root.setLevel(settings.log_level.upper())
    for name, level in (("uvicorn.access", logging.CRITICAL), ("asyncio", logging.WARNING)):
        logging.getLogger(name).setLevel(level)
    for name in ("uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers[:] = []
        logger.propagate = True
        logger.setLevel(max(logging.WARNING, root.level))  # their "started" and "stopped" are told by us
    logging.captureWarnings(capture=True)
    return writer


class Throttle(logging.Filter):
    """Lets through at most `burst` records from one place in the code in each window."""

    def __init__(self, burst: int = BURST, window: float = WINDOW) -> None:
        super().__init__()
        self._burst = burst
        self._window = window
        self._places: dict[tuple[str, int], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log it; the first of a new window is told how many were not."""
        place = (record.pathname, record.lineno)
        now = time.monotonic()
        since, count = self._places.get(place, (now, 0))
        if now - since >= self._window:
            if count > self._burst:
                record.left_out = count - self._burst
            since, count = now, 0
        if len(self._places) >= _PLACES and place not in self._places:
            self._places.clear()
        self._places[place] = (since, count + 1)
        return count < self._burst


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `at`, `level`, `service`, `logger`, `message`, the extra fields, `exception`."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line without its newline."""
        line: dict[str, Any] = {
            "at": _utc(record).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": _cut(without_secrets(record.getMessage()), LINE // 3),
            **_extra(record),
        }
        if trace := _trace(self, record):
            line["exception"] = trace
        text = json.dumps(line, ensure_ascii=False)
        while len(text.encode()) >= LINE and len(line) > _OURS:
            line.popitem()
            text = json.dumps({**line, "cut": True}, ensure_ascii=False)
        if len(text.encode()) >= LINE:  # of the longest characters, or of such that JSON escapes
            text = json.dumps({**line, "message": line["message"][: LINE // 8], "cut": True}, ensure_ascii=False)
        return text


class HumanFormatter(logging.Formatter):
    """`03:40:00 warning intake: message  key=value`, with the exception on the lines after."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The record as text without its newline."""
        at = _utc(record).astimezone().strftime("%H:%M:%S")
        message = _cut(without_secrets(record.getMessage()), LINE // 3)
        extra = "".join(f"  {key}={value}" for key, value in _extra(record).items())
        text = f"{at} {record.levelname.lower():7} {self._service}: {message}{extra}"
        if trace := _trace(self, record):
            text = f"{text}\n{trace}"
        return text.encode()[: LINE - 1].decode(errors="ignore")


class LogWriter(logging.Handler):
    """Writes lines from a thread of its own.

    Args:
        descriptor: the open file that lines go to. Not a Python stream: a thread that waits for one holds its lock,
            and the interpreter could not end.
        formatter: makes the lines, in the thread that logs.
        size: how many may wait.
    """

    def __init__(self, descriptor: int, formatter: logging.Formatter, *, size: int = QUEUE) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self._descriptor = descriptor
        self._lines: queue.Queue[str | None] = queue.Queue(maxsize=size)
        self.dropped = 0
        """Lines that did not fit since the last one that was written."""
        self._thread = threading.Thread(target=self._write, name="log-writer", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Puts the record's line in the queue, or counts it as dropped."""
        try:
            self._lines.put_nowait(self.format(record))
        except queue.Full:
            self.dropped += 1
        except Exception:  # noqa: BLE001 -- a log that cannot be formatted must not stop what logs; logging says so
            self.handleError(record)

    def close(self) -> None:
        """Writes what waits, for at most a second, and ends the thread."""
        try:
            self._lines.put(None, timeout=0.5)
        except queue.Full:
            self.dropped += 1
        self._thread.join(timeout=1.0)
        super().close()

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            dropped, self.dropped = self.dropped, 0
            try:
                self._put(line)
                if dropped:
                    self._put(self._told(dropped))
            except OSError:  # nobody is there to read, or to be told so
                self.dropped += dropped + 1

    def _put(self, line: str) -> None:
        rest = f"{line}\n".encode(errors="backslashreplace")
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def _told(self, dropped: int) -> str:
        return self.format(
            logging.makeLogRecord(
                {"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING", "msg": "log lines were dropped"}
                | {"lines": dropped}
            )
        )


def _utc(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, tz=UTC)


def _extra(record: logging.LogRecord) -> Mapping[str, Any]:
    fields: dict[str, Any] = {}
    for key, value in vars(record).items():
        if key in _STANDARD or len(fields) == _FIELDS:
            continue
        plain = value if value is None or isinstance(value, bool | int | float) else str(value)
        fields[key] = _cut(without_secrets(plain), _VALUE) if isinstance(plain, str) else plain
    return fields


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    if record.exc_info and not record.exc_text:
        record.exc_text = formatter.formatException(record.exc_info)
    trace = "\n".join(part for part in (record.exc_text, record.stack_info) if part)
    text = without_secrets(trace)
    # The end of a trace says what happened and where; the beginning is ours and always the same.
    return text if len(text) <= LINE // 2 else f"…{text[-LINE // 2 :]}"


def _cut(text: str, most: int) -> str:
    flat = " ".join(text.split("\n"))
    return flat if len(flat) <= most else f"{flat[:most]}…"
