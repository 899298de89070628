import socket

import pytest

from config.listening import Address


@pytest.mark.parametrize(
    ("bind", "base_url"),
    [
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("0.0.0.0:80", "http://127.0.0.1:80"),
        ("[::1]:8000", "http://[::1]:8000"),
        (":8000", "http://127.0.0.1:8000"),
    ],
)
def test_base_url_is_reached_from_this_machine(bind: str, base_url: str) -> None:
    assert Address.parse(bind).base_url == base_url


def test_address_without_a_port_is_refused() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        Address.parse("localhost")


def test_port_that_somebody_listens_on_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = Address(host="127.0.0.1", port=server.getsockname()[1])

        assert not address.wait_until_free(0.3)

    assert address.wait_until_free(0.0)
