"""What ends a command without a traceback: something outside the program is not as it must be."""

from typing import Final

DONE: Final = 0
"""Exit code: done."""
FAILED: Final = 1
"""Exit code: could not be done."""
WRONG_USE: Final = 2
"""Exit code: was asked for in a way that cannot work."""


class Ended(Exception):  # noqa: N818 -- both kinds below read better as what happened
    """A command ends here. Its text is one line for the person who gave the command.

    Args:
        line: what is wrong, what is expected, and where it helps what to do.
    """

    code: int = FAILED


class Refused(Ended):
    """The command was given wrong: a setting, an option, a file it names."""

    code = WRONG_USE


class Failed(Ended):
    """The command was right and cannot be carried out here and now: a port is taken, a server does not answer."""

    code = FAILED
