"""`vardkase run SERVICE`: one service against a NATS server, as a container or a unit of systemd runs it."""

import importlib
import logging
from enum import StrEnum
from typing import Annotated, Final

import typer

from vardkase.runtime import logs
from vardkase.runtime.errors import Refused
from vardkase.runtime.settings import load

app: Final = typer.Typer()


class ServiceName(StrEnum):
    """The services; each has `vardkase.<name>.app` with `build(settings)`."""

    INTAKE = "intake"
    AGGREGATOR = "aggregator"
    ARCHIVER = "archiver"
    GATEWAY = "gateway"


@app.command()
def run(service: Annotated[ServiceName, typer.Argument(help="Which one.")]) -> None:
    """Runs one service until SIGTERM.

    Set VARDKASE_NATS_URL; VARDKASE_NATS_PUBLIC_URL for what is made public; VARDKASE_DATABASE_URL for the archive. It
    answers /healthz, /readyz and /metrics on VARDKASE_HTTP_HOST and VARDKASE_HTTP_PORT; the gateway, all that people
    and apps ask.
    """
    settings = load()
    if settings.nats_url is None:
        raise Refused("VARDKASE_NATS_URL: expected the URL of a NATS server (`vardkase up` runs one of its own)")
    writer = logs.configure(settings, service.value)
    try:
        from vardkase.runtime.service import serve  # noqa: PLC0415 -- a second's work, after the settings are checked

        build = importlib.import_module(f"vardkase.{service.value}.app").build
        app = build(settings)
        if service is ServiceName.GATEWAY and settings.http_fd is None:
            # Its port is for people and apps, and there it tells of itself too.
            settings = settings.model_copy(update={"http_host": "127.0.0.1", "http_port": 0})
        code = serve(app, settings)
    finally:
        logging.getLogger().removeHandler(writer)
        writer.close()
    raise typer.Exit(code)
