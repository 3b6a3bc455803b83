"""What `notify.py`'s Prometheus scrapes: a gauge of each point's endurance, kept from the raw reports on NATS.

python tests/bench/notify_gauges.py <NATS URL> <port>
"""

import asyncio
import json
import sys

import nats
from nats.aio.msg import Msg
from prometheus_client import Gauge, start_http_server


async def run(url: str, port: int) -> None:
    """Until it is ended."""
    gauge = Gauge("endurance_hours", "Hours of backup power", ["point"])

    async def take(message: Msg) -> None:
        report = json.loads(message.data)
        power = report["data"].get("power", {})
        if power.get("source") == "backup":
            gauge.labels(report["subject"]).set(power["fuel_l"] / power["fuel_l_per_h"])

    nc = await nats.connect(url)
    await nc.subscribe("tp.v1.act.report.>", cb=take)
    await nc.flush()
    start_http_server(port, addr="127.0.0.1")
    await asyncio.Event().wait()


def main() -> None:
    """Run."""
    asyncio.run(run(sys.argv[1], int(sys.argv[2])))


if __name__ == "__main__":
    main()
