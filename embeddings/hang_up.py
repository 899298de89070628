"""Whether the client is still there, while it waits for its answer."""

import select
import socket
from collections.abc import Callable, Mapping
from typing import Any


def hang_up_detector(environ: Mapping[str, Any]) -> Callable[[], bool] | None:
    """What tells whether the client closed its end; None where nobody can."""
    connection = environ.get("gunicorn.socket")
    if connection is None:
        return None

    def is_gone() -> bool:
        """Peek, and read nothing."""
        try:
            # Not select(), which fails for the sockets beyond the first 1,024.
            readable = select.poll()
            readable.register(connection, select.POLLIN)
            if not readable.poll(0):
                return False
            peeked = connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except (OSError, ValueError):
            return True
        return bool(peeked == b"")

    return is_gone
