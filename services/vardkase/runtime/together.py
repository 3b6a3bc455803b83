"""Several services in one process: for a node so small that what each of them costs alone is most of what it costs.

They share a connection, an event loop and metrics. What ends one ends them all, to be started anew together.
"""

from collections.abc import Sequence
from dataclasses import replace

from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.service import Early, Service
from vardkase.runtime.tasks import Tasks


class Together:
    """A service made of several.

    Args:
        services: in the order in which they are started; they are stopped in the opposite one.
    """

    name = "services"

    def __init__(self, services: Sequence[Service]) -> None:
        self._services = services
        self._begun: list[Service] = []
        self.tasks = Tasks()
        for each in services:
            each.tasks.on_death = self._died

    def _died(self, name: str, error: BaseException | None) -> None:
        if self.tasks.on_death is not None:
            self.tasks.on_death(name, error)

    async def early(self, nc: Connection) -> None:
        """Begin what can begin before there is a connection."""
        for each in self._services:
            if isinstance(each, Early):
                self._begin(each)
                await each.early(nc)

    async def start(self, nc: Connection) -> None:
        """Start each; an error of one ends them all."""
        for each in self._services:
            self._begin(each)
            await each.start(nc)

    def _begin(self, service: Service) -> None:
        if service not in self._begun:
            self._begun.append(service)

    async def stop(self) -> None:
        """Stop each that was begun, whatever the others do.

        Raises:
            ExceptionGroup: some could not be stopped in order.
        """
        errors: list[Exception] = []
        for each in reversed([service for service in self._services if service in self._begun]):
            each.tasks.closing()
            try:
                await each.stop()
            except Exception as error:  # noqa: BLE001 -- told, when the others have been stopped too
                errors.append(error)
            await each.tasks.stop()
        if errors:
            raise ExceptionGroup("services could not stop in order", errors)

    def checks(self) -> Sequence[Check]:
        """Of all of them, each with the name of its service before its own."""
        return [replace(check, name=f"{each.name}: {check.name}") for each in self._services for check in each.checks()]
