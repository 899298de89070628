"""Whose address a request came from, behind proxies that we trust."""

import ipaddress
from collections.abc import Callable, Sequence

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ClientAddressMiddleware:
    """Puts the client's address in REMOTE_ADDR when a trusted proxy passed it on.

    The last address of X-Forwarded-For that is no proxy of ours is the client's:
    what stands before it, the client may have written itself.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._trusted = networks(settings.TRUSTED_PROXIES)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request, its address put right."""
        peer = request.META.get("REMOTE_ADDR", "")
        if self._trusted and is_within(peer, self._trusted):
            passed_on = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
            request.META["REMOTE_ADDR"] = self._client(passed_on, default=peer)
        return self._get_response(request)

    def _client(self, passed_on: list[str], *, default: str) -> str:
        for text in reversed(passed_on):
            address = text.strip()
            if not is_address(address):
                return default
            if not is_within(address, self._trusted):
                return address
        return default


def networks(names: Sequence[str]) -> tuple[Network, ...]:
    """Addresses and networks as written in settings; raises ValueError."""
    return tuple(ipaddress.ip_network(name.strip()) for name in names)


def is_address(text: str) -> bool:
    """Whether the text is one IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_within(text: str, trusted: tuple[Network, ...]) -> bool:
    """Whether the text is an address inside one of the networks."""
    if not is_address(text):
        return False
    address = ipaddress.ip_address(text)
    return any(address in network for network in trusted)
