"""When a provider wants to be asked again."""

import math
import random
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

#: Pauses where the provider names none: doubled from the first to the longest.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 8.0
#: Whatever a provider asks for, nobody is told to wait longer.
LONGEST_WAIT_S = 3600.0
#: Google's wire has the delay in the body (google.rpc.RetryInfo).
_RETRY_DELAY = re.compile(rb'"retryDelay"\s*:\s*"(\d{1,9}(?:\.\d{1,9})?)s"')
_TOO_MANY, _SERVER_ERROR = 429, 500


def is_temporary(status: int, headers: Mapping[str, str]) -> bool:
    """Whether the same call may succeed later; what the provider says of it counts."""
    if headers.get("x-should-retry") == "false":
        return False
    return status == _TOO_MANY or status >= _SERVER_ERROR


def retry_after_s(headers: Mapping[str, str], body: bytes = b"") -> float | None:
    """The wait that an answer asks for, in seconds, within reason; None: none."""
    asked_s = _asked_s(headers, body)
    return None if asked_s is None else min(asked_s, LONGEST_WAIT_S)


def pause_s(tries: int, *, asked_s: float | None) -> float:
    """How long to wait after so many tries: what was asked for, or longer each time."""
    if asked_s is not None:
        return asked_s
    longest: float = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (tries - 1))
    # Those who failed together must not come back together.
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


def _asked_s(headers: Mapping[str, str], body: bytes) -> float | None:
    """What stands in a header, or in the body; never negative."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after", "")
    if text:
        seconds = _number(text)
        return _until(text) if seconds is None else seconds
    found = _RETRY_DELAY.search(body)
    return float(found[1]) if found else None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _until(text: str) -> float | None:
    """Seconds until an HTTP date."""
    try:
        moment = parsedate_to_datetime(text)
        return max(0.0, moment.timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
