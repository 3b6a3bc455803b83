"""What proof of origin costs: verifying alone, and an aggregator that reads a log with it and without.

    uv run --no-sync python tests/bench/signatures.py [--reports 20000] [--points 3000]

(v) verifications a second of reports of some 600 bytes: in one thread, and shared out as the aggregator does it.
(s) signatures a second, as whoever sends makes them.
(a) our aggregator, a process of its own, on a REPORTS that was filled before, in a federation: from its first message
    until all are merged, judged and acknowledged. `off`: nobody asks; `unsigned`: signatures are accepted, and none is
    there; `signed`: they are required, and all are there and right.
(r) the same aggregator started again on what it has merged: how many it verifies.

CPU seconds per 1,000 reports are given: on a machine that others use, compare those.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

from kit.bench_node import BenchNode, bench_node, eventually
from kit.log import stream_state
from kit.shown import load, show
from kit.storm import Sent, storm
from kit.usage import Cpu
from prometheus_client import CollectorRegistry

from signed_kit import key, signer, write_plan
from vardkase.aggregator.verifying import Verifier
from vardkase.federation import topology
from vardkase.federation.signatures import Claim
from vardkase.runtime.jetstream.batches import MOST, Outgoing
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase.runtime.metrics import Metrics
from vardkase_contracts import signing, streams
from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.instants import iso

_KEY = signer(1)
_BYTES = 600


async def alone(count: int) -> list[list[str]]:
    """(v) and (s)."""
    subject = "tp.v1.act.accepted.24.2480.umedalen-skola.resources"
    bodies = [os.urandom(_BYTES) for _ in range(count)]
    began = time.perf_counter()
    headers = [signing.sign(_KEY, signing.report_subject(subject), body) for body in bodies]
    signed = count / (time.perf_counter() - began)
    claims: list[Claim] = []
    for body, header in zip(bodies, headers, strict=True):
        parsed = signing.parse(header)
        if parsed is None:
            raise RuntimeError("a signature of ours is none")
        claims.append(Claim([_KEY.public_key], parsed.signature, subject, body))
    began = time.perf_counter()
    if {claim.verify() for claim in claims} != {"valid"}:
        raise RuntimeError("a signature of ours is wrong")
    one = count / (time.perf_counter() - began)
    verifier = Verifier(Metrics(CollectorRegistry()))
    began = time.perf_counter()
    for start in range(0, count, 500):
        await verifier.outcomes("act", claims[start : start + 500])
    shared = count / (time.perf_counter() - began)
    verifier.close()
    return [
        ["v: verified, one thread", f"{one:,.0f}", ""],
        ["v: verified, shared out", f"{shared:,.0f}", f"{shared / one:.2f} times as many"],
        ["s: signed", f"{signed:,.0f}", ""],
    ]


async def fill(node: BenchNode, reports: Sequence[Sent], *, sign: bool) -> None:
    """Put reports into the log as intake would have."""
    writer = StreamWriter(node.nc, streams.REPORTS, batch=MOST)
    for start in range(0, len(reports), MOST):
        await writer.write(
            [
                Outgoing(
                    subject=each.subject.replace(".report.", ".accepted.", 1),
                    data=each.data,
                    headers={
                        "Tp-Received": iso(each.at),
                        "Tp-Origin": f"SE/{number}",
                        **({signing.HEADER: signing.sign(_KEY, each.subject, each.data)} if sign else {}),
                    },
                )
                for number, each in enumerate(reports[start : start + MOST], start)
            ]
        )


async def aggregator(what: str, reports: Sequence[Sent], *, policy: str, sign: bool) -> list[list[str]]:
    """(a) and (r)."""
    with tempfile.TemporaryDirectory(prefix="vardkase-bench-") as directory:
        signers = {code: {"keys": [each]} for code, each in zip(KOMMUNER, cycle([key(_KEY)]), strict=False)}
        file = write_plan(Path(directory) / "federation.toml", signatures=policy, signers=signers if sign else {})
        async with bench_node(VARDKASE_FEDERATION=str(file)) as node:
            sources = {streams.ORDERS_DOWN: [{"name": streams.ORDERS_UP}]}
            await topology.ensure(node.nc, node.area, share=node.share, sources=sources)
            await fill(node, reports, sign=sign)
            last = (await stream_state(node.nc, streams.REPORTS))["last_seq"]
            node.run("aggregator")
            await eventually(lambda: node.has_begun(streams.REPORTS, "aggregator-act"), what="the first is read")
            began, before = time.perf_counter(), node.cpu()
            await eventually(
                lambda: node.is_read(streams.REPORTS, "aggregator-act", last), what="all is merged", within=1800
            )
            seconds, cpu = time.perf_counter() - began, node.cpu().since(before)
            valid = verified(node)
            rows = [[f"a: {what}", f"{len(reports) / seconds:,.0f}", told(cpu, len(reports), valid)]]
            if sign:
                node.kill("aggregator")
                node.run("aggregator")
                await node.until_ready("aggregator", within=120)
                rows.append(["r: started again", "", f"{verified(node):,.0f} verified"])
            return rows


def verified(node: BenchNode) -> float:
    """How many signatures were verified."""
    return node.metrics("aggregator").get('vardkase_signatures_total{outcome="valid",reality="act"}', 0)


def told(cpu: Cpu, reports: int, valid: float) -> str:
    """What it cost."""
    return f"{1000 * cpu.seconds['aggregator'] / reports:.3f} CPU s per 1,000; {valid:,.0f} verified"


async def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=20_000)
    parser.add_argument("--points", type=int, default=3_000)
    given = parser.parse_args()
    reports = [each for each in storm(given.reports, points=given.points) if ".act." in each.subject]
    rows = await alone(10_000)
    for what, policy, sign in (("off", "off", False), ("unsigned", "accepted", False), ("signed", "required", True)):
        rows += await aggregator(what, reports, policy=policy, sign=sign)
    print(f"{len(reports):,} reports of {given.points:,} points; {load()}\n")
    show(("what", "a second", ""), rows)


if __name__ == "__main__":
    asyncio.run(main())
