"""The streams that a client reads, somebody who publishes to them, and values to publish."""

import json
from typing import Any, cast

import nats

STREAMS: dict[str, dict[str, Any]] = {
    "INTAKE": {"subjects": ["tp.v1.*.report.>"], "duplicate_window": 100_000_000},
    "REPORTS": {"subjects": ["tp.v1.*.accepted.>"]},
    "REJECTED": {"subjects": ["tp.v1.*.rejected.>"]},
    "PICTURES": {"subjects": ["tp.v1.*.picture.>"], "max_msgs_per_subject": 1},
    "STATE": {"subjects": ["tp.v1.*.state.>"], "max_msgs_per_subject": 1},
    "ALERTS": {"subjects": ["tp.v1.*.alert.>"]},
    "PUBLIC": {"subjects": ["tp.v1.act.public.>"], "max_msgs_per_subject": 1},
    "ORDERS_UP": {"subjects": ["tp.v1.*.order.>"]},
}


class Admin:
    """The hand that makes streams and publishes values, as a node would."""

    def __init__(self, connection: nats.NATS) -> None:
        self.connection = connection

    @classmethod
    async def connect(cls, url: str) -> "Admin":
        async def quiet(_error: Exception) -> None: ...

        return cls(
            await nats.connect(url, max_reconnect_attempts=-1, reconnect_time_wait=cast("int", 0.05), error_cb=quiet)
        )

    async def api(self, call: str, body: object = None) -> dict[str, Any]:
        payload = b"" if body is None else json.dumps(body).encode()
        answer = json.loads((await self.connection.request(f"$JS.API.{call}", payload, timeout=5)).data)
        assert "error" not in answer, answer
        return answer

    async def make_streams(self, *names: str) -> None:
        for name in names or STREAMS:
            await self.api(f"STREAM.CREATE.{name}", {"name": name, "storage": "file", **STREAMS[name]})

    async def put(self, subject: str, value: dict[str, Any]) -> int:
        answer = json.loads((await self.connection.request(subject, json.dumps(value).encode(), timeout=5)).data)
        assert "error" not in answer, answer
        return answer["seq"]

    async def messages(self, stream: str) -> int:
        return (await self.api(f"STREAM.INFO.{stream}"))["state"]["messages"]

    async def consumers(self, stream: str) -> list[str]:
        return (await self.api(f"CONSUMER.NAMES.{stream}"))["consumers"] or []

    async def aclose(self) -> None:
        await self.connection.close()


def public_point(slug: str, name: str, *, kommun: str = "2480") -> dict[str, Any]:
    return {
        "id": f"{kommun}-{slug}",
        "name": name,
        "kind": "trygghetspunkt",
        "position": {"lon": 20.26, "lat": 63.83},
        "status": "open",
    }


def alert(slug: str, level: str, *, status: str = "firing", kommun: str = "2480", number: int = 0) -> dict[str, Any]:
    at = "2026-11-20T02:40:00Z"
    return {
        "key": f"power.endurance/{kommun}-{slug}",
        "alert_id": f"a{number}",
        "reality": "act",
        "rule": "power.endurance",
        "rules_version": "default-1",
        "level": level,
        "status": status,
        "cleared_reason": None if status == "firing" else "recovered",
        "raised_at": at,
        "changed_at": at,
        "point": {"id": f"{kommun}-{slug}", "name": None},
        "area": {"level": "kommun", "code": kommun, "name": "Umeå"},
        "evidence": [],
        "evidence_lost": False,
        "runs_out_at": "2026-11-20T05:40:00Z",
        "derived": False,
        "text": {"sv": f"Elen räcker till 06:40 ({number})", "en": "Power lasts until 06:40"},
        "acks": [],
        "inhibited_by": None,
    }


def user(url: str, name: str, password: str) -> str:
    """The URL with somebody's name and password in it."""
    return url.replace("//", f"//{name}:{password}@")
