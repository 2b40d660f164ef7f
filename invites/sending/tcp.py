"""Connecting to a host of several addresses within one time, not within so long for each."""

import socket


def reach(host: str, port: int, seconds: float) -> socket.socket:
    """A connection to the first address of ``host`` that answers. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    trouble = OSError()
    for place in found:
        address = str(place[4][0])
        try:
            return socket.create_connection((address, port), timeout=seconds / len(found))
        except OSError as error:
            trouble = error
    raise trouble
