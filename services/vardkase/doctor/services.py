"""The services, by what the node answers over HTTP: `/readyz` and `/metrics`."""

import json
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families

from vardkase.doctor.finding import Findings
from vardkase.runtime.httpio import get

_ASK_S: Final = 2.5
_LARGEST: Final = 16 << 20
_STEPPED_S: Final = 2.0


async def readiness(found: Findings, http: str | None, *, running: bool) -> None:
    """What the node says of itself and its services."""
    if http is None:
        if running:
            found.skipped("readyz", "noden säger inte var den svarar", "ge adressen med --http")
        else:
            found.skipped("readyz", "ingen adress känd; ge den med --http http://127.0.0.1:8080")
        return
    try:
        answer = await _get(http, "/readyz")
        told = json.loads(answer)
        checks = [(str(c["name"]), bool(c["ok"]), str(c["detail"]), c.get("needed", True)) for c in told["checks"]]
    except OSError as error:
        do = "svarar inte processen ens på /healthz: starta om noden"
        found.error("readyz", f"{http}/readyz svarar inte: {error}", do)
        return
    except (ValueError, LookupError, TypeError) as error:
        found.error("readyz", f"{http}/readyz är ingen nods svar: {error}", "är adressen rätt?")
        return
    bad = [each for each in checks if not each[1]]
    for name, _, detail, needed in bad:
        do = "docs/operator.md, Not ready, säger vad det betyder; nodens logg säger mer"
        (found.error if needed else found.warning)(f"ready {name}", detail or "inte klar", do)
    if not bad:
        found.ok("readyz", f"alla {len(checks)} kontroller håller")


async def metrics(found: Findings, http: str | None) -> None:
    """Counters that should stand at nought, and clocks that were moved."""
    if http is None:
        return
    try:
        text = (await _get(http, "/metrics")).decode(errors="replace")
        sums = _sums(text)
    except (OSError, ValueError) as error:
        found.error("metrics", f"{http}/metrics svarar inte: {error}", "se readyz")
        return
    before = len(sums)
    restarts = sums.get("vardkase_node_restarts_total", {})
    if again := {name: int(count) for name, count in restarts.items() if count}:
        told = ", ".join(f"{name} {count} gånger" for name, count in sorted(again.items()))
        found.warning("restarts", f"har startats om sedan noden startade: {told}", "nodens logg säger varför")
    if total := _total(sums, "vardkase_rollup_mismatch_total"):
        do = "rapportera det som ett fel i Vårdkase; summorna är redan rättade"
        found.warning("sums", f"{total:.0f} summor stämde inte vid omräkning", do)
    if total := _total(sums, "vardkase_write_conflicts_total"):
        found.warning("second writer", f"{total:.0f} skrivningar avvisades", "körs två aggregatorer på samma strömmar?")
    if total := _total(sums, "vardkase_id_conflict_total"):
        do = "något system återanvänder id:n för olika rapporter; se docs/kommun.md"
        found.warning("id conflicts", f"{total:.0f} rapporter hade en annans id och annat innehåll", do)
    if total := _total(sums, "vardkase_needs_over_limit_total"):
        found.warning("needs", f"{total:.0f} behov utelämnades", "en punkt har fler än 64 behov; avsluta gamla")
    if total := _total(sums, "vardkase_notify_dead_letters"):
        do = "se vilka med vardkase notifications list, och skicka om dem med vardkase notifications resend"
        found.warning("notifications", f"{total:.0f} aviseringar kom inte fram", do)
    stepped = max((abs(v) for v in sums.get("vardkase_clock_stepped_seconds", {}).values()), default=0.0)
    if stepped > _STEPPED_S:
        do = "ställ klockan med chrony eller systemd-timesyncd, som inte hoppar"
        found.warning("clock stepped", f"datorns klocka har flyttats {stepped:.0f} s sedan tjänsterna startade", do)
    found.ok("metrics", f"{before} mått svarar")


def _sums(text: str) -> dict[str, dict[str, float]]:
    """Samples by metric, summed by service; buckets of histograms left out."""
    sums: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if not sample.name.endswith("_bucket"):
                by_service = sums.setdefault(sample.name, {})
                service = sample.labels.get("service", "")
                by_service[service] = by_service.get(service, 0.0) + sample.value
    return sums


def _total(sums: dict[str, dict[str, float]], name: str) -> float:
    values: Iterable[Any] = sums.get(name, {}).values()
    return sum(values)


async def _get(http: str, path: str) -> bytes:
    parts = urlsplit(http)
    if parts.scheme != "http" or not parts.hostname:
        raise OSError(f"{http} är ingen http-adress")
    host = parts.hostname if parts.hostname not in {"0.0.0.0", "::"} else "127.0.0.1"  # noqa: S104 -- asked, not bound
    answer = await get(parts.port or 80, path, timeout=_ASK_S, limit=_LARGEST, host=host)
    return answer.body
