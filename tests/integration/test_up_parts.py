"""The parts of the runtime by themselves: logs, metrics as text, HTTP, the data directory, waits, tasks."""

import asyncio
import json
import logging
import os
import socket
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from servers import Eventually
from vardkase.runtime import httpio, logs
from vardkase.runtime.backoff import Backoff
from vardkase.runtime.datadir import DataDir
from vardkase.runtime.errors import Failed, Refused
from vardkase.runtime.exposition import merge
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase.runtime.sockets import listen
from vardkase.runtime.tasks import Tasks

LOG = logging.getLogger("vardkase.test")


class Lines:
    """What was logged, from the other end of a pipe."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()

    def all(self) -> list[str]:
        """Every line; nothing can be logged any more."""
        os.close(self.writing)
        with os.fdopen(self.reading, encoding="utf-8") as file:
            return file.read().splitlines()


@pytest.fixture
def configure() -> Iterator[Callable[..., tuple[logs.LogWriter, Lines]]]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    writers: list[logs.LogWriter] = []

    def configure(log_format: str = "json", log_level: str = "info") -> tuple[logs.LogWriter, Lines]:
        lines = Lines()
        settings = Settings(log_format=log_format, log_level=log_level)  # type: ignore[arg-type]
        writers.append(logs.configure(settings, "tiny", descriptor=lines.writing))
        return writers[-1], lines

    yield configure
    logging.captureWarnings(capture=False)
    root.handlers[:] = before
    root.setLevel(level)


def test_a_log_line_is_json_with_its_fields(configure: Callable[..., tuple[logs.LogWriter, Lines]]) -> None:
    """An event is one line with what belongs to it."""
    writer, lines = configure()
    LOG.info("a child was started again", extra={"child": "intake", "wait_s": 0.4, "what": ["x"]})
    LOG.debug("not asked for")
    writer.close()
    (line,) = [json.loads(line) for line in lines.all()]
    assert line.pop("at").endswith("Z")
    assert line == {
        "level": "info",
        "service": "tiny",
        "logger": "vardkase.test",
        "message": "a child was started again",
        "child": "intake",
        "wait_s": 0.4,
        "what": "['x']",
    }


def test_an_error_has_its_trace_in_the_line(configure: Callable[..., tuple[logs.LogWriter, Lines]]) -> None:
    """A trace stays with its event, in both formats."""
    for log_format in ("json", "human"):
        writer, lines = configure(log_format)
        try:
            {}["lost"]
        except KeyError:
            LOG.exception("it went\nwrong")
        writer.close()
        found = lines.all()
        assert len(found) == 1 if log_format == "json" else found[0].endswith("error   tiny: it went wrong")
        assert "KeyError: 'lost'" in found[-1]


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("nats://user:hemligt@host:4222", "hemligt"),
        ("Authorization: Bearer abcdef0123456789", "abcdef0123456789"),
        ("seed SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY", "SUACSSL3"),
        ("jwt eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5In0.eyJqdGkiOiJ4In0.c2ln", "eyJ0eXAi"),
        ('{"password": "hemligt"}', "hemligt"),
        ("https://a/hook?token=hemligt&x=1", "hemligt"),
    ],
)
def test_secrets_are_not_logged(configure: Callable[..., tuple[logs.LogWriter, Lines]], text: str, hidden: str) -> None:
    """Neither in the message, nor in a field, nor in a trace."""
    writer, lines = configure()
    try:
        {}[text]
    except KeyError:
        LOG.exception("said %s", text, extra={"text": text})
    writer.close()
    (line,) = lines.all()
    assert "***" in line
    assert hidden not in line


def test_a_line_is_bounded_and_still_json(configure: Callable[..., tuple[logs.LogWriter, Lines]]) -> None:
    """However much is logged, a line goes into a pipe in one piece."""
    writer, lines = configure()
    LOG.info("x" * 100_000)
    LOG.info("\x00" * 100_000)
    LOG.info("🔥" * 100_000, extra={f"field{i}": "ö" * 10_000 for i in range(100)})
    writer.close()
    found = lines.all()
    assert len(found) == 3
    assert all(len(line.encode()) < logs.LINE and json.loads(line)["level"] == "info" for line in found)


def test_a_flood_is_let_out_and_counted(
    configure: Callable[..., tuple[logs.LogWriter, Lines]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One place in the code cannot fill the log; how much was left out is told."""
    now = 0.0
    monkeypatch.setattr(logs.time, "monotonic", lambda: now)
    writer, lines = configure()
    for i in range(logs.BURST + 50):
        if i == logs.BURST + 49:
            now = logs.WINDOW
        LOG.warning("again %d", i)
    LOG.warning("another place")
    writer.close()
    found = [json.loads(line) for line in lines.all()]
    assert len(found) == logs.BURST + 2
    assert found[logs.BURST]["left_out"] == 49
    assert "left_out" not in found[-1]


