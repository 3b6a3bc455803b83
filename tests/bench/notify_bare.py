"""The floor of `notify.py`: hears raw reports from NATS, and posts each shortage straight to Alertmanager.

python tests/bench/notify_bare.py <NATS URL> <port of Alertmanager>
"""

import asyncio
import http.client
import json
import sys

import nats
from nats.aio.msg import Msg


async def run(url: str, port: int) -> None:
    """Until it is ended."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    async def take(message: Msg) -> None:
        report = json.loads(message.data)
        power = report["data"].get("power", {})
        if power.get("source") != "backup" or power["fuel_l"] / power["fuel_l_per_h"] >= 12:
            return
        labels = {"alertname": "endurance", "point": report["subject"], "way": "bare"}
        body = json.dumps([{"labels": labels, "annotations": {"summary": f"{report['subject']}: 3 h"}}])
        connection.request("POST", "/api/v2/alerts", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"Alertmanager answers {answer.status}")

    nc = await nats.connect(url)
    await nc.subscribe("tp.v1.act.report.>", cb=take)
    await nc.flush()
    print("ready", flush=True)
    await asyncio.Event().wait()


def main() -> None:
    """Run."""
    asyncio.run(run(sys.argv[1], int(sys.argv[2])))


if __name__ == "__main__":
    main()
