"""A small typed client: subscribe to pictures, states, alerts and public points; send reports and orders.

Needs nats-py (`vardkase-contracts[nats]`).

    async with connect("nats://127.0.0.1:4222") as client:
        async with client.alerts("24") as alerts:
            async for alert in alerts:
                print(alert.level, alert.text.sv)
"""

from vardkase_contracts.client.buffer import WhenSlow
from vardkase_contracts.client.client import Ack, Client, OrderLike, ReportLike, connect
from vardkase_contracts.client.errors import (
    BatchIncomplete,
    ClientError,
    ConnectFailed,
    ConnectionGone,
    InvalidEvent,
    InvalidValue,
    PublishRefused,
    ReadRefused,
    Unconfirmed,
)
from vardkase_contracts.client.events import new_id, new_order, new_report
from vardkase_contracts.client.feed import Feed
from vardkase_contracts.client.outcome import Outcome
from vardkase_contracts.client.pull import Pace

__all__ = [
    "Ack",
    "BatchIncomplete",
    "Client",
    "ClientError",
    "ConnectFailed",
    "ConnectionGone",
    "Feed",
    "InvalidEvent",
    "InvalidValue",
    "OrderLike",
    "Outcome",
    "Pace",
    "PublishRefused",
    "ReadRefused",
    "ReportLike",
    "Unconfirmed",
    "WhenSlow",
    "connect",
    "new_id",
    "new_order",
    "new_report",
]
