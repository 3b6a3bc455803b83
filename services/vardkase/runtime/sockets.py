"""Listening sockets that are bound before anything is promised."""

import errno
import socket
from typing import Final

from vardkase.runtime.errors import Failed, Refused

BACKLOG: Final = 128


def listen(host: str, port: int, *, option: str = "--http-port") -> socket.socket:
    """A listening TCP socket.

    Args:
        host: the address, or a name of it.
        port: 0 for a free one.
        option: what the port is called by the one who chose it.

    Raises:
        Failed: the port is taken, or may not be used.
        Refused: there is no such address here.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError:
        raise Refused(f"VARDKASE_HTTP_HOST: expected an address of this computer; {host} is not known") from None
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise Refused(f"VARDKASE_HTTP_HOST: expected an address of this computer; {host} is not") from None
        why = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise Failed(f"port {port} on {host} {why}: choose another with {option} (0 = a free one)") from None
    bound.setblocking(False)
    return bound


def url(bound: socket.socket) -> str:
    """`http://host:port` of a listening socket, as one on this computer reaches it."""
    address: tuple[str, int] = bound.getsockname()[:2]
    host, port = address
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host) or host  # noqa: S104 -- read, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
