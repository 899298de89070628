"""Where an embedded server is reached; light enough for settings to import."""

import socket
from pathlib import Path
from urllib.parse import quote

SUPERUSER = "postgres"


def socket_folder(home: Path) -> Path:
    """Where the server whose files lie in `home` puts its socket."""
    return home / "run"


def socket_path(home: Path) -> Path:
    """The socket itself."""
    return socket_folder(home) / ".s.PGSQL.5432"


def url_of(home: Path, database: str) -> str:
    """The address of a database, in the form that Django and libpq both read."""
    host = quote(str(socket_folder(home)), safe="")
    return f"postgresql://{SUPERUSER}@{host}/{database}"


def is_listening(home: Path) -> bool:
    """Whether a server accepts connections on the socket, now."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(socket_path(home)))
        except OSError:
            return False
    return True
