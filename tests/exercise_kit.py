"""Small scenarios of exercises, made on the spot."""

from typing import Any

import yaml

from vardkase.exercise.scenario import Scenario
from vardkase_contracts.instants import parse

START = parse("2026-10-14T07:00:00Z")


def document(*injects: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A scenario of two kommuner as YAML gives it."""
    fields = {"id": "ovning-x", "name": "Övning X", "area": "24", "areas": ["2480", "2482"], "duration": "2h"}
    return fields | {"injects": list(injects)} | more


def made(*injects: dict[str, Any], **more: Any) -> Scenario:
    return Scenario.parse(yaml.safe_dump(document(*injects, **more)).encode(), name="x.yaml")


def status(name: str, at: str, point: str = "2480-skolan", **more: Any) -> dict[str, Any]:
    return {"name": name, "at": at, "report": {"point": point, "kind": "status", "data": {"lifecycle": "open"}}} | more
