"""What a webhook is owed: pure. A function of what it was last told of a key, and of how that is now.

So a restart, a second notifier or a repeated event owes nothing twice, and what came and went while a webhook was away
is not told any more.
"""

from typing import Literal, NamedTuple

from .hooks import Hook
from .notice import Notice

What = Literal["raised", "changed", "cleared"]
"""What has become of it: the second half of a notification's `type`."""


class Told(NamedTuple):
    """What a webhook was last told of a key."""

    event: str
    stands: bool
    level: str
    #: How many times it was told of the key: makes the next delivery another one.
    times: int


class Owed(NamedTuple):
    """What it is to be told."""

    what: What
    #: What it will have been told then.
    then: Told


def owed(told: Told | None, notice: Notice, hook: Hook) -> Owed | None:
    """What a webhook is to be told of a notice now; None: nothing.

    What it was told of is told to its end, whatever it wants to hear of: nobody is to be left with what does not stand
    any more. A change of level waits while it is quiet.
    """
    knows = told is not None and told.stands
    times = 1 if told is None else told.times + 1
    if not notice.stands:
        if not knows or told is None:
            return None
        return Owed("cleared", Told(told.event, stands=False, level=notice.level, times=times))
    then = Told(notice.event, stands=True, level=notice.level, times=times)
    if not knows or told is None:
        return Owed("raised", then) if hook.wants(notice) else None
    if told.event != notice.event:  # the one before has ended meanwhile
        ended = Told(told.event, stands=False, level=told.level, times=times)
        return Owed("raised", then) if hook.wants(notice) else Owed("cleared", ended)
    if told.level != notice.level and (hook.quiet or notice.quiet is None):
        return Owed("changed", then)
    return None
