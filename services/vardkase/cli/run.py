"""`vardkase run SERVICE…`: services against a NATS server, in one process, as a container or a unit runs them."""

import importlib
import logging
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from vardkase.runtime import logs
from vardkase.runtime.errors import Refused
from vardkase.runtime.settings import load

app: Final = typer.Typer()

TOGETHER: Final = "services"
"""What a process of several services is called."""


class ServiceName(StrEnum):
    """The services; each is a class of its name in `vardkase.<name>.app`."""

    INTAKE = "intake"
    AGGREGATOR = "aggregator"
    ARCHIVER = "archiver"
    NOTIFIER = "notifier"
    GATEWAY = "gateway"


@app.command()
def run(services: Annotated[list[ServiceName], typer.Argument(help="Which; several share one process.")]) -> None:
    """Runs services until SIGTERM.

    Set VARDKASE_NATS_URL; VARDKASE_NATS_PUBLIC_URL for what is made public; VARDKASE_DATABASE_URL for the archive;
    VARDKASE_ALERTMANAGER_URL and VARDKASE_WEBHOOKS for the notifier. It answers /healthz, /readyz and /metrics on
    VARDKASE_HTTP_HOST and VARDKASE_HTTP_PORT; the gateway, all that people and apps ask.
    """
    settings = load()
    if settings.nats_url is None:
        raise Refused("VARDKASE_NATS_URL: expected the URL of a NATS server (`vardkase up` runs one of its own)")
    wanted = list(dict.fromkeys(services))
    writer = logs.configure(settings, wanted[0].value if len(wanted) == 1 else TOGETHER)
    try:
        # A second's work, after the settings are checked.
        from vardkase.runtime.metrics import Metrics  # noqa: PLC0415
        from vardkase.runtime.service import application, serve  # noqa: PLC0415
        from vardkase.runtime.together import Together  # noqa: PLC0415

        metrics = Metrics(process=True)
        made = [_class(each)(settings, metrics) for each in wanted]
        app = application(made[0] if len(made) == 1 else Together(made), settings, metrics)
        if ServiceName.GATEWAY in wanted and settings.http_fd is None:
            # Its port is for people and apps, and there it tells of itself too.
            settings = settings.model_copy(update={"http_host": "127.0.0.1", "http_port": 0})
        code = serve(app, settings)
    finally:
        logging.getLogger().removeHandler(writer)
        writer.close()
    raise typer.Exit(code)


def _class(service: ServiceName) -> Any:
    return getattr(importlib.import_module(f"vardkase.{service.value}.app"), service.value.capitalize())
