"""How quotas stand, as headers that clients read."""

import math
from collections.abc import Iterable

from accounts.quotas import Quantity, Standing

# OpenAI's families of headers, by what they count.
_OPENAI = {Quantity.REQUESTS: "requests", Quantity.TOKENS: "tokens"}

#: Units of draft-ietf-httpapi-ratelimit-headers where it has one, else our own.
_UNITS = {
    Quantity.REQUESTS: "requests",
    Quantity.TOKENS: "tokens",
    Quantity.NANOS: "nanos",
    Quantity.CONCURRENT: "concurrent-requests",
}


def limit_headers(standings: Iterable[Standing]) -> dict[str, str]:
    """`x-ratelimit-*` as OpenAI writes them and the IETF draft's `RateLimit` fields.

    Of several quotas of one quantity, the first family tells the one with the least
    left. Nothing without quotas.
    """
    found = list(standings)
    headers = {}
    for quantity, name in _OPENAI.items():
        of_this = [one for one in found if one.kind.quantity is quantity]
        if not of_this:
            continue
        least = min(
            of_this, key=lambda one: (one.remaining, -(one.reset_s or math.inf))
        )
        headers[f"x-ratelimit-limit-{name}"] = str(least.limit)
        headers[f"x-ratelimit-remaining-{name}"] = str(least.remaining)
        if least.reset_s is not None:
            headers[f"x-ratelimit-reset-{name}"] = go_duration(least.reset_s)
    if found:
        headers["RateLimit-Policy"] = ", ".join(map(_policy, found))
        headers["RateLimit"] = ", ".join(map(_state, found))
    return headers


def go_duration(seconds: float) -> str:
    """A duration as Go prints it, to the second above one second, else in ms."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def _policy(standing: Standing) -> str:
    kind = standing.kind
    text = f'"{standing.name}";q={standing.limit};qu="{_UNITS[kind.quantity]}"'
    window_s = kind.period.seconds
    return text if window_s is None else f"{text};w={window_s}"


def _state(standing: Standing) -> str:
    text = f'"{standing.name}";r={standing.remaining}'
    if standing.reset_s is None:
        return text
    return f"{text};t={math.ceil(standing.reset_s)}"
