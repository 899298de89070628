"""The address the web server listens on."""

import socket
import time
from dataclasses import dataclass

ANYWHERE = {"", "0.0.0.0", "::", "[::]"}  # noqa: S104 -- to recognise, not to bind
POLL_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A host and port as in WEB_BIND."""

    host: str
    port: int

    @classmethod
    def parse(cls, bind: str) -> "Address":
        """From `host:port`, IPv6 in brackets; raises ValueError."""
        host, _, port = bind.rpartition(":")
        return cls(host=host.strip("[]"), port=int(port))

    def __str__(self) -> str:
        return f"{self._host_in_url}:{self.port}"

    @property
    def base_url(self) -> str:
        """Where this machine reaches the server."""
        host = "127.0.0.1" if self.host in ANYWHERE else self._host_in_url
        return f"http://{host}:{self.port}"

    @property
    def _host_in_url(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    def is_free(self) -> bool:
        """Whether a server could listen here now."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.socket(family) as probe:
            # As the web server does: connections that just ended do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError:
                return False
        return True

    def wait_until_free(self, patience_s: float) -> bool:
        """Whether it is free, now or within the time."""
        deadline = time.monotonic() + patience_s
        while not self.is_free():
            if time.monotonic() >= deadline:
                return False
            time.sleep(POLL_S)
        return True
