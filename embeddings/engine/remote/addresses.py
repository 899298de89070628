"""Which URLs may be asked, and to which addresses their names may lead.

A provider's URL is an operator's word, and its name is somebody else's: neither may
lead into the network behind this server (OWASP: server-side request forgery).
"""

import ipaddress
import socket
from collections.abc import Container
from urllib.parse import urlsplit

from embeddings.engine.remote.failures import ForbiddenUrlError, UnreachableError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Translates IPv4 for networks without it (RFC 6052); the last 32 bits are the address.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_IPV4_BITS = 0xFFFFFFFF
#: IANA's special-purpose ranges that older Pythons take for global.
_SPECIAL = tuple(
    map(ipaddress.ip_network, ("192.0.0.0/24", "64:ff9b:1::/48", "3fff::/20"))
)


def check_url(url: str, *, allowed_hosts: Container[str]) -> None:
    """Raise `ForbiddenUrlError` for what is not https, or http of an allowed host."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ForbiddenUrlError("the URL cannot be read") from None
    if not host:
        raise ForbiddenUrlError("the URL names no host")
    if parts.username is not None or parts.password is not None:
        raise ForbiddenUrlError("the URL holds a user's name or password")
    is_plain = parts.scheme == "http" and is_allowed(host, allowed_hosts)
    if parts.scheme != "https" and not is_plain:
        raise ForbiddenUrlError("only https is allowed, http for allowed hosts alone")


def addresses_of(
    host: str, port: int, *, allowed_hosts: Container[str]
) -> tuple[str, ...]:
    """The addresses behind a name, each of which may be connected to.

    One that may not forbids the name: whoever mixes them hopes for luck. Raises
    `ForbiddenUrlError`, `UnreachableError`.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UnreachableError("the host's name is not known") from None
    addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not is_allowed(host, allowed_hosts) and not all(map(is_public, addresses)):
        raise ForbiddenUrlError("the host's name leads into a private network")
    return addresses


def is_allowed(host: str, allowed_hosts: Container[str]) -> bool:
    """Whether the operator named this host, in whatever case, with or without a dot."""
    return host.strip("[]").rstrip(".").casefold() in allowed_hosts


def is_public(address: str) -> bool:
    """Whether an address is one of the internet at large."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None or ip.sixtofour is not None:
            return False
        if ip.teredo is not None or ip.is_site_local:
            return False
        if ip in _NAT64:
            return _is_global(ipaddress.IPv4Address(int(ip) & _IPV4_BITS))
    return _is_global(ip)


def _is_global(ip: Address) -> bool:
    if any(ip in network for network in _SPECIAL):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_unspecified or ip.is_reserved)
