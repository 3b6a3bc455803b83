"""Whether anything can be bought in a kommun: fuel at a pump, food, medicines."""


class Trade:
    """The payments of one kommun. They work unless something takes them down."""

    __slots__ = ("fails", "works")

    def __init__(self) -> None:
        self.works = True
        self.fails = 0.0
        """While they do not work: the share of what must be bought that does not come."""
