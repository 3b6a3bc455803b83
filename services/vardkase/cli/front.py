"""The gateway of a whole node: the socket that people and apps reach."""

import socket
from collections.abc import Callable
from typing import Any, Final

from vardkase.runtime.settings import Settings
from vardkase.runtime.sockets import listen, url
from vardkase.runtime.supervisor import Handed

GATEWAY: Final = "gateway"
"""The service."""


class Front:
    """Sockets are bound before anything is promised, and outlive the gateway's process: its port stays.

    Args:
        ops: where the node itself answers.
        front: where the gateway does; None: there is none.
    """

    def __init__(self, ops: socket.socket, front: socket.socket | None) -> None:
        self.ops = ops
        self._front = front
        self.services = () if front is None else (GATEWAY,)
        """What the node runs for it."""
        self.url = None if front is None else url(front)
        """Where it is reached; None: there is no gateway."""

    @classmethod
    def of(cls, settings: Settings) -> "Front":
        """What a node needs: with a gateway, that has the node's address, and the node itself a port of its own.

        Raises:
            Ended: the port is taken, or the address is not this computer's.
        """
        bound = listen(settings.http_host, settings.http_port)
        if not settings.gateway:
            return cls(bound, None)
        return cls(listen("127.0.0.1", 0), bound)

    def handed(self, process: str | None, public_url: Callable[[], str | None]) -> dict[str, Handed]:
        """What the gateway's process is given that others are not.

        Args:
            process: the name of the one that the gateway runs in; None: there is none.
            public_url: where everyone reads what is public: the gateway writes nothing there. None: as is set.
        """
        if self._front is None or process is None:
            return {}
        descriptor, port = self._front.fileno(), self.ops.getsockname()[1]

        def variables() -> dict[str, Any]:
            url = public_url()
            more = {} if url is None else {"web_public_url": url}
            return {"web_fd": descriptor, "web_node_port": port, **more}

        return {process: Handed(descriptors=(descriptor,), variables=variables)}

    def close(self) -> None:
        """Let the port go."""
        if self._front is not None:
            self._front.close()
