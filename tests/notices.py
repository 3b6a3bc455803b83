"""Notices, as they are made of alerts."""

from typing import Any

from vardkase.notifier.notice import Notice

LEVELS = ("yellow", "red", "critical")


def notice(
    key: str = "power.lost/2480-x", level: str = "red", *, ended: bool = False, at: int = 0, **more: Any
) -> Notice:
    """A notice as an alert's would be."""
    labels = {"key": key, "level": level, "reality": "act", "rule": key.partition("/")[0], "node": "SE"}
    values: dict[str, Any] = {
        "kind": "alert",
        "key": f"alert/act/{key}",
        "event": "one",
        "reality": "act",
        "rule": labels["rule"],
        "level": level,
        "areas": (),
        "labels": labels,
        "annotations": {},
        "starts_at": at,
        "ends_at": at if ended else None,
        "quiet": None,
        "document": {},
    }
    return Notice(**(values | more))
