import pytest
from django.http import HttpRequest, HttpResponse
from pytest_django import Settings

from config.client_address import ClientAddressMiddleware

PROXY = "172.30.0.7"


@pytest.mark.parametrize(
    ("peer", "passed_on", "seen"),
    [
        (PROXY, "203.0.113.9", "203.0.113.9"),
        (PROXY, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (PROXY, "203.0.113.9, 172.30.0.8", "203.0.113.9"),
        (PROXY, "2001:db8::1", "2001:db8::1"),
        (PROXY, "nonsense", PROXY),
        (PROXY, "", PROXY),
        ("203.0.113.5", "10.0.0.1", "203.0.113.5"),
        ("", "10.0.0.1", ""),
    ],
    ids=["one", "forged", "chain", "ipv6", "nonsense", "none", "stranger", "socket"],
)
def test_address_is_taken_from_trusted_proxies_only(
    settings: Settings, peer: str, passed_on: str, seen: str
) -> None:
    settings.TRUSTED_PROXIES = ["172.30.0.0/24"]
    request = HttpRequest()
    request.META = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": passed_on}

    ClientAddressMiddleware(lambda _: HttpResponse())(request)

    assert request.META["REMOTE_ADDR"] == seen


def test_nobody_is_trusted_unless_named(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = []
    request = HttpRequest()
    request.META = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "10.0.0.1"}

    ClientAddressMiddleware(lambda _: HttpResponse())(request)

    assert request.META["REMOTE_ADDR"] == "127.0.0.1"
