"""`vardkase run SERVICE`: one service against a NATS server, as a container or a unit of systemd runs it."""

import importlib
import logging
from enum import StrEnum
from typing import Annotated, Final

import typer

from vardkase.runtime.errors import Refused

app: Final = typer.Typer()


class ServiceName(StrEnum):
    """The services; each has `vardkase.<name>.app` with `build(settings)`."""

    INTAKE = "intake"
    AGGREGATOR = "aggregator"


@app.command()
def run(service: Annotated[ServiceName, typer.Argument(help="Which one.")]) -> None:
    """Runs one service until SIGTERM.

    Set VARDKASE_NATS_URL, and VARDKASE_NATS_PUBLIC_URL for what is made public. It answers /healthz, /readyz and
    /metrics on VARDKASE_HTTP_HOST and VARDKASE_HTTP_PORT.
    """
    from vardkase.runtime import logs, settings  # noqa: PLC0415 -- what a command needs is imported when it runs

    loaded = settings.load()
    if loaded.nats_url is None:
        raise Refused("VARDKASE_NATS_URL: expected the URL of a NATS server (`vardkase up` runs one of its own)")
    writer = logs.configure(loaded, service.value)
    try:
        from vardkase.runtime.service import serve  # noqa: PLC0415

        build = importlib.import_module(f"vardkase.{service.value}.app").build
        code = serve(build(loaded), loaded)
    finally:
        logging.getLogger().removeHandler(writer)
        writer.close()
    raise typer.Exit(code)
