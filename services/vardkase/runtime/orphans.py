"""No orphans: on Linux a child process is told when the one that started it has been killed."""

import ctypes
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def die_with_parent(number: int) -> Callable[[], None] | None:
    """What a child calls, of itself and after any change of user, which would undo it; None where that cannot be.

    Args:
        number: the signal that it is sent when its parent has ended.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)  # here: nothing may be loaded between fork and exec

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, number)

    return ask
