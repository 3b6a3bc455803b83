"""No total mixes skarpt läge with an exercise: not in the metrics, nor where they are summed for people."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from vardkase.gateway.access.counts import AccessMetrics
from vardkase.gateway.metrics import GatewayMetrics
from vardkase.gateway.public.numbers import PublicMetrics
from vardkase.gateway.writing.writing import WritingMetrics
from vardkase.notifier.hooks import Hook
from vardkase.notifier.metrics import NotifierMetrics
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.setting_groups import NotifySettings

INFRA = Path(__file__).parents[2] / "infra"
ABOUT_THE_NODE = re.compile(
    r"vardkase_(?:link|parent|source|stream|archive|history|service|nats|loop|clock_stepped|http_(?:request|connections|"
    r"turned_away|waiting)|gateway_(?:bus|skipped)|sse|access|audit|public|batch|reader|queue|write|too_long"
    r"|exercises|notif|redacted)"
)
"""What is counted of the node itself, whatever world it works for; the public side knows skarpt läge alone, and a
receiver of notifications those that it asks for."""
_MIXES = re.compile(r"\b(?:sum|avg|max|min|count)\s+(?:by\s*\(([^)]*)\)|\()")


def families() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every metric of the services, with the names of its labels."""
    metrics = Metrics()
    for made in (AccessMetrics, GatewayMetrics, NotifierMetrics, PublicMetrics, WritingMetrics):
        made(metrics.registry)
    registry: CollectorRegistry = metrics.registry
    for collector in set(registry._names_to_collectors.values()):
        name = getattr(collector, "_name", None)
        if name is not None and name.startswith("vardkase_"):
            yield name, tuple(getattr(collector, "_labelnames", ()))


def expressions() -> Iterator[tuple[str, str]]:
    """What the rules of Prometheus and the dashboards ask, and where."""
    rules = yaml.safe_load((INFRA / "prometheus" / "vardkase.rules.yml").read_bytes())
    for group in rules["groups"]:
        yield from ((rule["alert"], rule["expr"]) for rule in group["rules"])

    def panels(board: dict[str, Any]) -> Iterator[tuple[str, str]]:
        for panel in board.get("panels", []):
            yield from ((panel["title"], each["expr"]) for each in panel.get("targets", []))
            yield from panels(panel)

    for file in sorted((INFRA / "grafana" / "dashboards").glob("*.json")):
        yield from panels(json.loads(file.read_bytes()))


def test_what_is_counted_of_reports_says_of_which_world() -> None:
    """Every metric about points, reports, alerts and orders has the reality in a label."""
    found = dict(families())
    assert len(found) > 60
    without = {name for name, labels in found.items() if "reality" not in labels and not ABOUT_THE_NODE.match(name)}
    assert without == set(), "a metric of reports has the reality in a label; one of the node stands in ABOUT_THE_NODE"
    assert "reality" in found["vardkase_reports"]
    assert "reality" in found["vardkase_http_events"]


def test_receivers_are_told_of_skarpt_lage_unless_they_ask_for_more() -> None:
    """Neither Alertmanager nor a webhook is told of an exercise by default."""
    assert NotifySettings().realities == ("act",)
    assert Hook.model_fields["realities"].default == ("act",)


@pytest.mark.parametrize(("where", "asked"), list(expressions()))
def test_no_sum_is_over_realities(where: str, asked: str) -> None:
    """A sum of what has a reality names one, or is by reality."""
    with_reality = {name for name, labels in families() if "reality" in labels}
    named = {re.sub(r"_(?:total|bucket|sum|count)$", "", each) for each in re.findall(r"vardkase_\w+", asked)}
    if named & with_reality and _MIXES.search(asked):
        assert "reality" in asked, where