def test_a_log_that_nobody_reads_stops_nobody(configure: Callable[..., tuple[logs.LogWriter, Lines]]) -> None:
    """With the pipe full, lines are dropped and counted, and the one that logs goes on."""
    writer, lines = configure()
    os.set_blocking(lines.reading, False)
    writer.filters.clear()
    for i in range(logs.QUEUE + 1000):
        LOG.info("%d %s", i, "x" * 300)
    assert writer.dropped > 0
    told = 0
    while told == 0:
        with os.fdopen(os.dup(lines.reading), "rb", buffering=0) as file:
            told = (file.read(1 << 20) or b"").count(b"log lines were dropped")
    writer.close()
    os.close(lines.writing)
    os.close(lines.reading)


def exposition(value: float) -> str:
    registry = CollectorRegistry()
    Counter("a_thing", "Things", ["what"], registry=registry).labels('x{y="z", service="q\\\n').inc(value)
    Histogram("a_thing_seconds", "Time of things", registry=registry, buckets=(1, 2)).observe(value)
    Gauge("level", "Levels", ["service"], registry=registry).labels("own").set(value)
    Gauge("bare", "No labels", registry=registry).set(float("nan"))
    return generate_latest(registry).decode()


def test_merged_metrics_are_valid_and_told_apart() -> None:
    """Each family is told of once, each sample has its process's name, and its own labels as they were."""
    text = merge({"a": exposition(1), "b": exposition(2), 'c"': "nonsense that is {no sample\nlevel 3\n"})
    families = list(text_string_to_metric_families(text))
    assert [f.name for f in families] == sorted({f.name for f in families}, key=[f.name for f in families].index)
    assert text.count("# TYPE a_thing_seconds histogram") == 1
    values = {(s.name, *sorted(s.labels.items())): s.value for f in families for s in f.samples}
    assert values["a_thing_total", ("service", "b"), ("what", 'x{y="z", service="q\\\n')] == 2
    assert values["a_thing_seconds_sum", ("service", "a")] == 1
    assert values["level", ("exported_service", "own"), ("service", "b")] == 2
    assert values["level", ("service", 'c"')] == 3
    assert "nonsense" not in text
    # The families stand together, as the format demands.
    names = [line.split("{")[0] for line in text.splitlines() if not line.startswith("#")]
    assert [n for i, n in enumerate(names) if n.startswith("level") and i and names[i - 1] == "level"]


def test_the_metrics_of_the_contract_have_its_names_and_labels() -> None:
    """What operators' dashboards and alerts rest on."""
    metrics = Metrics()
    metrics.reports.labels("act", "status", "accepted").inc()
    metrics.report_age.labels("act").observe(0.1)
    text = generate_latest(metrics.registry).decode()
    assert 'vardkase_reports_total{kind="status",outcome="accepted",reality="act"} 1.0' in text
    assert 'vardkase_report_age_seconds_bucket{le="0.1",reality="act"} 1.0' in text
    told = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert told >= {
        "vardkase_reports_total",
        "vardkase_rejected_total",
        "vardkase_report_age_seconds",
        "vardkase_alert_latency_seconds",
        "vardkase_consumer_lag",
        "vardkase_points",
        "vardkase_alerts_open",
        "vardkase_picture_age_seconds",
        "vardkase_link_up",
        "vardkase_source_lag",
        "vardkase_stream_fill_ratio",
    }


@pytest.fixture
async def web() -> AsyncIterator[int]:
    async def hello() -> httpio.Answer:
        return httpio.Answer(kind="text/plain", body=b"hej")

    async def broken() -> httpio.Answer:
        raise RuntimeError("x")

    server = httpio.HttpServer({"/": hello, "/broken": broken})
    bound = listen("127.0.0.1", 0)
    await server.start(bound)
    yield bound.getsockname()[1]
    await server.stop()


