"""What access ends in when it can find nothing out."""


class AccessAway(Exception):  # noqa: N818 -- what happened
    """Nobody can be let in now, or nothing changed: NATS, or the issuer, does not answer. Nothing was found out."""
