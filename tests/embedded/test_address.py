import socket
from pathlib import Path

import dj_database_url

from embedded import address


def test_url_is_read_by_django(tmp_path: Path) -> None:
    parsed = dj_database_url.parse(address.url_of(tmp_path, "platform"))

    assert parsed["HOST"] == str(tmp_path / "run")
    assert parsed["USER"] == "postgres"
    assert parsed["NAME"] == "platform"


def test_listening_server_is_found(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(address.socket_path(tmp_path)))
        assert not address.is_listening(tmp_path)

        server.listen()

        assert address.is_listening(tmp_path)
    assert not address.is_listening(tmp_path)


def test_missing_socket_is_no_server(tmp_path: Path) -> None:
    assert not address.is_listening(tmp_path)
