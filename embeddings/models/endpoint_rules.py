"""What a provider's address, hosts, options and credential may be."""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ValidationError

#: A name of the DNS or an address, as it stands in a URL, in small letters.
HOST = re.compile(r"[a-z0-9]([a-z0-9_\-.]*[a-z0-9])?|[0-9a-f:.]*:[0-9a-f:.]*", re.ASCII)
CREDENTIAL_LENGTH = 8192


def check_url(url: str, *, allowed_hosts: Iterable[str] = ()) -> None:
    """Raise ValidationError unless calls may go to this address.

    Hosts that are allowed may do without TLS and lie in a private network; what a
    name leads to is looked at with every call, not here.
    """
    parts = _split(url)
    host = parts.hostname or ""
    if parts.username is not None or parts.password is not None:
        raise ValidationError(
            "No user name or password in the address: the credential has a field of "
            "its own."
        )
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        raise ValidationError("The address ends with its path, without ? and #.")
    if host in allowed_hosts:
        return
    if parts.scheme == "http":
        raise ValidationError(
            f"An address begins with https://; without TLS the host {host} must be "
            "allowed."
        )
    if _is_private(host):
        raise ValidationError(
            f"{host} is not an address of the Internet. If it is meant, allow the host."
        )


def clean_hosts(hosts: Iterable[str]) -> list[str]:
    """Hosts as they are compared, each once; raises ValidationError for no host."""
    cleaned = [
        host.strip().lower().removeprefix("[").removesuffix("]") for host in hosts
    ]
    for host in cleaned:
        if not HOST.fullmatch(host):
            raise ValidationError(
                f"{host!r} is no host: write a name or an address alone, without port "
                "and path."
            )
    return sorted(set(cleaned))


def check_options(options: object) -> None:
    """Raise ValidationError unless the options are texts by name."""
    if not isinstance(options, dict) or not all(
        isinstance(value, str) for value in options.values()
    ):
        raise ValidationError(
            'Options are texts by name, such as {"api_version": "2024-10-21"}.'
        )


def check_credential(secret: str) -> None:
    """Raise ValidationError, without the secret, unless it can be sent in a header."""
    if not secret:
        raise ValidationError("The credential is empty.")
    if len(secret) > CREDENTIAL_LENGTH:
        raise ValidationError(
            f"A credential has {CREDENTIAL_LENGTH:,} characters at most."
        )
    if not (secret.isascii() and secret.isprintable()):
        raise ValidationError(
            "A credential is one line of letters, digits and signs; this has others."
        )


def _split(url: str) -> SplitResult:
    """The parts of an address that has a host."""
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        has_host = False
    is_plain = url.isascii() and url.isprintable() and not set(url) & set(" \\<>\"'")
    if not has_host or not is_plain or parts.scheme not in {"http", "https"}:
        raise ValidationError(
            "Write the whole address, such as https://api.example.com/v1."
        )
    return parts


def _is_private(host: str) -> bool:
    """Whether a host is told by its name alone to be this machine's or the site's."""
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        # Other ways to write an IPv4 address: 127.1, 0x7f000001.
        return bool(re.fullmatch(r"[0-9.]+|0x[0-9a-f.x]+", host))
