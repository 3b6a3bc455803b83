"""nats-py's socket, which says that a connection was lost as everybody says it."""

from nats.aio.transport import TcpTransport


class Transport(TcpTransport):
    """A connection's socket."""

    def write(self, payload: bytes) -> None:
        """Write it.

        Raises:
            ConnectionResetError: the connection was lost.
        """
        self._see_that_it_is_open()
        super().write(payload)

    def writelines(self, payload: list[bytes]) -> None:
        """Write all of it.

        Raises:
            ConnectionResetError: the connection was lost.
        """
        self._see_that_it_is_open()
        super().writelines(payload)

    @property
    def is_closing(self) -> bool:
        """Whether nothing can be written any more."""
        return self._io_writer is None or self._io_writer.transport.is_closing()

    def _see_that_it_is_open(self) -> None:
        if self.is_closing:
            raise ConnectionResetError("the connection was lost")
