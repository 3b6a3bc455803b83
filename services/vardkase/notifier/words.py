"""What an alert says to whoever is woken by it: in Swedish, in a line and in a few. Nothing that goes stale."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

_SWEDEN: Final = ZoneInfo("Europe/Stockholm")
PREFIX: Final = {"act": "", "exe": "ÖVNING: ", "tst": "PROV: "}
"""What stands first, so that nobody takes an exercise for the real thing."""
_ENDED: Final = {
    "recovered": "åtgärdat",
    "closed": "platsen är inte längre öppen",
    "withdrawn": "uppgiften har tagits tillbaka",
    "retired": "platsen är avförd",
}


def about(alert: Mapping[str, Any]) -> str:
    """One line: whether it is an exercise, how grave, where, what."""
    return f"{PREFIX[alert['reality']]}{alert['text']['sv']}"


def description(alert: Mapping[str, Any]) -> str:
    """What more there is to know."""
    lines = [about(alert)]
    if (point := alert["point"]) is not None:
        lines.append(f"Plats: {point['name'] or point['id']}, {alert['area']['name']} ({point['id']})")
    lines.append(f"Sedan: {local(alert['raised_at'])}")
    if alert["runs_out_at"] is not None:
        lines.append(f"Räcker till: {local(alert['runs_out_at'])}")
    if alert["derived"]:
        lines.append("Beräknat: ingen ny rapport har kommit.")
    if alert["evidence_lost"]:
        lines.append("Det som larmet vilar på är inte längre känt.")
    if alert["status"] == "cleared":
        lines.append(f"Upphört: {_ENDED.get(alert['cleared_reason'], 'ja')}, {local(alert['changed_at'])}")
    return "\n".join(lines)


def local(text: str) -> str:
    """A time on the wire as people in Sweden read it: day and minute."""
    return datetime.fromisoformat(text).astimezone(_SWEDEN).strftime("%Y-%m-%d %H:%M")