async def speak(port: int, text: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_the_little_web_server_answers_what_it_should(web: int) -> None:
    """GET and HEAD of what it has; everything else is refused, and a fault of ours is 500."""
    answer = await httpio.get(web, "/?x=1", timeout=2, limit=10)
    assert (answer.status, answer.kind, answer.body) == (200, "text/plain", b"hej")
    assert (await httpio.get(web, "/nope", timeout=2, limit=100)).status == 404
    assert (await httpio.get(web, "/broken", timeout=2, limit=100)).status == 500
    assert (await speak(web, b"HEAD / HTTP/1.1\r\n\r\n")).endswith(b"\r\n\r\n")
    assert (await speak(web, b"POST / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 405 ")


@pytest.mark.parametrize("text", [b"GET / HTTP/1.1\r\nx: " + b"y" * 20_000, b"\x00\xff\r\n\r\n"])
async def test_what_is_no_request_harms_nothing(web: int, text: bytes) -> None:
    """Garbage ends its own connection."""
    with_answer = await speak(web, text) if len(text) < 100 else b""
    if not with_answer:
        reader, writer = await asyncio.open_connection("127.0.0.1", web)
        writer.write(text)
        writer.close()
        del reader
    assert (await httpio.get(web, "/", timeout=2, limit=10)).status == 200


async def test_asking_is_bounded(web: int) -> None:
    """An answer that is too long, or does not come, is an error in time."""
    with pytest.raises(OSError, match="more than 2 bytes"):
        await httpio.get(web, "/", timeout=2, limit=2)
    silent = listen("127.0.0.1", 0)
    with silent, pytest.raises(OSError, match=r"does not answer in 0\.05 s"):
        await httpio.get(silent.getsockname()[1], "/", timeout=0.05, limit=2)


def test_a_taken_port_is_told_in_one_line() -> None:
    """Whoever starts a node is told which port, and what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Failed, match=f"port {port} on 127.0.0.1 is taken: choose another with --http-port"):
            listen("127.0.0.1", port)
    for host in ("no.such.host.invalid", "192.0.2.1"):
        with pytest.raises(Refused, match="VARDKASE_HTTP_HOST: expected an address of this computer"):
            listen(host, 0)


def node(path: Path, **changes: Any) -> Settings:
    return Settings(**{"data_dir": path, "supervisor": {"lock_wait": 0.0, "lease_wait": 0.0}, **changes})


def test_a_data_directory_is_one_nodes_and_one_process(tmp_path: Path) -> None:
    """While it is in use another is refused, with the process; afterwards another node is; the same is welcome."""
    path = tmp_path / "a" / "b"
    first = DataDir.open(node(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    with pytest.raises(
        Failed, match=rf"is in use: stop that node \(process {os.getpid()}\), or choose another with --data-dir"
    ):
        DataDir.open(node(path))
    first.close()
    with pytest.raises(Refused, match=r"belongs to node SE \(area SE\), not to lan-24 \(area 24\)"):
        DataDir.open(node(path, area="24"))
    DataDir.open(node(path)).close()


def test_a_data_directory_is_locked_until_the_last_service_of_a_killed_node_has_ended(tmp_path: Path) -> None:
    """What a killed node left may still be writing: a new node waits for its end."""
    first = DataDir.open(node(tmp_path))
    inherited = os.dup(first.lease)
    first.close()
    with pytest.raises(Failed, match="is still in use by what a killed node left"):
        DataDir.open(node(tmp_path))
    os.close(inherited)
    DataDir.open(node(tmp_path)).close()


def test_a_broken_data_directory_is_told_in_one_line(tmp_path: Path) -> None:
    """What cannot be used is named, with what to do; nothing is overwritten."""
    (tmp_path / "file").write_text("")
    with pytest.raises(Failed, match=r"cannot be used \(Not a directory\): choose another with --data-dir"):
        DataDir.open(node(tmp_path / "file" / "x"))
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "node.json").write_text("{broken")
    with pytest.raises(Failed, match="cannot be read"):
        DataDir.open(node(tmp_path / "d"))
    assert (tmp_path / "d" / "node.json").read_text() == "{broken"


def test_waits_grow_are_bounded_and_start_over() -> None:
    """Doubled each time up to the longest, shortened at random by up to half."""
    backoff = Backoff(least=0.2, most=5.0)
    waits = [backoff.next() for _ in range(50)]
    assert all(min(5.0, 0.2 * 2**i) / 2 <= wait <= min(5.0, 0.2 * 2**i) for i, wait in enumerate(waits))
    assert len(set(waits[10:])) > 30
    backoff.reset()
    assert backoff.next() <= 0.2


async def test_a_task_that_ends_is_told_unless_it_may(eventually: Eventually) -> None:
    """By an error or by returning: both are told; a finite one may return; stopping is no death."""
    told: list[tuple[str, type[BaseException] | None]] = []
    tasks = Tasks()
    tasks.on_death = lambda name, error: told.append((name, type(error) if error else None))

    async def returns() -> None: ...

    async def fails() -> None:
        raise KeyError("x")

    async def forever() -> None:
        await asyncio.Event().wait()

    tasks.spawn(returns(), name="returns")
    tasks.spawn(fails(), name="fails")
    tasks.spawn(returns(), name="may return", finite=True)
    tasks.spawn(fails(), name="may not fail", finite=True)
    running = tasks.spawn(forever(), name="forever")
    await eventually(lambda: len(told) >= 3)
    assert set(told) == {("returns", None), ("fails", KeyError), ("may not fail", KeyError)}
    tasks.closing()
    returning = tasks.spawn(returns(), name="returns when it is stopped")
    await eventually(returning.done)
    await tasks.stop()
    assert running.cancelled()
    assert len(told) == 3
    assert len(tasks) == 0
