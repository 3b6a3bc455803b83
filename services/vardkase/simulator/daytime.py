"""The local time of simulated instants: hours for day rhythms, text for reports. Fast: every report needs it."""

from typing import Final
from zoneinfo import ZoneInfo

from vardkase_contracts.instants import DAY, HOUR, MINUTE, SECOND, to_datetime

_DATES_MAX: Final = 64


class LocalTime:
    """One time zone's clock. Its offset is looked up once an hour: zones change on whole hours (UTC)."""

    __slots__ = ("_dates", "_offset", "_offset_hour", "_suffix", "_zone")

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self._offset_hour = -1
        self._offset = 0
        self._suffix = "+00:00"
        self._dates: dict[int, str] = {}

    def offset(self, at: int) -> int:
        """What local time is ahead of UTC at an instant, in microseconds."""
        hour = at // HOUR
        if hour != self._offset_hour:
            ahead = to_datetime(hour * HOUR).astimezone(self._zone).utcoffset()
            seconds = 0 if ahead is None else ahead.days * 86_400 + ahead.seconds
            self._offset_hour = hour
            self._offset = seconds * SECOND
            sign, whole = ("-", -seconds) if seconds < 0 else ("+", seconds)
            self._suffix = f"{sign}{whole // 3600:02d}:{whole // 60 % 60:02d}"
        return self._offset

    def hour(self, at: int) -> float:
        """The local hour of the day, 0 to 24 with its fraction."""
        return (at + self.offset(at)) % DAY / HOUR

    def next_hour(self, at: int, hour: int) -> int:
        """The next instant, later than `at`, when it is `hour` o'clock (by the offset at `at`)."""
        local = at + self.offset(at)
        found = local - local % DAY + hour * HOUR
        return (found if found > local else found + DAY) - self._offset

    def utc(self, at: int) -> str:
        """The instant in RFC 3339, UTC, cut to whole seconds: "2026-11-20T02:40:00Z"."""
        return self._clock(at) + "Z"

    def local(self, at: int) -> str:
        """The instant in RFC 3339, local time with its offset, cut to whole seconds: "2026-11-20T03:40:00+01:00"."""
        return self._clock(at + self.offset(at)) + self._suffix

    def _clock(self, shown: int) -> str:
        day, rest = divmod(shown, DAY)
        date = self._dates.get(day)
        if date is None:
            if len(self._dates) >= _DATES_MAX:
                self._dates.clear()
            date = self._dates[day] = to_datetime(day * DAY).date().isoformat()
        return f"{date}T{rest // HOUR:02d}:{rest // MINUTE % 60:02d}:{rest // SECOND % 60:02d}"
