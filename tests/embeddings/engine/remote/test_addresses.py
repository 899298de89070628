"""Where a provider's URL may not lead, however it is written."""

import socket

import pytest

from embeddings.engine.remote.addresses import (
    addresses_of,
    check_url,
    is_allowed,
    is_public,
)
from embeddings.engine.remote.failures import ForbiddenUrlError, UnreachableError

PUBLIC = "93.184.216.34"


def resolving(monkeypatch, *addresses):
    """Let every name lead to these addresses."""

    def getaddrinfo(host, port, **_):
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
            for one in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.9.1", "10.0.0.1", "172.16.0.1", "172.31.255.255"),
        *("192.168.1.1", "169.254.169.254", "100.64.0.1", "100.127.255.255"),
        *("0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.250", "240.0.0.1"),
        *("255.255.255.255", "192.0.2.1", "198.18.0.1", "198.51.100.1", "192.0.0.8"),
        *("::", "::1", "fe80::1", "fe80::1%2", "fc00::1", "fd00:ec2::254", "ff02::1"),
        *("fec0::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8"),
        *("::ffff:a9fe:a9fe", "2002:7f00:1::", "2001:0:4136:e378::1"),
        *("64:ff9b:1::7f00:1", "3fff::1"),
        *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::a00:1"),
    ],
)
def test_addresses_that_are_not_the_internets(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [PUBLIC, "8.8.8.8", "172.32.0.1", "2606:4700:4700::1111", "64:ff9b::808:808"],
)
def test_addresses_of_the_internet(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        *("http://api.example.com", "ftp://api.example.com", "file:///etc/passwd"),
        *("//api.example.com", "api.example.com", "", "https://", "https:///v1"),
        *("gopher://x", "javascript:alert(1)", "https://user:pw@api.example.com"),
        *("https://127.0.0.1@api.example.com", "https://a:70000/", "https://[::1"),
        *("unix:///var/run/docker.sock", "http://169.254.169.254/latest/meta-data"),
        *("HTTP://Allowed.example.com.evil.test", "data:text/plain,x"),
    ],
)
def test_urls_that_are_never_asked(url):
    with pytest.raises(ForbiddenUrlError):
        check_url(url, allowed_hosts={"allowed.example.com"})


@pytest.mark.parametrize(
    "url",
    [
        *("https://api.example.com", "https://api.example.com:8443/v1?x=1"),
        *("http://allowed.example.com/v1", "http://Allowed.Example.com.:80/"),
        *("http://[::1]:8080/", "HTTPS://API.example.com"),
    ],
)
def test_urls_that_may_be_asked(url):
    check_url(url, allowed_hosts={"allowed.example.com", "::1"})


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1"),
        *("0", "::1", "::ffff:127.0.0.1", "0x7f.1", "localhost."),
    ],
)
def test_names_of_this_machine_are_refused_however_they_are_written(host):
    # Some resolvers know no other spelling than the plain ones.
    with pytest.raises((ForbiddenUrlError, UnreachableError)):
        addresses_of(host, 443, allowed_hosts=frozenset())


def test_a_name_with_one_private_address_is_refused(monkeypatch):
    resolving(monkeypatch, PUBLIC, "10.0.0.1")

    with pytest.raises(ForbiddenUrlError):
        addresses_of("rebind.example.com", 443, allowed_hosts=frozenset())


def test_addresses_come_in_their_order_and_once(monkeypatch):
    resolving(monkeypatch, PUBLIC, "8.8.8.8", PUBLIC)

    found = addresses_of("api.example.com", 443, allowed_hosts=frozenset())

    assert found == (PUBLIC, "8.8.8.8")


def test_an_allowed_host_may_be_private(monkeypatch):
    resolving(monkeypatch, "10.0.0.1")

    found = addresses_of("Models.Internal.", 80, allowed_hosts={"models.internal"})

    assert found == ("10.0.0.1",)
    assert not is_allowed("x.models.internal", {"models.internal"})


@pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 70, "..", "\udcff"])
def test_names_that_lead_nowhere(host, monkeypatch):
    def getaddrinfo(host, *_, **__):
        host.encode("idna")
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    with pytest.raises(UnreachableError):
        addresses_of(host, 443, allowed_hosts=frozenset())
